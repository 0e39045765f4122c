"""An arm described by a URDF, through Pinocchio (extra `urdf` of this package)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .model import Link, Shape, cylinder_points, shapes_of

__all__ = ["UrdfModel"]

Array = npt.NDArray[np.float64]


class UrdfModel:
    """The serial chain of joints from the root to link `tool`; see `RobotModel`. Its base frame is the root link.

    Shapes are those of the collision elements, of a link without any those of its visual elements. Joints off the
    chain, the fingers, stand at 0. Home is the middle of the joints' ranges.
    """

    def __init__(self, path: Path, tool: str) -> None:
        try:
            import pinocchio
        except ImportError:
            raise ValueError(
                f"robot_description is {path}, a URDF; install pinocchio (`pip install pin`), which reads it"
            ) from None
        self._pin = pinocchio
        text = path.read_text(errors="replace")
        try:
            self._model = pinocchio.buildModelFromXML(text)
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"robot_description is {path}: {_line(error)}; give the URDF that xacro makes") from None
        self._data = self._model.createData()
        bodies = [frame for frame in self._model.frames if frame.type == pinocchio.FrameType.BODY]
        names = [frame.name for frame in bodies]
        if tool not in names:
            raise ValueError(f"robot_tool is {tool!r}; the description has {', '.join(names)}")
        self._frames = [self._model.getFrameId(name, pinocchio.FrameType.BODY) for name in names]
        self._tool = self._frames[names.index(tool)]
        chain = [j for j in self._model.supports[self._model.frames[self._tool].parentJoint] if j > 0]
        if not chain:
            raise ValueError(f"robot_tool is {tool!r}, which no joint moves; name the tool of the arm")
        self._joints = [self._model.joints[j] for j in chain]
        self.joints = tuple(str(self._model.names[j]) for j in chain)
        for name, joint in zip(self.joints, self._joints, strict=True):
            if joint.nv != 1:
                raise ValueError(f"joint {name!r} of robot_description has {joint.nv} axes; give a fixed arm's")
        self._columns = np.array([joint.idx_v for joint in self._joints])
        self._continuous = np.array([joint.nq == 2 for joint in self._joints])
        at = np.array([joint.idx_q for joint in self._joints])
        self._positions = at
        self.lower: Array = np.where(self._continuous, -np.inf, self._model.lowerPositionLimit[at])
        self.upper: Array = np.where(self._continuous, np.inf, self._model.upperPositionLimit[at])
        speed = self._model.upperVelocityLimit[self._columns]
        self.speed: Array = np.where(speed > 0, speed, np.inf)
        middle = (np.where(self._continuous, 0.0, self.lower) + np.where(self._continuous, 0.0, self.upper)) / 2
        self.home: Array = np.where(np.isfinite(middle), middle, 0.0)
        self._q = np.array(pinocchio.neutral(self._model))
        bounded = np.abs(self._q) <= 1e6
        self._q[bounded] = np.clip(self._q, self._model.lowerPositionLimit, self._model.upperPositionLimit)[bounded]
        self.links: tuple[Link, ...] = tuple(self._link(frame, chain, tool) for frame in bodies)
        self.shapes: tuple[Shape, ...] = tuple(self._shapes(path, text))

    def _link(self, frame: Any, chain: list[int], tool: str) -> Link:
        moving = [j for j in self._model.supports[frame.parentJoint] if j > 0]
        level = sum(j in chain for j in moving)
        others = level == len(chain) and len(moving) > level
        return Link(str(frame.name), level, others or frame.name == tool)

    def _shapes(self, path: Path, text: str) -> list[Shape]:
        parts: dict[int, list[tuple[Array, float]]] = {}
        for kind in (self._pin.GeometryType.COLLISION, self._pin.GeometryType.VISUAL):
            found = self._geometries(path, text, kind)
            parts = {**found, **parts}
        return [shape for index in sorted(parts) for shape in shapes_of(index, parts[index])]

    def _geometries(self, path: Path, text: str, kind: Any) -> dict[int, list[tuple[Array, float]]]:
        """Points and thickness of the elements of one kind by number of their link, in its frame."""
        try:
            geometry = self._pin.buildGeomFromUrdfString(self._model, text, kind, package_dirs=_package_folders(path))
        except (ValueError, RuntimeError) as error:
            if kind == self._pin.GeometryType.VISUAL:
                return {}  # only wanted where there is no collision element
            raise ValueError(
                f"robot_description is {path}: {_line(error)}; install the package with its meshes, or give collision "
                "elements of simple shapes"
            ) from None
        parts: dict[int, list[tuple[Array, float]]] = {}
        for item in geometry.geometryObjects:
            index = self._frames.index(item.parentFrame)
            inside = self._model.frames[item.parentFrame].placement.inverse() * item.placement
            points, thickness = _points(item.geometry, np.asarray(item.meshScale))
            parts.setdefault(index, []).append((points @ inside.rotation.T + inside.translation, thickness))
        return parts

    def _configured(self, q: Array) -> Array:
        full = self._q
        full[self._positions] = np.where(self._continuous, np.cos(q), q)
        turning = self._positions[self._continuous] + 1
        full[turning] = np.sin(q[self._continuous])
        return full

    def tool(self, q: Array) -> tuple[Array, Array]:
        """Pose `[7]` and Jacobian `[6, n]` of the tool."""
        pin, model, data = self._pin, self._model, self._data
        jacobian = pin.computeFrameJacobian(
            model, data, self._configured(q), self._tool, pin.ReferenceFrame.LOCAL_WORLD_ALIGNED
        )
        return np.array(pin.SE3ToXYZQUAT(data.oMf[self._tool])), jacobian[:, self._columns]

    def placements(self, q: Array) -> tuple[Array, Array]:
        """Rotations `[L, 3, 3]` and positions `[L, 3]` of the links."""
        self._pin.framesForwardKinematics(self._model, self._data, self._configured(q))
        placed = [self._data.oMf[frame] for frame in self._frames]
        return np.array([pose.rotation for pose in placed]), np.array([pose.translation for pose in placed])


def _points(shape: Any, scale: Array) -> tuple[Array, float]:
    """Points of one of coal's shapes, and their thickness."""
    kind = type(shape).__name__
    if kind == "Sphere":
        return np.zeros((1, 3)), float(shape.radius)
    if kind == "Capsule":
        return np.array([[0, 0, -shape.halfLength], [0, 0, shape.halfLength]]), float(shape.radius)
    if kind == "Cylinder":
        return cylinder_points(float(shape.radius), float(shape.halfLength)), 0.0
    if kind == "Box":
        corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        return corners * np.asarray(shape.halfSide), 0.0
    if hasattr(shape, "vertices"):
        return np.array(shape.vertices(), dtype=np.float64), 0.0  # scaled by the loader
    if hasattr(shape, "points"):
        return np.array(shape.points(), dtype=np.float64), 0.0
    raise ValueError(f"robot_description has a shape {kind}; give boxes, cylinders, spheres, capsules or meshes")


def _package_folders(path: Path) -> list[str]:
    """Folders that hold packages, for package:// in a description."""
    prefixes = [prefix for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if prefix]
    folders = [str(Path(prefix) / "share") for prefix in prefixes]
    folders += [folder for folder in os.environ.get("ROS_PACKAGE_PATH", "").split(os.pathsep) if folder]
    return [*folders, *(str(parent) for parent in path.resolve().parents)]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
