"""Conditions: one property of the cell outside the range of training.

A seed under a condition has the layout, the start, the object and everything else of that seed without it (the
condition `nominal`), so that results pair up seed by seed.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Condition:
    """changes: text. views: cameras that the policy uses. The others switch to what `cell.scene.unseen` draws and
    to the task's unseen phrasings; the calibration is wrong by so many metres and radians for each camera, or gives
    one made-up place for all (uncalibrated); one of the used cameras moves by bump_metres and bump_radians after
    BUMP_SECONDS."""

    name: str
    changes: str
    views: int = 2
    cameras: bool = False
    textures: bool = False
    lights: bool = False
    phrasings: bool = False
    calibration_metres: float = 0.0
    calibration_radians: float = 0.0
    uncalibrated: bool = False
    bump_metres: float = 0.0
    bump_radians: float = 0.0

    def __post_init__(self) -> None:
        for name in ("calibration_metres", "calibration_radians", "bump_metres", "bump_radians"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is {value}; give 0 or more")
        if self.views < 2 or self.cameras and self.views > 2:
            raise ValueError(f"views is {self.views}; give 2 or more, 2 with unseen cameras")


BUMP_SECONDS = 0.5
"""Simulated time at which a camera is bumped."""

NOMINAL = Condition("nominal", "nothing: unseen seeds of what training draws from")

CONDITIONS: dict[str, Condition] = {
    condition.name: condition
    for condition in (
        NOMINAL,
        Condition(
            "cameras",
            "azimuth up to 15 deg, distance up to 20 % beyond the training ranges, other field of view",
            cameras=True,
        ),
        Condition("three_cameras", "a third camera is used", views=3),
        Condition("textures", "coloured and picture-like textures on table, floor and walls", textures=True),
        Condition("lights", "one low, strong, coloured light with shadows; dim or bright camera light", lights=True),
        Condition("phrasings", "phrasings kept out of training", phrasings=True),
        Condition("calibration", "each camera 2 cm beside where it is said to be", calibration_metres=0.02),
        Condition(
            "calibration_turned",
            "each camera 2 cm beside and turned by 1 deg",
            calibration_metres=0.02,
            calibration_radians=float(np.deg2rad(1.0)),
        ),
        Condition("uncalibrated", "all cameras are said to be at one made-up place", uncalibrated=True),
        Condition(
            "bumped",
            "one camera is moved by 3 cm and 2 deg after half a second, and nobody is told",
            bump_metres=0.03,
            bump_radians=float(np.deg2rad(2.0)),
        ),
    )
}
"""Name of the condition: the condition."""


def find_condition(name: str) -> Condition:
    """The condition of that name; ValueError that lists the names otherwise."""
    if name not in CONDITIONS:
        raise ValueError(f"condition is {name!r}; give one of {', '.join(CONDITIONS)}")
    return CONDITIONS[name]
