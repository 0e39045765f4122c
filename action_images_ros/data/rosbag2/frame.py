"""What a recording shows at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Frame"]


@dataclass
class Frame:
    """What was seen and measured at one moment, `stamp_ns` (the first camera's header stamp).

    images: uint8 RGB `[h, w, 3]` by camera, undistorted, only those within image_tolerance. K `[3, 3]` px and
    world_from_camera `[4, 4]` by camera (signs normalised), where known; a camera that moves has its pose of its own
    picture's time. tool_pose: `[7]` of the MODEL tool frame in base_frame, interpolated at stamp_ns, None where not
    recorded or no robot was named. openness: 0..1, see `ArmState.openness`; None where it is not known. status: the
    cell's newest report. gap_s: seconds missing between this frame and the one before it, beyond dt (0: none).
    problems: what is missing, as (what, details); empty for a whole frame. log_ns: when the first camera's picture was
    recorded.
    """

    stamp_ns: int
    images: dict[str, npt.NDArray[Any]]
    K: dict[str, npt.NDArray[np.float64]]
    world_from_camera: dict[str, npt.NDArray[np.float64]]
    tool_pose: npt.NDArray[np.float64] | None
    openness: float | None
    instruction: str
    status: dict[str, Any]
    gap_s: float = 0.0
    problems: list[tuple[str, str]] = field(default_factory=list)
    log_ns: int = 0
