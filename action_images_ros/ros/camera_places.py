"""Camera poses as of the newest pictures, and events that make earlier images incomparable with later ones."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ..geometry.arrays import Floats

__all__ = ["CameraPlaces", "Place"]

_LEAP_M, _LEAP_M_S = 0.05, 3.0  # an arm that is farther away than this has not moved there: it was set there

Place = tuple[Floats, Floats]
"""K `[3, 3]` and world_from_camera `[4, 4]`."""


class CameraPlaces:
    """Not thread-safe: its owner locks."""

    def __init__(self) -> None:
        self.known: dict[str, Place] = {}
        self.breaks = 0
        """New scenes and leaps of the arm so far."""
        self._moves: Counter[str] = Counter()
        self._leap_ns = 0, 0

    def generation(self, camera: str) -> int:
        """A number that changes when the camera was moved, a new scene began or the arm leapt."""
        return self.breaks + self._moves[camera]

    def new_scene(self) -> None:
        """A new scene: earlier images and poses are not comparable with later ones."""
        self.known = {}
        self.breaks += 1

    def note_pose(self, before: tuple[int, Floats] | None, now: tuple[int, Floats] | None) -> None:
        """Two successive poses of the arm (stamp ns, `[7]`): between two that no motion connects nothing is known."""
        if before is None or now is None or now[0] <= before[0]:
            return
        if np.linalg.norm(now[1][:3] - before[1][:3]) > _LEAP_M + _LEAP_M_S * (now[0] - before[0]) * 1e-9:
            self._leap_ns = before[0], now[0]
            self.breaks += 1

    def in_leap(self, stamp_ns: int) -> bool:
        """Whether the arm was between two poses that no motion connects."""
        return self._leap_ns[0] < stamp_ns < self._leap_ns[1]

    def update(self, found: dict[str, Place], breaks: int) -> None:
        """Take poses that were computed when `breaks` was that number; dropped where a new scene began meanwhile."""
        if breaks != self.breaks:
            return
        for camera, place in found.items():
            self._moves[camera] += not _same(place, self.known.get(camera))
        self.known = self.known | found


def _same(place: Place, other: Place | None) -> bool:
    """Whether two places of a camera show a point in the same pixel, about."""
    return other is not None and all(np.allclose(a, b, rtol=2e-3, atol=2e-3) for a, b in zip(place, other, strict=True))
