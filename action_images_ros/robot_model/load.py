"""The check that the settings ask for: with an arm's description by its model, else by the TCP alone."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..control.chunk_check import ChunkCheck, TcpCheck
from ..control.settings import RobotSettings
from .check import RobotCheck
from .model import Link, RobotModel, Shape

__all__ = ["check_of_text", "find_description", "load_check", "load_model"]

Array = npt.NDArray[np.float64]
PANDA = "panda"
_PANDA_XML = Path(__file__).parents[1] / "cell" / "assets" / "franka_emika_panda" / "panda.xml"
_MAX_BYTES = 20_000_000


def load_check(settings: RobotSettings, base: str = "") -> ChunkCheck:
    """A RobotCheck where robot_description is given, else a TcpCheck. base: the frame of all poses.

    Raises ValueError naming the parameter, its value and the remedy.
    """
    if not settings.robot_description:
        return TcpCheck(settings)
    return RobotCheck(load_model(settings.robot_description, settings.robot_tool, base), settings)


def check_of_text(text: str, settings: RobotSettings, base: str = "") -> ChunkCheck:
    """A RobotCheck by a URDF's text, as the topic robot_description carries it. Raises ValueError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "robot_description"
        path.write_text(text)
        try:
            return load_check(replace(settings, robot_description=str(path)), base)
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), "that of the topic")) from None


def load_model(description: str, tool: str, base: str = "") -> RobotModel:
    """The model of an MJCF or URDF file, in the frame of link `base` (an MJCF without it: in its world)."""
    path = find_description(description)
    root = _root(path)
    model: RobotModel
    if root == "mujoco":
        from .mjcf import MjcfModel

        model = MjcfModel(path, tool)
    elif root == "robot":
        from .urdf import UrdfModel

        model = UrdfModel(path, tool)
    else:
        raise ValueError(
            f"robot_description is {path}, whose root is <{root}>; give an MJCF (<mujoco>) or URDF (<robot>)"
        )
    names = [link.name for link in model.links]
    if base not in names:
        if root == "robot" and base:
            raise ValueError(f"base_frame is {base!r}; the description has {', '.join(names)}")
        return model
    index = names.index(base)
    if model.links[index].level:
        raise ValueError(f"base_frame is {base!r}, which the arm moves; give the base of the arm")
    rotations, positions = model.placements(model.home)
    return _Rebased(model, rotations[index], positions[index])


def find_description(name: str) -> Path:
    """The file that robot_description names; ValueError when it is not there."""
    if name == PANDA:
        return _PANDA_XML
    path = Path(name).expanduser()
    if name.startswith("package://"):
        package, _, inside = name.removeprefix("package://").partition("/")
        prefixes = [prefix for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if prefix]
        shares = [Path(prefix) / "share" / package for prefix in prefixes]
        path = next((share / inside for share in shares if (share / inside).is_file()), Path())
        if not path.is_file():
            raise ValueError(f"robot_description is {name!r}; no such file in AMENT_PREFIX_PATH, install {package}")
    if not path.is_file():
        raise ValueError(f"robot_description is {name!r}; no such file: give an MJCF or URDF (xacro made plain)")
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f"robot_description is {name!r}, of {path.stat().st_size} bytes; give one arm's")
    return path


def _root(path: Path) -> str:
    from xml.etree import ElementTree

    try:
        for _, element in ElementTree.iterparse(path, events=("start",)):
            return str(element.tag)
    except (ElementTree.ParseError, OSError) as error:
        raise ValueError(f"robot_description is {path}: {error}; give an MJCF or URDF") from None
    return ""


class _Rebased:
    """A model in the frame of one of its links that do not move."""

    def __init__(self, model: RobotModel, rotation: Array, position: Array) -> None:
        self._model, self._rotation, self._position = model, rotation, position
        self.joints: tuple[str, ...] = model.joints
        self.lower, self.upper, self.speed, self.home = model.lower, model.upper, model.speed, model.home
        self.links: tuple[Link, ...] = model.links
        self.shapes: tuple[Shape, ...] = model.shapes
        self._same = bool(np.allclose(rotation, np.eye(3)) and np.allclose(position, 0.0))

    def tool(self, q: Array) -> tuple[Array, Array]:
        """Pose `[7]` and Jacobian `[6, n]` of the tool."""
        pose, jacobian = self._model.tool(q)
        if self._same:
            return pose, jacobian
        from scipy.spatial.transform import Rotation

        back = self._rotation.T
        turn = (Rotation.from_matrix(back) * Rotation.from_quat(pose[3:])).as_quat()
        linear, angular = back @ jacobian[:3], back @ jacobian[3:]
        return np.concatenate([back @ (pose[:3] - self._position), turn]), np.concatenate([linear, angular])

    def placements(self, q: Array) -> tuple[Array, Array]:
        """Rotations `[L, 3, 3]` and positions `[L, 3]` of the links."""
        rotations, positions = self._model.placements(q)
        if self._same:
            return rotations, positions
        return self._rotation.T @ rotations, (positions - self._position) @ self._rotation
