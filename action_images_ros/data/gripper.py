"""Gripper conventions: whatever a source counts (0..1, 0..100, -1..1, 0..255, metres, closedness), openness 0 to 1.

A convention is declared (`--gripper CLOSED..OPEN`), or found from the range of the values and from what the source
calls them. Where neither decides, the source is refused: a gripper drawn the wrong way round is a robot that drops
what it holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Gripper", "find_gripper", "narrow", "parse_gripper"]

_SLACK = 1e-3  # share of the range that float32 and sensors go beyond it
_BEYOND = 0.1  # share of a declared range that fingers may go beyond its ends
_WIDEST_M = 0.3  # a gripper's opening in metres
_NARROW = 0.15  # openness that never exceeds this, and is not 0: more likely a width in metres
_RISING = {"open", "openness", "opened", "opening", "width", "aperture", "stroke"}
_FALLING = {"closed", "close", "closedness", "closing", "closure"}
_LENGTH = {"width", "aperture", "stroke"}


@dataclass(frozen=True)
class Gripper:
    """The values of a closed and of an open gripper."""

    closed: float
    opened: float

    def openness(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """0 (closed) to 1 (open); up to 10 % beyond is taken as the end, ValueError further out or on NaN."""
        array = np.asarray(values, dtype=np.float64)
        result = (array - self.closed) / (self.opened - self.closed)
        if not np.isfinite(result).all():
            raise ValueError("the gripper's values are not all finite; leave such frames out")
        if result.size and (result.min() < -_BEYOND or result.max() > 1 + _BEYOND):
            raise ValueError(
                f"the gripper's values are {array.min():g} to {array.max():g}, outside of {self}; declare its own "
                "range (--gripper CLOSED..OPEN)"
            )
        return np.clip(result, 0.0, 1.0)

    def __str__(self) -> str:
        return f"{self.closed:g}..{self.opened:g}"


def parse_gripper(text: str) -> Gripper | None:
    """The convention in a text CLOSED..OPEN, such as 0..100 or 1..0; None for an empty text and for auto."""
    if text.strip() in ("", "auto"):
        return None
    parts = re.split(r"\.\.|:|,", text.strip())
    try:
        closed, opened = (float(part) for part in parts)
    except ValueError:
        closed = opened = float("nan")
    if not np.isfinite([closed, opened]).all() or abs(closed - opened) < 1e-9:
        raise ValueError(
            f"gripper is {text!r}; give CLOSED..OPEN, the values of the closed and the open gripper, such as 0..100, "
            "-1..1, 0..0.08 (m) or 1..0"
        )
    return Gripper(closed, opened)


def narrow(openness: npt.ArrayLike) -> bool:
    """Whether openness looks like a width in metres: it varies or is not 0, and hardly leaves 0."""
    values = np.asarray(openness, dtype=np.float64)
    return bool(values.size and 5e-3 < np.nanmax(values) <= _NARROW)


def find_gripper(values: npt.ArrayLike, name: str, fingers: Gripper | None = None) -> Gripper:
    """The convention of values that their source calls `name`; ValueError naming range and remedy where unsure.

    fingers: the closed and open width in metres of the robot's gripper, where a robot was named.
    """
    array = np.asarray(values, dtype=np.float64)
    if not array.size or not np.isfinite(array).all():
        raise ValueError(f"{name} is not finite in {int((~np.isfinite(array)).sum())} frames; leave them out")
    words = set(re.split(r"[^a-z]+", name.lower()))
    rising = True if words & _RISING else False if words & _FALLING else None
    low, high = float(array.min()), float(array.max())
    told = f"{name} is {low:g} to {high:g}"
    if words & _LENGTH and low >= -_WIDEST_M * _SLACK and high <= _WIDEST_M:
        if fingers is None:
            raise ValueError(f"{told}: a width in metres; name the robot (--robot) or the range (--gripper 0..0.08)")
        return fingers
    span = _span(low, high, array)
    if span is None:
        raise ValueError(f"{told}, no range of a gripper that is known; declare it (--gripper CLOSED..OPEN)")
    if span == (0.0, 1.0) and narrow(array):
        raise ValueError(f"{told}: a width in metres? declare its range (--gripper 0..0.08), or 0..1 if it is none")
    if rising is None and span == (0.0, 100.0):
        rising = True  # LeRobot's normalised motors: 0 closed, 100 open
    if rising is None:
        forth, back = f"{span[0]:g}..{span[1]:g}", f"{span[1]:g}..{span[0]:g}"
        raise ValueError(
            f"{told}: is {span[1]:g} open or closed? declare it: --gripper {forth} ({span[1]:g} is open) or "
            f"--gripper {back} ({span[0]:g} is open)"
        )
    return Gripper(*span) if rising else Gripper(span[1], span[0])


def _span(low: float, high: float, values: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    """The range that such values are from; None: of none that is known, or of several."""
    whole = bool((values == np.round(values)).all())
    if low >= -_SLACK and high <= 1 + _SLACK:
        return 0.0, 1.0
    if low >= -1 - _SLACK and high <= 1 + _SLACK:
        return -1.0, 1.0
    if low >= -0.1 and high <= 100.1:
        return (0.0, 100.0) if not whole or high == 100 else None  # counts below 100 may be of 0..255
    if low >= 0 and high <= 255 and whole:
        return 0.0, 255.0
    return None
