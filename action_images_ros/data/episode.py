"""One recorded demonstration, and the folder that keeps many of them.

A folder holds one file per episode, `<task>_<seed>.npz` (not compressed, so that the images can be mapped into
memory and a training loop reads only the frames it wants: 27 kB per frame and view at 96 x 96), and `index.jsonl`
with one line per attempt, failed attempts included. Files are written under another name and renamed, and the line
is added after that: what stands in the index is whole, at any moment of a collection.
"""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt

from ..safe_files import read_bytes, whole_file
from .episode_checks import check_cameras, check_poses, check_times, check_words

__all__ = [
    "INDEX",
    "Episode",
    "append_index",
    "episode_file_name",
    "iterate_episodes",
    "load_episode",
    "load_episodes",
    "read_index",
    "save_episode",
]

INDEX = "index.jsonl"
FORMAT = 1
_ARRAYS = ("images", "K", "world_from_camera", "poses", "openness")
_OPTIONAL = ("times",)
_SMALL = 256_000_000  # bytes of an array other than the pictures


@dataclass
class Episode:
    """Frames at t = 0, dt, 2 dt, .. or, where cameras did not keep that exactly, at `times`.

    images: uint8 RGB [V, T, H, W, 3]. K: [V, 3, 3], integer pixel centres. world_from_camera: [V, 4, 4], OpenCV
    optical frames, or [V, T, 4, 4] where a camera moves. poses: float64 [T, 7], measured pose7 (xyz m, quaternion xyzw)
    of the MODEL tool frame in the world. openness: [T], the command (1 open, 0 closed) executed from that frame on. dt
    in seconds. times: [T] seconds from the first frame (default: multiples of dt). task and camera_names: letters,
    digits and `_.+-`, since files are named after them.

    Checked when it is made, so that readers, writers and training need not: raises ValueError naming the field, its
    value and the likely cause.
    """

    task: str
    seed: int
    instruction: str
    dt: float
    images: npt.NDArray[np.uint8]
    K: npt.NDArray[np.float64]
    world_from_camera: npt.NDArray[np.float64]
    poses: npt.NDArray[np.float64]
    openness: npt.NDArray[np.float64]
    success: bool
    camera_names: tuple[str, ...]
    perturbed: bool = False
    times: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        self._check_shapes()
        check_words(self)
        check_times(self)
        check_cameras(self)
        check_poses(self)

    def _check_shapes(self) -> None:
        if (
            self.images.dtype != np.uint8
            or self.images.ndim != 5
            or self.images.shape[-1] != 3
            or 0 in self.images.shape
        ):
            raise ValueError(f"images are {self.images.dtype} {self.images.shape}; give uint8 [V, T, H, W, 3]")
        views, frames = self.images.shape[:2]
        self.camera_names = tuple(str(name) for name in self.camera_names)
        if len(self.camera_names) != views or len(set(self.camera_names)) != views:
            raise ValueError(f"camera_names is {list(self.camera_names)} for {views} views; give each its own name")
        moving = np.ndim(self.world_from_camera) == 4
        expected = {
            "K": (views, 3, 3),
            "world_from_camera": (views, frames, 4, 4) if moving else (views, 4, 4),
            "poses": (frames, 7),
            "openness": (frames,),
        }
        for name, shape in expected.items():
            value = getattr(self, name)
            if np.shape(value) != shape:
                raise ValueError(f"{name} has shape {np.shape(value)}; images {self.images.shape} need {shape}")
            try:
                setattr(self, name, np.asarray(value, dtype=np.float64))
            except (TypeError, ValueError):
                raise ValueError(f"{name} is not numeric ({np.asarray(value).dtype}); give float64") from None

    @property
    def moving(self) -> bool:
        """Whether a camera moves: world_from_camera has a pose per frame."""
        return bool(self.world_from_camera.ndim == 4)

    @property
    def extrinsics(self) -> npt.NDArray[np.float64]:
        """world_from_camera of every frame, `[V, T, 4, 4]`."""
        if self.moving:
            return self.world_from_camera
        return np.broadcast_to(self.world_from_camera[:, None], (*self.images.shape[:2], 4, 4))

    def cameras_at(self, frame: int) -> npt.NDArray[np.float64]:
        """world_from_camera of one frame, `[V, 4, 4]`."""
        return self.world_from_camera[:, frame] if self.moving else self.world_from_camera

    def still_views(self, tolerance: float = 1e-3) -> list[int]:
        """Views whose camera stands still (in m and rad, as matrix entries)."""
        moved = np.abs(self.extrinsics - self.extrinsics[:, :1]).max(axis=(1, 2, 3))
        return [view for view in range(len(moved)) if moved[view] <= tolerance]

    @property
    def frames(self) -> int:
        """T."""
        return int(self.images.shape[1])

    @property
    def file_name(self) -> str:
        """Name of the episode's file in a folder."""
        return episode_file_name(self.task, self.seed)


def episode_file_name(task: str, seed: int) -> str:
    """Name of an episode's file."""
    return f"{task}_{seed:09d}.npz"


def save_episode(directory: str | Path, episode: Episode) -> Path:
    """Writes the episode's file into a folder (not yet its index line, see `append_index`); returns its path."""
    path = Path(directory) / episode.file_name
    meta = {
        "format": FORMAT,
        "task": episode.task,
        "seed": int(episode.seed),
        "instruction": episode.instruction,
        "dt": float(episode.dt),
        "success": bool(episode.success),
        "perturbed": bool(episode.perturbed),
        "camera_names": list(episode.camera_names),
    }
    arrays: dict[str, Any] = {name: np.ascontiguousarray(getattr(episode, name)) for name in (*_ARRAYS, *_OPTIONAL)}
    with whole_file(path) as part, open(part, "wb") as file:
        np.savez(file, meta=np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays)
    return path


def _place(archive: zipfile.ZipFile, path: Path, name: str) -> tuple[int, tuple[int, ...], bool, np.dtype]:
    """Offset, shape, order and type of an array of an .npz file; ValueError where its sizes contradict each other."""
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{path}: {name} is compressed; write episodes with save_episode")
    with open(path, "rb") as file:
        file.seek(info.header_offset)
        name_length, extra_length = struct.unpack("<26xHH", file.read(30))
        start = info.header_offset + 30 + name_length + extra_length
        file.seek(start)
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        offset = file.tell()
    count = 1
    for length in shape:
        count *= int(length)
    if dtype.hasobject or offset - start + count * dtype.itemsize != info.file_size:
        raise ValueError(f"{path}: {name} has another size than its header says")
    return offset, shape, fortran, dtype


def _member(archive: zipfile.ZipFile, path: Path, name: str, mmap: bool) -> np.ndarray:
    offset, shape, fortran, dtype = _place(archive, path, name)
    array = np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape, order="F" if fortran else "C")
    if mmap:
        return array
    if name != "images" and array.nbytes > _SMALL:
        raise ValueError(f"{path}: {name} has {array.nbytes:,} bytes; is it an episode?")
    return np.array(array)


def load_episode(path: str | Path, *, mmap: bool = True) -> Episode:
    """Reads an episode; with `mmap` its images stay on disk until they are looked at.

    Raises ValueError that names the file when it is damaged, incomplete, of another format or no episode.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is no regular file; give an episode's .npz")
    try:
        with zipfile.ZipFile(path) as archive:
            meta = json.loads(_member(archive, path, "meta", False).tobytes())
            there = set(archive.namelist())
            arrays: dict[str, Any] = {
                name: _member(archive, path, name, mmap and name == "images")
                for name in (*_ARRAYS, *_OPTIONAL)
                if name in _ARRAYS or f"{name}.npy" in there
            }
    except FileNotFoundError:
        raise
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        EOFError,
        OSError,
        struct.error,
        OverflowError,
        RecursionError,
        NotImplementedError,
        SyntaxError,
        TokenError,
    ) as error:
        raise ValueError(f"{path} is damaged or no episode ({error}); delete it and collect again") from error
    if not isinstance(meta, dict) or meta.pop("format", None) != FORMAT:
        raise ValueError(f"{path} has another format than {FORMAT}; collect again with this version")
    try:
        return Episode(**arrays, **meta)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from None


def append_index(directory: str | Path, row: dict[str, Any]) -> None:
    """Adds one line to the folder's index; `row` has at least task, seed, file (None: failed). One writer at a time."""
    with open(Path(directory) / INDEX, "a+b") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps(row).encode() + b"\n")


def read_index(directory: str | Path) -> list[dict[str, Any]]:
    """Rows of the folder's index, one per task and seed, the latest counts; empty where there is no index.

    An unfinished line (of a writer that was cut off) is left out.
    """
    path = Path(directory) / INDEX
    rows = {}
    if path.exists():
        for line in read_bytes(path, 1 << 30).decode(errors="replace").splitlines():
            try:
                row = json.loads(line)
                file = row["file"]
                if file is not None and (Path(file).name != file or file.startswith(".")):
                    raise ValueError(f"{path} names the file {file!r}, which lies outside of its folder")
                rows[row["task"], row["seed"]] = row
            except (json.JSONDecodeError, KeyError, TypeError, RecursionError):
                continue
    return list(rows.values())


def iterate_episodes(
    directory: str | Path, *, tasks: Collection[str] | None = None, mmap: bool = True
) -> Iterator[Episode]:
    """Successful episodes of a folder in the order of its index; `tasks`: names to keep (default all)."""
    for row in read_index(directory):
        if row["file"] and (tasks is None or row["task"] in tasks):
            yield load_episode(Path(directory) / row["file"], mmap=mmap)


def load_episodes(
    directory: str | Path, *, tasks: Collection[str] | None = None, limit: int | None = None
) -> list[Episode]:
    """All successful episodes of a folder, images mapped into memory (about a millisecond per episode).

    Raises ValueError when the folder holds none.
    """
    episodes = []
    for episode in iterate_episodes(directory, tasks=tasks):
        if episode.moving:
            raise ValueError(
                f"{episode.file_name} has a camera that moves, training reads cameras that stand still; convert the "
                "recording again without it (--cameras)"
            )
        episodes.append(episode)
        if limit is not None and len(episodes) >= limit:
            break
    if not episodes:
        raise ValueError(f"directory {directory} holds no episodes; write some with 'action-images collect'")
    return episodes
