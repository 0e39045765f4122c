"""The cell's Panda as a URDF, and the poses of its links: made of the simulated model, so that both are one robot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from scipy.spatial.transform import Rotation

from ..geometry.arrays import Floats
from ..gl import mujoco
from .arm import TCP_SITE
from .scene.scene import JOINT_NAMES, PANDA_XML, compile_arm

__all__ = ["LinkPoses", "cell_urdf", "tool_link"]

_KINDS = {mujoco.mjtJoint.mjJNT_HINGE: "revolute", mujoco.mjtJoint.mjJNT_SLIDE: "prismatic"}


def tool_link() -> str:
    """Name of the link between the fingertips: the TCP."""
    return TCP_SITE


def _visuals() -> dict[str, list[tuple[Path, str, str]]]:
    """Per body: mesh file, material and its colour. The meshes of this model lie in their bodies' frames."""
    tree = ElementTree.parse(PANDA_XML).getroot()
    folder = PANDA_XML.parent / "meshes"
    colours = {item.get("name"): item.get("rgba", "") for item in tree.iter("material")}
    return {
        str(body.get("name")): [
            (folder / f"{geom.get('mesh')}.obj", str(geom.get("material")), colours[geom.get("material")])
            for geom in body.findall("geom")
            if geom.get("class") == "visual"
        ]
        for body in tree.iter("body")
    }


def _origin(parent: ElementTree.Element, position: Floats, quaternion: Floats) -> None:
    """quaternion: w x y z, as MuJoCo writes them."""
    angles = Rotation.from_quat(np.roll(quaternion, -1)).as_euler("xyz")
    ElementTree.SubElement(parent, "origin", xyz=_text(position), rpy=_text(angles))


def _text(values: Floats) -> str:
    return " ".join(f"{value:.9g}" for value in values)


def cell_urdf(base_frame: str = "base") -> str:
    """URDF of the arm: links of the model below `base_frame`, joints by the names of joint_states, visual meshes."""
    model = compile_arm()
    robot = ElementTree.Element("robot", name="cell_panda")
    ElementTree.SubElement(robot, "link", name=base_frame)
    visuals = _visuals()
    for number in range(1, model.nbody):
        body = model.body(number)
        link = ElementTree.SubElement(robot, "link", name=body.name)
        for mesh, material, colour in visuals.get(body.name, []):
            visual = ElementTree.SubElement(link, "visual")
            geometry = ElementTree.SubElement(visual, "geometry")
            ElementTree.SubElement(geometry, "mesh", filename=mesh.as_uri())
            paint = ElementTree.SubElement(visual, "material", name=material)
            ElementTree.SubElement(paint, "color", rgba=colour)
        _joint(robot, model, number, base_frame)
    site = model.site(TCP_SITE)
    ElementTree.SubElement(robot, "link", name=TCP_SITE)
    joint = ElementTree.SubElement(robot, "joint", name=f"{TCP_SITE}_joint", type="fixed")
    ElementTree.SubElement(joint, "parent", link=model.body(int(site.bodyid[0])).name)
    ElementTree.SubElement(joint, "child", link=TCP_SITE)
    _origin(joint, site.pos, site.quat)
    ElementTree.indent(robot)
    return ElementTree.tostring(robot, encoding="unicode")


def _joint(robot: ElementTree.Element, model: mujoco.MjModel, number: int, base_frame: str) -> None:
    body = model.body(number)
    moved = int(body.jntnum[0]) > 0
    own = model.joint(int(body.jntadr[0])) if moved else None
    name = own.name if own is not None else f"{body.name}_joint"
    kind = _KINDS[mujoco.mjtJoint(int(own.type[0]))] if own is not None else "fixed"
    joint = ElementTree.SubElement(robot, "joint", name=name, type=kind)
    parent = int(body.parentid[0])
    ElementTree.SubElement(joint, "parent", link=model.body(parent).name if parent else base_frame)
    ElementTree.SubElement(joint, "child", link=body.name)
    _origin(joint, body.pos, body.quat)
    if own is not None:
        ElementTree.SubElement(joint, "axis", xyz=_text(own.axis))
        low, high = (f"{value:.6g}" for value in own.range)
        ElementTree.SubElement(joint, "limit", lower=low, upper=high, effort="100", velocity="3")


class LinkPoses:
    """Forward kinematics of the cell's arm."""

    def __init__(self) -> None:
        self._model = compile_arm()
        self._data = mujoco.MjData(self._model)
        self.links = tuple(self._model.body(number).name for number in range(1, self._model.nbody))

    def at(self, positions: Mapping[str, float]) -> dict[str, Floats]:
        """base_from_link `[4, 4]` m of every link. positions: rad or m by joint names; other joints stay."""
        for name in set(positions) & set(JOINT_NAMES):
            self._data.qpos[self._model.joint(name).qposadr[0]] = positions[name]
        mujoco.mj_kinematics(self._model, self._data)
        poses = {}
        for number, link in enumerate(self.links, start=1):
            pose = np.eye(4)
            pose[:3, :3], pose[:3, 3] = self._data.xmat[number].reshape(3, 3), self._data.xpos[number]
            poses[link] = pose
        return poses
