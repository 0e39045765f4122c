"""Turns of one orientation, in plain arithmetic: what the control loop needs a hundred times a second.

SciPy's Rotation does the same for arrays, at ten times the cost for a single quaternion. Quaternions are x y z w of
unit length; a turn is a rotation vector (rad) in base axes, applied from the left.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..geometry.arrays import Floats

__all__ = ["turn_between", "turned"]


def _times(a: Iterable[float], b: Iterable[float]) -> tuple[float, float, float, float]:
    """Hamilton product a b: first b, then a."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def turn_between(start: Floats, end: Floats) -> Floats:
    """The shortest turn `[3]` (rad, at most pi long) that leads from orientation start `[4]` to end `[4]`."""
    x, y, z, w = _times(
        [float(value) for value in end], (-float(start[0]), -float(start[1]), -float(start[2]), float(start[3]))
    )
    if w < 0:
        x, y, z, w = -x, -y, -z, -w
    sine = math.sqrt(x * x + y * y + z * z)
    scale = 2 * math.atan2(sine, w) / sine if sine > 1e-12 else 2.0
    return np.array([scale * x, scale * y, scale * z])


def turned(orientation: Floats, turn: Iterable[float]) -> Floats:
    """Orientation `[4]` after a turn `[3]`: unit length, on the same side of the antipodes as before."""
    x, y, z = (float(value) for value in turn)
    angle = math.sqrt(x * x + y * y + z * z)
    scale = math.sin(angle / 2) / angle if angle > 1e-12 else 0.5
    old = [float(value) for value in orientation]
    new = _times((scale * x, scale * y, scale * z, math.cos(angle / 2)), old)
    norm = math.sqrt(sum(value * value for value in new))
    if sum(a * b for a, b in zip(new, old, strict=True)) < 0:
        norm = -norm
    return np.array([value / norm for value in new])
