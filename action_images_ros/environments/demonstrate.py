"""Record a benchmark's own expert as an episode."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..data.episode import Episode
from ..geometry.pose import to_model_tool
from .protocol import Environment

__all__ = ["FRAMES_AFTER_SUCCESS", "demonstrate"]

FRAMES_AFTER_SUCCESS = 9
"""The expert goes on for a chunk after success, so that the last windows do not teach to stop short."""


def demonstrate(
    environment: Environment,
    seed: int,
    *,
    dt: float,
    images: bool = True,
    before: Callable[[Environment], bool] | None = None,
) -> Episode:
    """One episode of the environment's task: every `dt` seconds a frame, to FRAMES_AFTER_SUCCESS frames after success.

    images: False leaves them black (motion only). before: leads the arm first, unrecorded, and returns whether the
    expert is to go on (DAgger corrections); where it returns False the episode counts as failed.
    """
    environment.reset(seed)
    wanted = before(environment) if before else True
    steps = round(dt / environment.control_period)
    black = np.zeros((len(environment.camera_names), *environment.image_size, 3), np.uint8)
    frames, poses, openness = [], [], []
    after_success = 0
    while True:
        frames.append(environment.render() if images and wanted else black)
        poses.append(environment.tcp_pose)
        openness.append(environment.expert_openness())
        if environment.finished or not wanted or after_success >= FRAMES_AFTER_SUCCESS:
            break
        environment.step_expert(steps)
        after_success += environment.success()
    return Episode(
        task=environment.task,
        seed=seed,
        instruction=environment.instruction,
        dt=dt,
        images=np.stack(frames, axis=1),
        K=environment.K,
        world_from_camera=environment.world_from_camera,
        camera_names=tuple(environment.camera_names),
        poses=to_model_tool(np.stack(poses), environment.robot_tool_from_model_tool),
        openness=np.array(openness),
        success=environment.success() and wanted,
        perturbed=before is not None,
    )
