"""The plan as visualization_msgs/MarkerArray, all in the base frame: nothing of it needs TF."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Vector3
from scipy.spatial.transform import Rotation
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from ..control.chunk import Chunk
from ..display.colours import BLOCKED, COMMANDED, MEASURED, QUIET, Colour, state_colour
from ..display.shapes import Plan, box_edges, frustum, plan_shapes
from ..geometry.arrays import Floats

__all__ = ["Box", "Scene", "scene_markers"]

_AXES = np.array([[1.0, 0.2, 0.2], [0.2, 0.9, 0.2], [0.3, 0.4, 1.0]])
_OPEN, _CLOSED = (0.35, 0.78, 0.86), (0.55, 0.57, 0.62)


@dataclass(frozen=True)
class Box:
    """Corners (m) of a box in the base frame; keep_out: whether the tool must stay out of it, else inside."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    keep_out: bool = False


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What the markers show.

    chunk: the plan. measured, commanded: `[N, 3]` m, oldest first. cameras: name to K `[3, 3]`, world_from_camera
    `[4, 4]` and size (H, W). opening_axis `[3]`: of the fingers in the robot's tool frame.
    """

    base_frame: str
    opening_axis: Floats
    chunk: Chunk | None = None
    measured: Floats = field(default_factory=lambda: np.zeros((0, 3)))
    commanded: Floats = field(default_factory=lambda: np.zeros((0, 3)))
    boxes: tuple[Box, ...] = ()
    cameras: Mapping[str, tuple[Floats, Floats, tuple[int, int]]] = field(default_factory=dict)
    state: str = ""
    reason: str = ""


def scene_markers(scene: Scene) -> MarkerArray:
    """All markers, with stamp zero (of any time); the first deletes what was shown before."""
    make = _Maker(scene.base_frame)
    make.add("", Marker.CUBE, 0.0).action = Marker.DELETEALL
    if scene.chunk is not None:
        _plan(make, plan_shapes(scene.chunk, scene.opening_axis), scene.chunk)
    for name, path, colour in (
        ("measured path", scene.measured, MEASURED),
        ("commanded path", scene.commanded, COMMANDED),
    ):
        if len(path) > 1:
            make.strip(name, path, colour, 0.004 if colour == MEASURED else 0.002)
    for box in scene.boxes:
        name, colour = ("keep-out", BLOCKED) if box.keep_out else ("workspace", QUIET)
        make.lines(name, box_edges(np.array(box.low), np.array(box.high)), colour, 0.002)
    for camera, (K, E, size) in scene.cameras.items():
        make.lines("cameras", frustum(K, E, size), QUIET, 0.002)
        make.text("cameras", E[:3, 3], camera, QUIET, 0.025)
    if scene.state:
        make.text("state", _above(scene), _headline(scene), state_colour(scene.state), 0.035)
    return MarkerArray(markers=make.markers)


def _headline(scene: Scene) -> str:
    state = {"proposed": "WAITS FOR APPROVAL"}.get(scene.state, scene.state.upper())
    return f"{state}\n{scene.reason[:70]}" if scene.reason else state


def _above(scene: Scene) -> Floats:
    inside = [box for box in scene.boxes if not box.keep_out]
    if not inside:
        return np.array([0.5, 0.0, 0.7])
    low, high = np.array(inside[0].low), np.array(inside[0].high)
    return np.array([*((low + high)[:2] / 2), high[2] + 0.08])


def _plan(make: _Maker, plan: Plan, chunk: Chunk) -> None:
    frames = np.flatnonzero(plan.valid)
    if not len(frames):
        return
    if len(frames) > 1:
        make.strip("plan", plan.centres[frames], plan.colours[frames], 0.005)
    ends = np.broadcast_to(_AXES[None, :, None], (len(frames), 3, 1, 3)).copy()
    starts = np.broadcast_to(plan.colours[frames, None, None, :3], (len(frames), 3, 1, 3))
    make.lines("triads", plan.axes[frames].reshape(-1, 2, 3), np.concatenate([starts, ends], 2).reshape(-1, 3), 0.0025)
    shade = np.array([_OPEN if chunk.openness[frame] > 0.5 else _CLOSED for frame in frames])
    alpha = plan.colours[frames, 3:]
    colours = np.repeat(np.hstack([shade, alpha]), 6, axis=0)
    make.lines("gripper", plan.grippers[frames].reshape(-1, 2, 3), colours, 0.003)
    for frame in frames:
        marker = make.add("certainty", Marker.SPHERE, 1.0)
        marker.pose.position = _point(plan.centres[frame])
        x, y, z, w = Rotation.from_matrix(plan.rotations[frame]).as_quat().tolist()
        orientation = marker.pose.orientation
        orientation.x, orientation.y, orientation.z, orientation.w = x, y, z, w
        width, depth, height = (2.0 * plan.semi_axes[frame]).tolist()
        marker.scale = Vector3(x=width, y=depth, z=height)
        red, green, blue, strength = plan.colours[frame].tolist()
        marker.color = ColorRGBA(r=red, g=green, b=blue, a=0.4 * strength)


class _Maker:
    """Makes markers of one frame, numbered within their namespaces."""

    def __init__(self, frame_id: str) -> None:
        self._frame_id = frame_id
        self._numbers: dict[str, int] = {}
        self.markers: list[Marker] = []

    def add(self, name: str, kind: int, scale: float) -> Marker:
        """A marker of `name` (its namespace) and `kind`, all three scales alike (m)."""
        marker = Marker(ns=name, id=self._numbers.setdefault(name, 0), type=kind, action=Marker.ADD)
        self._numbers[name] += 1
        marker.header.frame_id, marker.header.stamp = self._frame_id, Time()
        marker.pose.orientation.w = 1.0
        marker.scale = Vector3(x=scale, y=scale, z=scale)
        self.markers.append(marker)
        return marker

    def strip(self, name: str, points: Floats, colour: Colour | Floats, width: float) -> None:
        """A line through `[N, 3]` points; one colour (0..255) or `[N, 4]` (0..1)."""
        self._coloured(self.add(name, Marker.LINE_STRIP, width), points, colour)

    def lines(self, name: str, segments: Floats, colour: Colour | Floats, width: float) -> None:
        """Lines `[N, 2, 3]`; one colour (0..255) or one per end `[2 N, 3 or 4]` (0..1)."""
        self._coloured(self.add(name, Marker.LINE_LIST, width), segments.reshape(-1, 3), colour)

    def text(self, name: str, place: Floats, text: str, colour: Colour, height: float) -> None:
        """Text that faces the viewer, above `place`."""
        marker = self.add(name, Marker.TEXT_VIEW_FACING, height)
        marker.text, marker.color = text, _rgba(np.array(colour) / 255.0)
        marker.pose.position = _point(place + [0.0, 0.0, 1.2 * height])

    def _coloured(self, marker: Marker, points: Floats, colour: Colour | Floats) -> None:
        marker.scale.y = marker.scale.z = 0.0
        marker.points = [_point(point) for point in points]
        if isinstance(colour, tuple):
            marker.color = _rgba(np.array(colour) / 255.0)
        else:
            marker.color.a = 1.0
            marker.colors = [_rgba(row) for row in colour]


def _point(place: Sequence[float] | Floats) -> Point:
    x, y, z = (float(value) for value in place)
    return Point(x=x, y=y, z=z)


def _rgba(colour: Iterable[float]) -> ColorRGBA:
    red, green, blue, *alpha = (float(value) for value in colour)
    return ColorRGBA(r=red, g=green, b=blue, a=alpha[0] if alpha else 1.0)
