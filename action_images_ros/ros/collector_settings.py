"""What the collector of observations has to know."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..interfaces.arm_state import POSE_TOLERANCE_S, SETTLE_S

__all__ = ["CollectorSettings"]


@dataclass(frozen=True)
class CollectorSettings:
    """Names and tolerances. Seconds, metres or radians as the gripper's joints have them.

    rectified: the cameras whose pictures are rectified already (image_rect): those belong to P of their camera_info,
    the others to K and D, which is undone.
    """

    cameras: tuple[str, ...]
    size: tuple[int, int]
    base_frame: str
    slop_s: float = 0.05
    max_image_age_s: float = 1.0
    max_pose_age_s: float = POSE_TOLERANCE_S
    max_joint_age_s: float = 1.0
    finger_joints: tuple[str, ...] = ()
    finger_closed: float = 0.0
    finger_open: float = 0.08
    gripper_settle_s: float = SETTLE_S
    robot_tool_from_model_tool: npt.NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    rectified: frozenset[str] = frozenset()
