"""One recorded demonstration, and the folder that keeps many of them.

A folder holds one file per episode, `<task>_<seed>.npz` (not compressed, so that the images can be mapped into
memory and a training loop reads only the frames it wants: 27 kB per frame and view at 96 x 96), and `index.jsonl`
with one line per attempt, failed attempts included. Files are written under another name and renamed, and the line
is added after that: what stands in the index is whole, at any moment of a collection.
"""

import json
import os
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

INDEX = "index.jsonl"
FORMAT = 1
_ARRAYS = ("images", "K", "world_from_camera", "poses", "openness")


@dataclass
class Episode:
    """Frames at t = 0, dt, 2 dt, ..

    images: uint8 RGB [V, T, H, W, 3]. K: [V, 3, 3], integer pixel centres. world_from_camera: [V, 4, 4], OpenCV
    optical frames. poses: float64 [T, 7], measured pose7 (xyz m, quaternion xyzw) of the MODEL tool frame in the
    world. openness: [T], the command (1 open, 0 closed) executed from that frame on. dt in seconds.
    """

    task: str
    seed: int
    instruction: str
    dt: float
    images: np.ndarray
    K: np.ndarray
    world_from_camera: np.ndarray
    poses: np.ndarray
    openness: np.ndarray
    success: bool
    camera_names: tuple[str, ...]
    perturbed: bool = False

    def __post_init__(self):
        self.camera_names = tuple(self.camera_names)
        views, frames = self.images.shape[:2]
        expected = {
            "K": (views, 3, 3),
            "world_from_camera": (views, 4, 4),
            "poses": (frames, 7),
            "openness": (frames,),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"{name} has shape {getattr(self, name).shape}; images {self.images.shape} need {shape}"
                )
        if self.images.dtype != np.uint8 or self.images.ndim != 5 or self.images.shape[-1] != 3:
            raise ValueError(f"images are {self.images.dtype} {self.images.shape}; give uint8 [V, T, H, W, 3]")
        if len(self.camera_names) != views:
            raise ValueError(f"camera_names has {len(self.camera_names)} names for {views} views; give one each")

    @property
    def frames(self) -> int:
        """T."""
        return self.images.shape[1]

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
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            arrays = {name: np.ascontiguousarray(getattr(episode, name)) for name in _ARRAYS}
            np.savez(file, meta=np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _map_member(archive: zipfile.ZipFile, path: Path, name: str) -> np.ndarray:
    """Maps an uncompressed array of an .npz file into memory."""
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
    if offset - start + int(np.prod(shape)) * dtype.itemsize != info.file_size:
        raise ValueError(f"{path}: {name} has another size than its header says")
    return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape, order="F" if fortran else "C")


def load_episode(path: str | Path, *, mmap: bool = True) -> Episode:
    """Reads an episode; with `mmap` its images stay on disk until they are looked at.

    Raises ValueError that names the file when it is damaged, incomplete or of another format.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            meta = json.loads(stored["meta"].tobytes())
            arrays = {name: stored[name] for name in _ARRAYS if name != "images"}
            images = _map_member(stored.zip, path, "images") if mmap else stored["images"]
    except FileNotFoundError:
        raise
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError, struct.error) as error:
        raise ValueError(f"{path} is damaged or no episode ({error}); delete it and collect again") from error
    if meta.pop("format", None) != FORMAT:
        raise ValueError(f"{path} has another format than {FORMAT}; collect again with this version")
    return Episode(images=images, **arrays, **meta)


def append_index(directory: str | Path, row: dict) -> None:
    """Adds one line to the folder's index; `row` has at least task, seed, file (None: failed). One writer at a time."""
    with open(Path(directory) / INDEX, "a+b") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps(row).encode() + b"\n")


def read_index(directory: str | Path) -> list[dict]:
    """Rows of the folder's index, one per task and seed, the latest counts; empty where there is no index.

    An unfinished line (of a writer that was cut off) is left out.
    """
    path = Path(directory) / INDEX
    rows = {}
    if path.exists():
        for line in path.read_text().splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            rows[row["task"], row["seed"]] = row
    return list(rows.values())


def iterate_episodes(directory: str | Path, *, tasks=None, mmap: bool = True) -> Iterator[Episode]:
    """Successful episodes of a folder in the order of its index; `tasks`: names to keep (default all)."""
    for row in read_index(directory):
        if row["file"] and (tasks is None or row["task"] in tasks):
            yield load_episode(Path(directory) / row["file"], mmap=mmap)


def load_episodes(directory: str | Path, *, tasks=None, limit: int | None = None) -> list[Episode]:
    """All successful episodes of a folder, images mapped into memory (about a millisecond per episode).

    Raises ValueError when the folder holds none.
    """
    episodes = []
    for episode in iterate_episodes(directory, tasks=tasks):
        episodes.append(episode)
        if limit is not None and len(episodes) >= limit:
            break
    if not episodes:
        raise ValueError(f"directory {directory} holds no episodes; write some with 'action-images collect'")
    return episodes
