"""Record one demonstration of the expert."""

from collections.abc import Callable

import cv2
import numpy as np

from ..data.episode import Episode
from ..geometry.camera import looking_at, resize_intrinsics
from ..geometry.pose import to_model_tool
from .cell import ROBOT_TOOL_FROM_MODEL_TOOL, Cell
from .scene.conditions import NOMINAL, Condition
from .tasks.expert import Expert

DT = 0.2
"""Seconds between recorded frames."""
WRIST_CAMERA = np.diag([1.0, -1.0, -1.0, 1.0]) @ looking_at([0.16, 0.0, 0.12], [0.0, 0.0, -0.02])
"""[4, 4] tool_from_camera: a camera on the hand, 16 cm beside and 12 cm behind the TCP, that sees both fingertips."""
WRIST_FOVY = 90.0
"""Degrees; with less the three drawn points leave its picture."""
OVERSAMPLING = 2
"""Images are rendered so many times larger and averaged down, which is cheaper than multisampling."""
HOLD_SECONDS = 1.0
LIMIT_SECONDS = 12.0


def demonstrate(
    task: str,
    seed: int,
    *,
    size: tuple[int, int] = (96, 96),
    cameras: int = 3,
    perturbed: bool = False,
    dt: float = DT,
    hold_seconds: float = HOLD_SECONDS,
    limit_seconds: float = LIMIT_SECONDS,
    images: bool = True,
    condition: Condition = NOMINAL,
    before: Callable[[Cell], None] | None = None,
    wrist: np.ndarray | None = None,
) -> Episode:
    """Record one episode from the start to `hold_seconds` after success (or to `limit_seconds` without).

    size: (height, width) of the recorded images. The gripper's command changes at recorded frames only, so that the
    recorded openness is exactly what was executed. With `images=False` the images are black (to test motion only).
    condition: differences from training; unseen cameras replace the usual ones. before: brings the cell to the start
    state of the expert; not recorded. wrist: [4, 4] tool_from_camera of the last camera,
    which the hand carries then (`WRIST_CAMERA`); its pose is recorded with every frame.
    """
    rendered = (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING)
    with Cell(task, seed, image_size=rendered, cameras=cameras, perturbed=perturbed, condition=condition) as cell:
        if before is not None:
            before(cell)
        expert = cell.expert()
        ticks = round(dt / cell.control_period)
        frames, poses, openness, extrinsics = [], [], [], []
        done_at = None
        while True:
            pose, gripper = expert.target(cell)
            if wrist is not None:
                cell.carry_camera(len(cell.camera_names) - 1, wrist, WRIST_FOVY)
            extrinsics.append(cell.world_from_camera.copy())
            frames.append(_images(cell, size, rendered=images))
            poses.append(cell.tcp_pose)
            openness.append(gripper)
            elapsed = (len(poses) - 1) * dt
            if cell.success() and done_at is None:
                done_at = elapsed
            if elapsed >= limit_seconds or (done_at is not None and elapsed >= done_at + hold_seconds - 1e-9):
                break
            _follow(cell, expert, pose, gripper, ticks)
        return Episode(
            task=task,
            seed=seed,
            instruction=cell.instruction,
            dt=dt,
            images=np.stack(frames, axis=1),
            K=resize_intrinsics(cell.K, 1 / OVERSAMPLING, 1 / OVERSAMPLING),
            world_from_camera=extrinsics[0] if wrist is None else np.stack(extrinsics, axis=1),
            camera_names=tuple(cell.camera_names),
            poses=to_model_tool(np.stack(poses), ROBOT_TOOL_FROM_MODEL_TOOL),
            openness=np.array(openness),
            success=cell.success(),
            perturbed=perturbed,
        )


def _follow(cell: Cell, expert: Expert, pose: np.ndarray, gripper: float, ticks: int) -> None:
    """Control periods with the poses of the expert, the first one given, and one command of the gripper."""
    for _ in range(ticks):
        cell.step(pose, gripper, cell.control_period)
        pose = expert.target(cell)[0]


def _images(cell: Cell, size: tuple[int, int], *, rendered: bool) -> np.ndarray:
    """Images of every camera, uint8 `[V, H, W, 3]`; black where they are not rendered."""
    return _shrunk(cell.render(), size) if rendered else np.zeros((len(cell.camera_names), *size, 3), np.uint8)


def _shrunk(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = size
    return np.stack([cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA) for image in images])
