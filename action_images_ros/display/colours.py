"""The colours of every view (strips, rviz, live page), RGB 0..255, so that they mean the same everywhere."""

from __future__ import annotations

import math

__all__ = [
    "BLOCKED",
    "COMMANDED",
    "INK",
    "INVALID",
    "MEASURED",
    "PAPER",
    "QUIET",
    "SIGMA_FULL_M",
    "Colour",
    "certainty_colour",
    "state_colour",
]

Colour = tuple[int, int, int]

INK: Colour = (238, 238, 238)
QUIET: Colour = (160, 170, 180)
PAPER: Colour = (24, 26, 30)
MEASURED: Colour = (64, 200, 255)
"""The path that the tool was measured on."""
COMMANDED: Colour = (200, 130, 255)
"""The path that was commanded."""
INVALID: Colour = (110, 110, 116)
"""A frame that could not be decoded."""
BLOCKED: Colour = (230, 60, 60)

SIGMA_FULL_M = 0.02
"""Standard deviation of position (m) that is drawn fully red."""

_GOOD: Colour = (60, 210, 90)
_HALF: Colour = (245, 205, 60)
_STATES = {
    "executing": _GOOD,
    "proposed": (255, 180, 40),
    "holding": (235, 150, 60),
    "labelling": (120, 170, 255),
    "faulted": BLOCKED,
    "stopped": BLOCKED,
    "idle": (150, 190, 220),
}


def certainty_colour(sigma_m: float, full_m: float = SIGMA_FULL_M) -> Colour:
    """Green at 0, yellow at half of `full_m`, red from `full_m` on; grey where sigma is not finite."""
    if not math.isfinite(sigma_m):
        return INVALID
    part = min(max(sigma_m / full_m, 0.0), 1.0) * 2.0
    low, high, way = (_GOOD, _HALF, part) if part < 1.0 else (_HALF, BLOCKED, part - 1.0)
    red, green, blue = (round(a + (b - a) * way) for a, b in zip(low, high, strict=True))
    return red, green, blue


def state_colour(state: str) -> Colour:
    """Of the chip that names the arm's state; grey for a state that is none of the executor's."""
    return _STATES.get(state, QUIET)
