"""Camera calibration as it is used: where cameras are mounted and their intrinsics, by camera name."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Calibration", "CameraInfoContent", "Mount", "Region"]


@dataclass(frozen=True, eq=False)
class Mount:
    """Where a camera is fixed. pose: `[4, 4]` of its optical frame in the robot's base, or with `on_tool` in the frame
    that `current_pose` gives (`frame` is its name in the file, if it has one)."""

    pose: npt.NDArray[np.float64]
    on_tool: bool = False
    frame: str = ""


@dataclass(frozen=True)
class Region:
    """sensor_msgs/RegionOfInterest."""

    x_offset: int = 0
    y_offset: int = 0
    height: int = 0
    width: int = 0


@dataclass(frozen=True, eq=False)
class CameraInfoContent:
    """The fields of sensor_msgs/CameraInfo that describe images."""

    height: int
    width: int
    k: npt.NDArray[np.float64]
    d: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(5))
    distortion_model: str = "plumb_bob"
    r: npt.NDArray[np.float64] = field(default_factory=lambda: np.eye(3).reshape(-1))
    p: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(12))
    binning_x: int = 0
    binning_y: int = 0
    roi: Region = Region()


@dataclass
class Calibration:
    """mounts: where cameras are; infos: their intrinsics. By camera name; each may lack cameras that the other has."""

    mounts: dict[str, Mount] = field(default_factory=dict)
    infos: dict[str, CameraInfoContent] = field(default_factory=dict)

    def update(self, other: Calibration) -> None:
        """Take the other's cameras in."""
        self.mounts.update(other.mounts)
        self.infos.update(other.infos)

    @property
    def cameras(self) -> list[str]:
        """All names."""
        return sorted({*self.mounts, *self.infos})
