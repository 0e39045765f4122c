"""The seam between a description of an arm and the check: joints, links, shapes, forward kinematics.

Everything is in the base frame, metres and radians. `mjcf` and `urdf` implement it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .capsules import fit_capsule

__all__ = ["Link", "RobotModel", "Shape", "cylinder_points", "shapes_of"]

Array = npt.NDArray[np.float64]
_MAX_PARTS = 4  # more parts of one link become one shape


@dataclass(frozen=True)
class Link:
    """One rigid body. level: how many of the arm's joints move it, 0 for the base; finger: part of what grasps."""

    name: str
    level: int
    finger: bool = False


@dataclass(frozen=True)
class Shape:
    """A convex part of link number `link`, in the link's frame, twice: points `[V, 3]` thickened by `thickness`, whose
    hull it is, and a capsule (segment `[2, 3]`, radius) around it.
    """

    link: int
    points: Array
    thickness: float
    segment: Array
    radius: float


class RobotModel(Protocol):
    """An arm: `joints` from base to tool, their limits `[n]`, speeds `[n]` (infinite: not given) and `home` `[n]`."""

    joints: tuple[str, ...]
    lower: Array
    upper: Array
    speed: Array
    home: Array
    links: tuple[Link, ...]
    shapes: tuple[Shape, ...]

    def tool(self, q: Array) -> tuple[Array, Array]:
        """Pose `[7]` of the tool and its Jacobian `[6, n]` (linear, angular) at joint positions q `[n]`."""

    def placements(self, q: Array) -> tuple[Array, Array]:
        """Rotations `[L, 3, 3]` and positions `[L, 3]` of all links at joint positions q `[n]`."""


def cylinder_points(radius: float, half_length: float) -> Array:
    """Points `[32, 3]` of two rings that hold a cylinder along z."""
    angles = np.arange(16) * np.pi / 8
    wide = radius / np.cos(np.pi / 16)  # the sides of the polygon touch the circle
    ring = wide * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.array([[x, y, z] for z in (-half_length, half_length) for x, y in ring])


def shapes_of(link: int, parts: list[tuple[Array, float]]) -> list[Shape]:
    """Shapes of one link of parts, each points `[V, 3]` with their thickness (a sphere is one thick point)."""
    if len(parts) > _MAX_PARTS:
        thickest = max(thickness for _, thickness in parts)
        parts = [(np.concatenate([points for points, _ in parts]), thickest)]
    shapes = []
    for points, thickness in parts:
        hull = _hull(np.asarray(points, dtype=np.float64))
        segment, radius = fit_capsule(hull)
        shapes.append(Shape(link, hull, thickness, segment, radius + thickness))
    return shapes


def _hull(points: Array) -> Array:
    """The corners of the convex hull of points; all of them where they are flat."""
    from scipy.spatial import ConvexHull, QhullError

    points = np.unique(points, axis=0)
    if len(points) < 5:
        return points
    try:
        return points[ConvexHull(points).vertices]
    except QhullError:
        return points
