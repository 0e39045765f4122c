"""How long the check of a chunk against the arm's model takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..control.chunk import Chunk
from ..control.chunk_check import LimitExceeded
from ..control.parameters import arm_parameters
from ..control.settings import RobotSettings
from ..geometry.pose import interpolate
from ..progress import Progress, silent
from ..robot_model.check import RobotCheck
from ..robot_model.load import load_check

__all__ = ["robot_check_table"]

_WAY = 0.25  # m/s


def robot_check_table(
    frames: Sequence[int] = (9, 17, 25),
    chunks: int = 200,
    seed: int = 0,
    *,
    description: str = "",
    tool: str = "",
    progress: Progress = silent,
) -> list[dict[str, Any]]:
    """One row per number of frames: wall and CPU milliseconds of a chunk (median, 95th percentile), refusals.

    Chunks go straight from random postures near home at up to 0.25 m/s, dt 0.2 s; the arm's joints are given, so that
    every chunk is checked from where it begins. description, tool: of another arm than the cell's. Raises ValueError.
    """
    if chunks < 1 or min(frames, default=0) < 2:
        raise ValueError(f"frames is {list(frames)}, chunks {chunks}; give 2 or more frames and 1 or more chunks")
    parameters = dict(arm_parameters())
    if description:
        parameters |= {
            "robot_description": description,
            "robot_tool": tool or "tcp",
            "max_joint_speed": [],
            "robot_home": [],
        }
    check = load_check(RobotSettings.of(parameters))
    if not isinstance(check, RobotCheck):
        raise ValueError("robot_description is empty; give a description to measure")
    rows = []
    for count in frames:
        progress(f"{count} frames")
        rng = np.random.default_rng(seed)
        wall, cpu, refused = [], [], 0
        for _ in range(chunks + 1):
            joints, chunk = _random_chunk(check, rng, count)
            pose = chunk.poses[0]
            begin, begin_cpu = time.perf_counter(), time.thread_time()
            try:
                check.checked(chunk, joints, pose)
            except LimitExceeded:
                refused += 1
            wall.append(time.perf_counter() - begin)
            cpu.append(time.thread_time() - begin_cpu)
        row: dict[str, Any] = {"frames": count, "chunks": chunks, "refused": refused}
        for name, seconds in (("ms", wall[1:]), ("cpu_ms", cpu[1:])):
            row[f"{name}_median"] = round(1000 * float(np.median(seconds)), 2)
            row[f"{name}_p95"] = round(1000 * float(np.percentile(seconds, 95)), 2)
        rows.append(row)
    return rows


def _random_chunk(check: RobotCheck, rng: np.random.Generator, frames: int) -> tuple[npt.NDArray[np.float64], Chunk]:
    """Joints near home, and a straight chunk of the tool from there."""
    model = check.model
    joints = np.clip(check.home + rng.uniform(-0.3, 0.3, len(check.home)), model.lower, model.upper)
    start = model.tool(joints)[0]
    way = rng.normal(size=3)
    way *= rng.uniform(0.2, 1.0) * min(_WAY * 0.2 * (frames - 1), 0.25) / np.linalg.norm(way)
    end = np.concatenate([start[:3] + way, start[3:]])
    poses = interpolate(start, end, np.linspace(0.0, 1.0, frames))
    return joints, Chunk(
        0, 0.2, poses, np.ones(frames), np.repeat(1e-6 * np.eye(6)[None], frames, axis=0), np.ones(frames, dtype=bool)
    )
