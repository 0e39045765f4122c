"""False alarms of the picture health on nominal episodes of the cell, and what a picture costs."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ..cell.cell import Cell
from ..cell.tasks.registry import TASKS
from ..geometry.arrays import Floats, Images
from ..geometry.camera import project
from ..policy.picture_health import PictureHealth, ToolSight
from ..policy.thumbnails import thumbnail
from ..progress import Progress, silent

__all__ = ["false_alarms", "film", "picture_cost_ms", "watch"]

PERIOD_S = 0.1
_MOST_FRAMES = 120


def film(task: str, seed: int, size: tuple[int, int]) -> tuple[Images, Floats, Floats, Floats]:
    """What two cameras see of the expert, ten times a second: images `[2, N, H, W, 3]`, tool positions `[N, 3]`, K
    `[2, 3, 3]` and world_from_camera `[2, 4, 4]`."""
    with Cell(task, seed, image_size=size, cameras=2) as cell:
        expert = cell.expert()
        images: list[np.ndarray] = []
        tools: list[np.ndarray] = []
        while len(images) < _MOST_FRAMES and not (cell.success() and len(images) > 15):
            images.append(cell.render())
            tools.append(cell.tcp_pose[:3])
            for _ in range(round(PERIOD_S / cell.control_period)):
                cell.step(*expert.target(cell), cell.control_period)
        return np.stack(images, axis=1), np.stack(tools), cell.K.copy(), cell.world_from_camera.copy()


def watch(images: Images, tools: Floats, K: Floats, world_from_camera: Floats) -> list[str]:
    """The doubts of an episode, one line each: camera, frame and kind."""
    cameras = {f"camera_{view}": PictureHealth(f"camera_{view}") for view in range(len(images))}
    uv = [project(tools, K[view], world_from_camera[view])[0] for view in range(len(images))]
    doubts = []
    for frame in range(images.shape[1]):
        for view, (name, health) in enumerate(cameras.items()):
            others = {other: cameras[other] for other in cameras if other != name}
            if health.add(thumbnail(images[view, frame]), ToolSight(tools[frame], uv[view][frame]), others):
                doubts.append(f"{name} frame {frame}: {health.kind}")
    return doubts


def false_alarms(
    episodes: int, seed: int, size: tuple[int, int] = (72, 96), progress: Progress = silent
) -> dict[str, Any]:
    """How many of so many nominal episodes, the tasks in turn, are doubted at all."""
    tasks, doubted, frames = list(TASKS), {}, 0
    for number in range(episodes):
        task = tasks[number % len(tasks)]
        filmed = film(task, seed + number, size)
        frames += int(filmed[0].shape[1])
        doubts = watch(*filmed)
        if doubts:
            doubted[f"{task} {seed + number}"] = doubts
        progress(f"{number + 1} episodes, {len(doubted)} doubted")
    return {"episodes": episodes, "frames": frames, "doubted": len(doubted), "doubts": doubted}


def picture_cost_ms(size: tuple[int, int] = (480, 640), pictures: int = 100) -> float:
    """Median processor time (ms) of one picture of that size with a moving gripper."""
    rng = np.random.default_rng(0)
    health, taken = PictureHealth("camera"), []
    background = np.repeat(np.repeat(rng.integers(40, 200, (size[0] // 16, size[1] // 16, 3), np.uint8), 16, 0), 16, 1)
    height, width = background.shape[:2]
    for number in range(pictures):
        image = background.copy()
        x = int(width * (0.2 + 0.6 * number / pictures))
        image[height // 2 - 20 : height // 2 + 20, x - 20 : x + 20] = 250
        begin = time.thread_time()
        health.add(thumbnail(image), ToolSight(np.array([x * 1e-3, 0.0, 0.0]), np.array([x, height / 2])))
        taken.append(1e3 * (time.thread_time() - begin))
    return float(np.median(taken))
