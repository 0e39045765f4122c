"""Gates of a calibration and its results: a verdict per camera, problems of the whole rig."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .resection import CameraFit, Noise

__all__ = ["CORRECTED", "GOOD", "REFUSED", "CameraResult", "RigResult", "Settings"]

GOOD, CORRECTED, REFUSED = "good", "corrected", "refused"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """position_m, rotation_rad: one sigma of the given calibration. Gates of a correction, px of a 96 px picture:
    shift_px: the camera must have moved the picture by more; held_out: errors of frames that had no part in the fit
    must fall to this share; residual_px: and to this median. coarse_px: a given calibration farther off than this is no
    prior. min_frames, min_span_m: less is too little. max_sd_m: largest uncertainty at the workspace. focal: solve the
    focal length too."""

    position_m: float = 0.03
    rotation_rad: float = float(np.deg2rad(2.0))
    shift_px: float = 1.0
    held_out: float = 0.75
    residual_px: float = 1.0
    coarse_px: float = 6.0
    min_frames: int = 4
    min_span_m: float = 0.05
    max_sd_m: float = 0.015
    focal: bool = False
    noise: Noise = field(default_factory=Noise)

    def __post_init__(self) -> None:
        for name in ("position_m", "rotation_rad", "shift_px", "held_out", "residual_px", "max_sd_m"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} is {value}; give a finite number above 0")


@dataclass(frozen=True)
class CameraResult:
    """One camera. verdict: good (the given calibration stands), corrected or refused; reasons: why, in words.

    told: `[4, 4]` or None; world_from_camera: what to use, None where refused without a given one; fit: the solution,
    None where there is none. moved_m, moved_rad: from told to the solution; workspace_m: the same at the workspace
    (rms), shift_px in the picture. before_px, after_px: median distance of read and expected points under told and
    under the solution; held_out: ratio of the two over frames left out of the fit. sd_m: standard deviation at the
    workspace.
    """

    name: str
    verdict: str
    reasons: tuple[str, ...]
    told: Floats | None
    world_from_camera: Floats | None
    fit: CameraFit | None = None
    moved_m: float = float("nan")
    moved_rad: float = float("nan")
    workspace_m: float = float("nan")
    shift_px: float = float("nan")
    before_px: float = float("nan")
    after_px: float = float("nan")
    held_out: float = float("nan")
    sd_m: float = float("nan")
    frames: int = 0


@dataclass(frozen=True)
class RigResult:
    """cameras: one result each; problems: what is wrong with the rig as a whole, in words. With a problem no camera is
    corrected."""

    cameras: tuple[CameraResult, ...]
    problems: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """The worst of the cameras': refused, corrected or good."""
        verdicts = {camera.verdict for camera in self.cameras}
        return REFUSED if self.problems or REFUSED in verdicts else CORRECTED if CORRECTED in verdicts else GOOD

    def camera(self, name: str) -> CameraResult:
        """The result of that camera."""
        return next(camera for camera in self.cameras if camera.name == name)
