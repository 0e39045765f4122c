"""What the executor answers on every tick."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Command"]


@dataclass(frozen=True)
class Command:
    """What to send to the arm now.

    pose: `[7]` ROBOT tool in base, or None when nothing may be sent; openness: 0.0, 1.0 or None while no chunk has
    said anything about the gripper; gripper_changed: true on the tick on which openness changed; state: "disabled",
    "idle", "executing", "holding", "faulted" or "stopped", also while the arm is still braking into it; reason: why
    not executing, or which limit holds the motion back. fresh: false when no control period has passed since the last
    command, whose pose this is: nothing is to be sent then. time_ns: the ROS time that the pose is meant for.
    """

    pose: npt.NDArray[np.float64] | None
    openness: float | None
    state: str
    reason: str = ""
    gripper_changed: bool = False
    chunk_stamp_ns: int | None = None
    fresh: bool = True
    time_ns: int = 0
