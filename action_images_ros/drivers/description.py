"""Kinematics of a robot description: joints of a URDF to poses of its links, and back for one serial chain.

Only `<joint>` elements are read: meshes, inertias and controllers of a description do not matter here. All lengths in
metres, angles in radians; `base_from_link` is the pose of a link in another one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

__all__ = ["Chain", "Joint", "RobotDescription"]

_MOVING = ("revolute", "continuous", "prismatic")
_MAX_BYTES = 10_000_000  # a description with every comment is far below 1 MB
_MAX_LINKS = 1000

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Joint:
    """One joint: `parent_from_child` at position q is `origin` times the motion about or along `axis`.

    mimic: name of the joint it follows as `multiplier * q + offset`, or empty.
    """

    name: str
    kind: str
    parent: str
    child: str
    origin: Array
    axis: Array
    lower: float = -np.inf
    upper: float = np.inf
    velocity: float = np.inf
    mimic: str = ""
    multiplier: float = 1.0
    offset: float = 0.0

    def transform(self, q: float) -> Array:
        """`parent_from_child` `[4, 4]` at position q."""
        if self.kind not in _MOVING:
            return self.origin
        motion = np.eye(4)
        if self.kind == "prismatic":
            motion[:3, 3] = q * self.axis
        else:  # Rodrigues; scipy's call costs ten times as much for one rotation
            x, y, z = self.axis
            cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
            motion[:3, :3] += math.sin(q) * cross + (1.0 - math.cos(q)) * (cross @ cross)
        return self.origin @ motion


@dataclass(frozen=True)
class Chain:
    """The joints from `base` to `tip`, in order; `inverted` says which are passed from child to parent."""

    base: str
    tip: str
    joints: tuple[Joint, ...]
    inverted: tuple[bool, ...]
    moving: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        moving = tuple(dict.fromkeys(joint.mimic or joint.name for joint in self.joints if joint.kind in _MOVING))
        object.__setattr__(self, "moving", moving)

    def base_from_tip(self, positions: Mapping[str, float]) -> Array:
        """`[4, 4]` of the tip at these joint positions; KeyError naming the joint that has none."""
        return self.jacobian(positions)[0]

    def jacobian(self, positions: Mapping[str, float]) -> tuple[Array, Array]:
        """`base_from_tip` `[4, 4]` and the Jacobian `[6, n]` of the moving joints: velocity (m) and angular velocity
        (rad) of the tip, in base axes, per unit of each joint. KeyError naming the joint that has no position.
        """
        matrix = np.eye(4)
        axes: list[tuple[int, float, Joint, Array]] = []
        for joint, inverted in zip(self.joints, self.inverted, strict=True):
            step = joint.transform(_position(joint, positions))
            if joint.kind in _MOVING:
                # The joint's frame with its axis: after the step forwards, before it backwards.
                at = matrix if inverted else matrix @ step
                sign = (-1.0 if inverted else 1.0) * (joint.multiplier if joint.mimic else 1.0)
                axes.append((self.moving.index(joint.mimic or joint.name), sign, joint, at))
            matrix = matrix @ (np.linalg.inv(step) if inverted else step)
        columns = np.zeros((6, len(self.moving)))
        for index, sign, joint, at in axes:
            axis = sign * (at[:3, :3] @ joint.axis)
            if joint.kind == "prismatic":
                columns[:3, index] += axis
            else:
                arm = matrix[:3, 3] - at[:3, 3]
                columns[:3, index] += (
                    axis[1] * arm[2] - axis[2] * arm[1],
                    axis[2] * arm[0] - axis[0] * arm[2],
                    axis[0] * arm[1] - axis[1] * arm[0],
                )
                columns[3:, index] += axis
        return matrix, columns


def _position(joint: Joint, positions: Mapping[str, float]) -> float:
    if joint.kind not in _MOVING:
        return 0.0
    if joint.mimic and joint.name not in positions:
        return joint.multiplier * positions[joint.mimic] + joint.offset
    return positions[joint.name]


class RobotDescription:
    """A parsed URDF: `joints` by name, `links`, chains between any two links."""

    def __init__(self, text: str) -> None:
        """Raises ValueError naming what is wrong with the description."""
        if len(text) > _MAX_BYTES:
            raise ValueError(f"robot_description has {len(text)} characters; give a URDF below {_MAX_BYTES}")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise ValueError("robot_description declares a document type; give a plain URDF without entities")
        try:
            root = ElementTree.fromstring(text)
        except ElementTree.ParseError as error:
            raise ValueError(f"robot_description is no XML: {error}; publish the URDF that xacro makes") from None
        if root.tag != "robot":
            raise ValueError(f"robot_description is <{root.tag}>; give a URDF, whose root is <robot>")
        self.joints: dict[str, Joint] = {}
        self._above: dict[str, Joint] = {}
        self.links = tuple(str(link.get("name")) for link in root.findall("link"))
        if len(self.links) > _MAX_LINKS:
            raise ValueError(f"robot_description has {len(self.links)} links; give the arm's, at most {_MAX_LINKS}")
        for element in root.findall("joint"):
            joint = _joint(element)
            if joint.child in self._above:
                raise ValueError(f"link {joint.child!r} of robot_description has two parents; give a tree")
            self.joints[joint.name] = self._above[joint.child] = joint

    def _to_root(self, link: str) -> list[Joint]:
        path: list[Joint] = []
        while link in self._above:
            path.append(self._above[link])
            link = path[-1].parent
            if len(path) > _MAX_LINKS:
                raise ValueError(f"the links above {link!r} of robot_description form a circle; give a tree")
        return path

    def chain(self, base: str, tip: str) -> Chain:
        """The chain between two links; ValueError listing the links there are when one is unknown."""
        for name, link in (("base", base), ("tip", tip)):
            if link not in self.links:
                raise ValueError(f"{name} link is {link!r}; robot_description has {', '.join(self.links)}")
        up, down = self._to_root(base), self._to_root(tip)
        while up and down and up[-1] is down[-1]:
            up.pop()
            down.pop()
        if (up[-1].parent if up else base) != (down[-1].parent if down else tip):
            raise ValueError(f"links {base!r} and {tip!r} of robot_description are not connected; take one arm's")
        joints = tuple(up) + tuple(reversed(down))
        return Chain(base, tip, joints, (True,) * len(up) + (False,) * len(down))

    def below(self, link: str) -> tuple[str, ...]:
        """The link and every link that hangs on it, nearest first."""
        found = [link]
        for above in found:
            found += [joint.child for joint in self.joints.values() if joint.parent == above]
        return tuple(found)


def _joint(element: ElementTree.Element) -> Joint:
    name = element.get("name", "")
    try:
        parent, child = element.find("parent"), element.find("child")
        if parent is None or child is None:
            raise ValueError("it has no parent or no child")
        limit, mimic = element.find("limit"), element.find("mimic")
        limits = limit.attrib if limit is not None else {}
        kind = element.get("type", "")
        bounded = kind in ("revolute", "prismatic")
        return Joint(
            name,
            kind,
            parent.get("link", ""),
            child.get("link", ""),
            _origin(element.find("origin")),
            _axis(element.find("axis")),
            float(limits.get("lower", 0.0)) if bounded else -np.inf,
            float(limits.get("upper", 0.0)) if bounded else np.inf,
            float(limits.get("velocity", np.inf)),
            mimic.get("joint", "") if mimic is not None else "",
            float(mimic.get("multiplier", 1.0)) if mimic is not None else 1.0,
            float(mimic.get("offset", 0.0)) if mimic is not None else 0.0,
        )
    except ValueError as error:
        raise ValueError(f"joint {name!r} of robot_description: {error}; publish the URDF that xacro makes") from None


def _numbers(text: str, what: str) -> Array:
    values = np.array([float(word) for word in text.split()])
    if values.shape != (3,) or not np.isfinite(values).all():
        raise ValueError(f"{what} is {text!r}, three numbers are expected")
    return values


def _origin(element: ElementTree.Element | None) -> Array:
    matrix = np.eye(4)
    if element is not None:
        matrix[:3, 3] = _numbers(element.get("xyz", "0 0 0"), "origin xyz")
        matrix[:3, :3] = Rotation.from_euler("xyz", _numbers(element.get("rpy", "0 0 0"), "origin rpy")).as_matrix()
    return matrix


def _axis(element: ElementTree.Element | None) -> Array:
    axis = _numbers(element.get("xyz", "1 0 0"), "axis") if element is not None else np.array([1.0, 0.0, 0.0])
    length = np.linalg.norm(axis)
    if length < 1e-9:
        raise ValueError("its axis is zero")
    return np.asarray(axis / length)
