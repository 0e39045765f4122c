"""Seconds per GB of a raw recording: reading every message, the survey of `inspect`, conversion to a training cache."""

from __future__ import annotations

import resource
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from ..data.convert import convert
from ..data.episode import Episode
from ..data.format import Options
from ..data.rosbag2.bag import Bag, is_bag
from ..data.rosbag2.recording import write_recording
from ..data.rosbag2.survey import survey
from ..data.rosbag2.topics import robot_setup
from ..geometry.camera import intrinsics_from_fovy, looking_at
from ..progress import Progress, silent

__all__ = ["measure_recordings"]

_SIZE = (480, 640)
_RATE = 30.0
_CAMERAS = 2


def measure_recordings(
    gigabytes: float = 0.5,
    recording: str | Path | None = None,
    *,
    robot: str = "",
    progress: Progress = silent,
) -> dict[str, Any]:
    """Rows of stage, seconds, seconds_per_gb, and how much the process's peak memory grew, MB.

    recording: one of your own; None: a synthetic one of that many gigabytes (two cameras, 640x480 at 30 Hz, raw), made
    in the temporary folder and removed afterwards. Raises ValueError for a size that makes no sense.
    """
    if not 0.01 <= gigabytes <= 100:
        raise ValueError(f"gigabytes is {gigabytes:g}; give 0.01 to 100")
    work = Path(tempfile.mkdtemp(prefix="action-images-"))
    try:
        if recording is None:
            progress(f"making a recording of {gigabytes:g} GB")
            source = _synthetic(work / "synthetic", gigabytes)
        else:
            source = Path(recording)
        size = sum(file.stat().st_size for file in ([source] if source.is_file() else source.rglob("*"))) * 1e-9
        rows = []
        for stage, run in (
            ("read", lambda: _read(source)),
            ("inspect (topics)", lambda: _survey(source)),
            ("convert to 96x96", lambda: _convert(source, work / "cache", robot)),
        ):
            progress(stage)
            before, begin = _peak_mb(), time.perf_counter()
            run()
            seconds = time.perf_counter() - begin
            rows.append(
                {
                    "stage": stage,
                    "seconds": seconds,
                    "seconds_per_gb": seconds / size,
                    "peak_grew_mb": _peak_mb() - before,
                }
            )
        return {"recording": str(source), "gigabytes": size, "rows": rows}
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _bags(source: Path) -> list[Path]:
    return [source] if is_bag(source) else sorted(child for child in source.iterdir() if is_bag(child))


def _read(source: Path) -> None:
    for path in _bags(source):
        with Bag(path) as bag:
            for _ in bag.messages():
                pass


def _survey(source: Path) -> None:
    for path in _bags(source):
        with Bag(path) as bag:
            survey(bag)


def _convert(source: Path, target: Path, robot: str) -> None:
    convert(source, target, "cache", Options(robot=robot, size=(96, 96), gaps="split"))


def _synthetic(path: Path, gigabytes: float) -> Path:
    """A recording of an arm that moves in a circle, in pieces of one episode of 15 s each, the folder of all."""
    bytes_per_frame = _CAMERAS * 3 * _SIZE[0] * _SIZE[1]
    left = max(2, round(gigabytes * 1e9 / bytes_per_frame))
    noise = np.random.default_rng(0).integers(0, 255, (_CAMERAS, 1, *_SIZE, 3), dtype=np.uint8)
    number = 0
    while left > 0:
        frames = min(left, 450) if left != 451 else 449
        angle = 2 * np.pi * np.arange(frames) / 450
        poses = np.tile([0.5, 0.0, 0.3, 1.0, 0.0, 0.0, 0.0], (frames, 1))
        poses[:, 0] += 0.1 * np.cos(angle)
        poses[:, 1] += 0.1 * np.sin(angle)
        episode = Episode(
            task="circle",
            seed=number,
            instruction="move in a circle",
            dt=1 / _RATE,
            images=np.broadcast_to(noise, (_CAMERAS, frames, *_SIZE, 3)),
            K=np.stack([intrinsics_from_fovy(50, *_SIZE)] * _CAMERAS),
            world_from_camera=np.stack([looking_at([1.3, y, 0.7], [0.5, 0.0, 0.1]) for y in (-0.5, 0.5)]),
            poses=poses,
            openness=np.ones(frames),
            success=True,
            camera_names=("left", "right"),
        )
        write_recording(path / f"circle_{number}", episode, robot_setup("cell", namespace="cell"))
        left, number = left - frames, number + 1
    return path
