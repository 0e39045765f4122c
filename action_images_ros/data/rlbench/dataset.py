"""The layouts of RLBench recordings: TASK/variationN/episodes/episodeM, as published and as RLBench saves them.

The published one has videos and camera parameters; RLBench's own is read in `stock`.

Read as published: `actions.npy` has four rows per video frame (x y z qx qy qz qw openness), focal lengths are negative
(normalised here), descriptions are a pickle (never executed). What the layout has no place for (dt, seed, success,
camera names) is kept in `action_images.json` beside the actions, and assumed where that is missing.
"""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tokenize import TokenError

import numpy as np
import numpy.typing as npt

from ...geometry.camera import normalise_signs
from ...geometry.pose import interpolate, matrix_from_pose7
from ...safe_files import load_json
from ..episode import Episode
from ..format import EpisodeWriter, Item, Options, Remark
from ..gripper import Gripper, find_gripper, narrow, parse_gripper
from ..video import frame_rate, read_video, write_video
from .stock import DEMO, read_stock_episode
from .string_pickle import read_strings

__all__ = ["ROWS_PER_FRAME", "RlbenchFormat"]

ROWS_PER_FRAME = 4
DT = 0.2
"""Seconds between video frames: the published recordings have about 5 per second."""
_VARIATION = "*variation*/episodes/episode*"  # variation0, .., or all_variations
_OWN = "action_images.json"
_MIRROR_K, _MIRROR_E = np.diag([-1.0, -1.0, 1.0]), np.diag([-1.0, -1.0, 1.0, 1.0])


class RlbenchFormat:
    """The published layout; the path may be the whole, a task, a variation or one episode."""

    name, what = "rlbench", "RLBench layout (TASK/variationN/episodes/episodeM with actions.npy or low_dim_obs.pkl)"
    reads = frozenset({"dt", "cameras", "instruction_text", "gripper"})
    writes = frozenset({"crf"})

    def recognises(self, path: Path) -> bool:
        return bool(next(self._files(path), None))

    @staticmethod
    def _files(path: Path) -> Iterator[Path]:
        for name in ("actions.npy", DEMO):
            for folder in ("", "episode*/", "episodes/episode*/", f"{_VARIATION}/", f"*/{_VARIATION}/"):
                yield from path.glob(f"{folder}{name}")

    def items(self, path: Path, options: Options) -> list[Item]:
        parse_gripper(options.setup.get("gripper", ""))
        folders = sorted(
            {file.parent for file in self._files(path)}, key=lambda f: (f.parents[1].as_posix(), _number(f.name))
        )
        names = [folder.relative_to(path).as_posix() for folder in folders]
        return [
            Item(name if name != "." else folder.name, partial(_read, folder, number, options))
            for number, (name, folder) in enumerate(zip(names, folders, strict=True))
        ]

    def writer(self, folder: Path, options: Options) -> EpisodeWriter:
        return _Writer(folder, options)


def _number(name: str) -> int:
    digits = "".join(c for c in name if c.isdigit())
    return int(digits) if digits else 0


def _read(folder: Path, number: int, options: Options) -> Iterator[Episode | Remark]:
    """One episode's folder; ValueError naming the file, the value and the remedy."""
    own = load_json(folder / _OWN) if (folder / _OWN).is_file() else {}
    variation = folder.resolve().parents[1]
    instruction = str(
        own.get("instruction") or _described(folder, variation) or options.setup.get("instruction_text", "")
    )
    if not (folder / "actions.npy").is_file():
        task = variation.parent.name
        yield from read_stock_episode(folder, task, number, instruction, options)
        return
    actions = _actions(folder / "actions.npy", parse_gripper(options.setup.get("gripper", "")))
    views = sorted((path for path in folder.glob("view*") if path.is_dir()), key=lambda path: _number(path.name))
    if not views:
        raise ValueError(f"{folder} has no folder view0; its content is {sorted(p.name for p in folder.iterdir())}")
    pictures = [[frame for _, frame in read_video(view / "rgb" / "video.mp4")] for view in views]
    frames = len(pictures[0])
    for view, video in zip(views, pictures, strict=True):
        if len(video) != frames or {frame.shape for frame in video} != {pictures[0][0].shape}:
            raise ValueError(
                f"{view}/rgb/video.mp4 has {len(video)} frames {video[0].shape if video else ''}, view0's "
                f"{frames} {pictures[0][0].shape if frames else ''}; all views need as many of one size"
            )
    if frames == 0 or -(-len(actions) // ROWS_PER_FRAME) != frames:
        raise ValueError(
            f"{folder}/actions.npy has {len(actions)} rows for {frames} frames; {ROWS_PER_FRAME} rows "
            "belong to each frame: the episode is not complete"
        )
    cameras = [_camera(view / "camera_params.json", frames) for view in views]
    rows = actions[::ROWS_PER_FRAME]
    yield Episode(
        task=own.get("task", variation.parent.name),
        seed=int(own.get("seed", number)),
        instruction=instruction,
        dt=float(own.get("dt", DT if options.dt is None else options.dt)),
        images=np.stack([np.stack(video) for video in pictures]),
        K=np.stack([k for k, _ in cameras]),
        world_from_camera=_still(np.stack([e for _, e in cameras])),
        poses=rows[:, :7].copy(),
        openness=rows[:, 7].copy(),
        success=bool(own.get("success", True)),
        perturbed=bool(own.get("perturbed", False)),
        camera_names=tuple(own.get("camera_names", [view.name for view in views])),
    )


def _described(folder: Path, variation: Path) -> str:
    """The first sentence of variation_descriptions.pkl, the episode's or its variation's; empty where there is none."""
    for place in (folder, variation):
        file = place / "variation_descriptions.pkl"
        if file.is_file():
            return next((text for text in read_strings(file) if text.strip()), "")
    return ""


def _actions(path: Path, gripper: Gripper | None) -> npt.NDArray[np.float64]:
    try:
        actions = np.load(path, allow_pickle=False).astype(np.float64)
    except (OSError, ValueError, EOFError, SyntaxError, TokenError) as error:
        raise ValueError(f"{path} is no readable array ({error}); copy it again") from None
    if actions.ndim != 2 or actions.shape[1] != 8 or len(actions) == 0:
        raise ValueError(f"{path} has shape {list(actions.shape)}, expected [4 T, 8]: x y z, quaternion xyzw, openness")
    try:
        matrix_from_pose7(actions[:, :7])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    try:
        if gripper is not None:
            actions[:, 7] = gripper.openness(actions[:, 7])
        elif narrow(actions[:, 7]) or not np.all((actions[:, 7] >= 0) & (actions[:, 7] <= 1)):
            find_gripper(actions[:, 7], "openness")
            raise ValueError(
                f"openness is {actions[:, 7].min():g} to {actions[:, 7].max():g}, not 0 to 1; declare its range "
                "(--gripper CLOSED..OPEN)"
            )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    actions[:, 3:7] /= np.linalg.norm(actions[:, 3:7], axis=1, keepdims=True)
    return np.asarray(actions, np.float64)


def _camera(path: Path, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """K `[3, 3]` and world_from_camera `[T, 4, 4]` with positive focal lengths."""
    try:
        content = json.loads(path.read_text())
        entries = [content[f"{i:04d}"] for i in range(frames)]
        K = np.array([entry["intrinsics"] for entry in entries], dtype=np.float64)
        E = np.array([entry["extrinsics"] for entry in entries], dtype=np.float64)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} cannot be used ({error!r}); it needs 0000 to {frames - 1:04d}, each with intrinsics "
            "3x3 and extrinsics 4x4"
        ) from None
    try:
        K, E = (np.asarray(matrix, np.float64) for matrix in normalise_signs(K, E))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if np.ptp(K, axis=0).max() > 1e-6:
        raise ValueError(
            f"{path}: the camera zooms; an episode's intrinsics stay the same: remove this view's folder from a "
            "copy of the episode"
        )
    return K[0], E


def _still(E: np.ndarray) -> np.ndarray:
    """`[V, 4, 4]` of `[V, T, 4, 4]` where no camera moves."""
    return E if np.abs(E - E[:, :1]).max() > 1e-6 else E[:, 0]


class _Writer:
    def __init__(self, folder: Path, options: Options) -> None:
        self._folder, self._crf = folder, options.crf
        self._place: dict[int, Path] = {}
        self._variations: dict[tuple[str, str], Path] = {}
        self._count: dict[Path, int] = {}
        for left in folder.glob("*/variation*/episodes/.*"):
            shutil.rmtree(left)
        for path in sorted(folder.glob(f"*/variation*/episodes/episode*/{_OWN}")):
            own = load_json(path)
            variation = path.parents[2]
            self._place[own["number"]] = path.parent
            self._variations[own["task"], own["instruction"]] = variation
            self._count[variation] = max(self._count.get(variation, 0), _number(path.parent.name) + 1)

    def _variation(self, episode: Episode) -> Path:
        key = episode.task, episode.instruction
        if key not in self._variations:
            taken = sum(task == episode.task for task, _ in self._variations)
            variation = self._folder / episode.task / f"variation{taken}"
            (variation / "episodes").mkdir(parents=True, exist_ok=True)
            with open(variation / "variation_descriptions.pkl", "wb") as file:
                pickle.dump([episode.instruction], file)
            self._variations[key] = variation
        return self._variations[key]

    def add(self, episode: Episode, number: int) -> str:
        if number in self._place:
            place = self._place.pop(number)  # of a conversion that was interrupted just after it: the last one
            shutil.rmtree(place)
            self._count[place.parents[1]] = _number(place.name)
        variation = self._variation(episode)
        name = f"episode{self._count.get(variation, 0)}"
        part = variation / "episodes" / f".{name}"
        part.mkdir()
        np.save(part / "actions.npy", _rows(episode))
        for view in range(len(episode.camera_names)):
            folder = part / f"view{view}"
            write_video(folder / "rgb" / "video.mp4", episode.images[view], frame_rate(episode.dt), crf=self._crf)
            intrinsics = (episode.K[view] @ _MIRROR_K).tolist()
            extrinsics = (episode.extrinsics[view] @ _MIRROR_E).tolist()
            (folder / "camera_params.json").write_text(
                json.dumps({f"{i:04d}": {"intrinsics": intrinsics, "extrinsics": e} for i, e in enumerate(extrinsics)})
            )
        (part / _OWN).write_text(
            json.dumps(
                {
                    "number": number,
                    "task": episode.task,
                    "seed": int(episode.seed),
                    "instruction": episode.instruction,
                    "dt": float(episode.dt),
                    "success": bool(episode.success),
                    "perturbed": bool(episode.perturbed),
                    "camera_names": list(episode.camera_names),
                }
            )
        )
        place = part.rename(variation / "episodes" / name)
        self._count[variation] = _number(name) + 1
        self._place[number] = place
        return place.relative_to(self._folder).as_posix()

    def finish(self) -> None:
        pass


def _rows(episode: Episode) -> np.ndarray:
    """`[4 T, 8]`: every fourth row is a frame's, the rows between are interpolated, the last pose is held."""
    after = np.concatenate([episode.poses[1:], episode.poses[-1:]])
    parts = [
        interpolate(episode.poses, after, np.full(episode.frames, i / ROWS_PER_FRAME)) if i else episode.poses
        for i in range(ROWS_PER_FRAME)
    ]
    poses = np.stack(parts, axis=1).reshape(-1, 7)
    return np.concatenate([poses, np.repeat(episode.openness, ROWS_PER_FRAME)[:, None]], axis=1)
