"""Whether what cameras and gripper say can be believed: the health of all sensors of a policy, and since when not.

A doubt means: no chunk, and the arm is held. One that stays, or that a person has to judge (a camera whose place or
intrinsics were changed while it was in use), is a fault. Times are seconds of one clock that the caller reads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..geometry.arrays import Floats, Images
from ..geometry.pose import inverse, rotation_angle
from .picture_health import COLOURS, EXCHANGED, FROZEN, LATE, MOVED, HealthSettings, PictureHealth, ToolSight
from .thumbnails import thumbnail

__all__ = ["Doubt", "SensorHealth", "combined"]

SILENCE_S = 0.3
"""A sensor that was heard of regularly and is not for so long, and for SILENCE_PERIODS of its own, is lost."""
SILENCE_PERIODS = 3.0
PATIENCE_S = 1.0
"""A doubt that stays for so long is a fault."""
CERTAIN_S = 0.25
"""The same for what does not come and go by itself: a driver, a name or a place is wrong."""
CERTAIN = (FROZEN, LATE, COLOURS, MOVED, EXCHANGED)
EVENT_S = 0.5
"""How long a change of a camera's place or intrinsics is told; then the new one counts."""
MOVED_M, MOVED_RAD, FOCAL_SHARE = 0.002, float(np.deg2rad(0.2)), 0.002


@dataclass(frozen=True)
class Doubt:
    """sensor: a camera's name or a topic; kind: one word; reason: for the user; fault: whether a person has to look."""

    sensor: str
    kind: str
    reason: str
    since_s: float
    fault: bool = False


@dataclass
class _Arrivals:
    """When a sensor was heard of."""

    last_s: float | None = None
    periods: deque[float] = field(default_factory=lambda: deque(maxlen=20))

    def add(self, now_s: float) -> None:
        if self.last_s is not None and now_s > self.last_s:
            self.periods.append(now_s - self.last_s)
        self.last_s = now_s

    def silence(self, now_s: float) -> float:
        """Seconds without a word, 0 while that is usual for this sensor."""
        if self.last_s is None or len(self.periods) < 5:
            return 0.0
        silent = now_s - self.last_s
        return silent if silent > max(SILENCE_S, SILENCE_PERIODS * float(np.median(self.periods))) else 0.0


@dataclass
class _Place:
    K: Floats
    world_from_camera: Floats
    base_from_tool: Floats | None
    changed: str = ""
    changed_s: float = -np.inf
    first: _Place | None = None


class SensorHealth:
    """Feed it pictures, finger readings and the cameras' places; ask `doubts`."""

    def __init__(
        self, cameras: Sequence[str], settings: HealthSettings | None = None, *, carried: Sequence[str] = ()
    ) -> None:
        self.cameras = {name: PictureHealth(name, settings, fixed=name not in carried) for name in cameras}
        self._changing: dict[str, float] = {}
        self.correctable: frozenset[str] = frozenset()
        """Kinds of doubt that hold the arm and are never a fault: somebody is about to mend them."""
        self._places: dict[str, _Place] = {}
        self._arrivals: dict[str, _Arrivals] = {}
        self._unreadable: dict[str, str] = {}
        self._lost: dict[str, str] = {}
        self._since: dict[tuple[str, str], float] = {}

    def forget(self) -> None:
        """Begin anew (the clock was set back)."""
        for camera in self.cameras.values():
            camera.forget()
        for known in (self._places, self._arrivals, self._unreadable, self._since, self._changing):
            known.clear()

    # Taking in.

    def heard(self, sensor: str, now_s: float, lost: str = "") -> None:
        """A message of that sensor came; from then on its silence is noticed, and told as `lost`."""
        if lost:
            self._lost[sensor] = lost
        self._arrivals.setdefault(sensor, _Arrivals()).add(now_s)

    def look(self, camera: str, image: Images, tool: ToolSight | None = None) -> str:
        """Judge a picture, uint8 RGB `[H, W, 3]`; the reason for doubt or an empty string."""
        self._unreadable.pop(camera, None)
        others = {name: other for name, other in self.cameras.items() if name != camera}
        return self.cameras[camera].add(thumbnail(image), tool, others)

    def unreadable(self, camera: str, reason: str) -> None:
        """A picture could not be decoded."""
        self._unreadable[camera] = reason

    def place(
        self, camera: str, K: Floats, world_from_camera: Floats, base_from_tool: Floats | None, now_s: float
    ) -> str:
        """Take a camera's K `[3, 3]` and place `[4, 4]`; says what changed, when it is seen for the second time, or "".

        base_from_tool `[4, 4]`: a camera that moves with the tool is carried by it; its place may change.
        """
        past = self._places.get(camera)
        health = self.cameras[camera]
        if past is None:
            self._places[camera] = _Place(K, world_from_camera, base_from_tool)
            return ""
        changed = ""
        focal = _focal_share(past.K, K)
        metres, turned = _difference(past.world_from_camera, world_from_camera)
        if focal > FOCAL_SHARE:
            changed = (
                f"{camera}/camera_info changed in use: focal length from {past.K[0, 0]:.1f} to {K[0, 0]:.1f} px; "
                "enable again only if that is right"
            )
        elif metres > MOVED_M or turned > MOVED_RAD:
            if self._carried(past, world_from_camera, base_from_tool):
                health.fixed = False
            if health.fixed:
                changed = (
                    f"{camera}/pose changed in use by {1000 * metres:.0f} mm and {np.rad2deg(turned):.1f} deg; "
                    "enable again only if that is right"
                )
        elif not changed:
            self._changing.pop(camera, None)
            return ""
        first = past.first or past
        new = _Place(K, world_from_camera, base_from_tool, past.changed, past.changed_s, first)
        back = _same_place(first, new)  # as it was when the camera was first used
        if changed and not back and self._changing.setdefault(camera, now_s) == now_s:
            return ""  # seen once; the clock may be about to tell that another scene has begun
        self._changing.pop(camera, None)
        self._places[camera] = new
        if not changed:
            return ""
        health.forget()
        new.changed, new.changed_s = ("", -np.inf) if back else (changed, now_s)
        return new.changed

    @staticmethod
    def _carried(past: _Place, world_from_camera: Floats, base_from_tool: Floats | None) -> bool:
        if past.base_from_tool is None or base_from_tool is None:
            return False
        mounts = [
            inverse(tool) @ camera
            for tool, camera in (
                (past.base_from_tool, past.world_from_camera),
                (base_from_tool, world_from_camera),
            )
        ]
        metres, turned = _difference(*mounts)
        arm, _ = _difference(past.base_from_tool, base_from_tool)
        return metres < max(MOVED_M, 0.2 * arm) and turned < 5 * MOVED_RAD

    # Answers.

    def doubts(self, now_s: float, listened_s: float | None = None) -> dict[str, Doubt]:
        """What cannot be believed now, by sensor; the first reason of each.

        listened_s: until when messages were taken in without delay (default: now); silence is counted until then.
        """
        listened_s = now_s if listened_s is None else listened_s
        found: dict[str, tuple[str, str, bool]] = {}
        for name, camera in self.cameras.items():
            place = self._places.get(name)
            silent = self._silence(name, listened_s)
            if place is not None and 0 <= now_s - place.changed_s < EVENT_S:
                found[name] = ("place", place.changed, True)
            elif silent:
                found[name] = ("silent", f"no image from {name} for {silent:.1f} s; check camera and cable", False)
            elif name in self._unreadable:
                found[name] = ("unreadable", f"{name}/image_raw: {self._unreadable[name]}", False)
            elif camera.kind:
                found[name] = (camera.kind, camera.reason, False)
        for name in self._arrivals:
            silent = self._silence(name, listened_s) if name not in self.cameras else 0.0
            if silent:
                lost = self._lost.get(name, f"nothing came on {name}; check its driver")
                found[name] = ("silent", f"{lost} ({silent:.1f} s)", False)
        self._since = {
            (name, kind): min(self._since.get((name, kind), now_s), now_s) for name, (kind, _, _) in found.items()
        }
        return {
            name: Doubt(name, kind, reason, self._since[name, kind], fault or self._lasts(name, kind, now_s))
            for name, (kind, reason, fault) in found.items()
        }

    def _lasts(self, name: str, kind: str, now_s: float) -> bool:
        if kind in self.correctable:
            return False
        return now_s - self._since[name, kind] >= (CERTAIN_S if kind in CERTAIN else PATIENCE_S)

    def _silence(self, sensor: str, now_s: float) -> float:
        arrivals = self._arrivals.get(sensor)
        return 0.0 if arrivals is None else arrivals.silence(now_s)


def combined(doubts: Mapping[str, Doubt]) -> tuple[bool, str]:
    """Whether any of them is a fault, and all reasons in one line."""
    return any(doubt.fault for doubt in doubts.values()), "; ".join(doubt.reason for doubt in doubts.values())


def _focal_share(first: Floats, second: Floats) -> float:
    return float(np.abs(first - second).max()) / float(abs(first[0, 0]))


def _same_place(first: _Place, second: _Place) -> bool:
    metres, turned = _difference(first.world_from_camera, second.world_from_camera)
    return _focal_share(first.K, second.K) <= FOCAL_SHARE and metres <= MOVED_M and turned <= MOVED_RAD


def _difference(first: Floats, second: Floats) -> tuple[float, float]:
    metres = float(np.linalg.norm(first[:3, 3] - second[:3, 3]))
    return metres, float(rotation_angle(first[:3, :3], second[:3, :3]))
