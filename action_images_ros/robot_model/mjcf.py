"""An arm described by an MJCF file, through MuJoCo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..gl import mujoco
from .model import Link, Shape, cylinder_points, shapes_of

__all__ = ["MjcfModel"]

Array = npt.NDArray[np.float64]
_XYZ_XYZW = np.array([0, 1, 2, 4, 5, 6, 3])  # from MuJoCo's w x y z


class MjcfModel:
    """The serial chain of hinges and slides from the world to the site or body `tool`; see `RobotModel`.

    Its base frame is the world. Joints off the chain, the fingers, stand as in the keyframe `home`.
    """

    def __init__(self, path: Path, tool: str) -> None:
        try:
            self._model = mujoco.MjModel.from_xml_path(str(path))
        except ValueError as error:
            raise ValueError(f"robot_description is {path}: {' '.join(str(error).split())}; give an MJCF") from None
        self._data = mujoco.MjData(self._model)
        self._site, self._tool_body = self._find_tool(tool)
        chain = self._chain(self._tool_body)
        self._qpos = np.array([self._model.jnt_qposadr[joint] for joint in chain])
        self._dof = np.array([self._model.jnt_dofadr[joint] for joint in chain])
        self.joints = tuple(str(self._model.joint(joint).name) for joint in chain)
        limited = np.array([bool(self._model.jnt_limited[joint]) for joint in chain])
        ranges = np.array([self._model.jnt_range[joint] for joint in chain])
        self.lower: Array = np.where(limited, ranges[:, 0], -np.inf)
        self.upper: Array = np.where(limited, ranges[:, 1], np.inf)
        self.speed: Array = np.full(len(chain), np.inf)  # MJCF has none
        self._stand_at_home()
        self.home: Array = self._data.qpos[self._qpos].copy()
        self.links, self.shapes = self._parts(chain)
        self._jacobian = np.zeros((6, self._model.nv))

    def _find_tool(self, tool: str) -> tuple[int | None, int]:
        """The site's number (None: the tool is a body) and its body's."""
        kind = mujoco.mjtObj
        site = mujoco.mj_name2id(self._model, kind.mjOBJ_SITE, tool)
        if site >= 0:
            return site, int(self._model.site_bodyid[site])
        body = mujoco.mj_name2id(self._model, kind.mjOBJ_BODY, tool)
        if body < 0:
            names = [self._model.site(i).name for i in range(self._model.nsite)]
            names += [self._model.body(i).name for i in range(1, self._model.nbody)]
            raise ValueError(f"robot_tool is {tool!r}; the description has {', '.join(filter(None, names))}")
        return None, body

    def _chain(self, body: int) -> list[int]:
        chain: list[int] = []
        while body > 0:
            first, count = int(self._model.body_jntadr[body]), int(self._model.body_jntnum[body])
            chain[:0] = range(first, first + count) if count else []
            body = int(self._model.body_parentid[body])
        hinges = (int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE))
        for joint in chain:
            if int(self._model.jnt_type[joint]) not in hinges:
                name = self._model.joint(joint).name
                raise ValueError(f"joint {name!r} of robot_description is neither hinge nor slide; give a fixed arm's")
        if not chain:
            raise ValueError("robot_tool is not moved by any joint of robot_description; name the tool of the arm")
        return chain

    def _stand_at_home(self) -> None:
        key = mujoco.mj_name2id(self._model, mujoco.mjtObj.mjOBJ_KEY, "home")
        if key >= 0:
            self._data.qpos[:] = self._model.key_qpos[key]
            return
        free = self._model.jnt_limited.astype(bool) & (self._model.jnt_type >= int(mujoco.mjtJoint.mjJNT_SLIDE))
        self._data.qpos[:] = self._model.qpos0
        self._data.qpos[self._model.jnt_qposadr[free]] = self._model.jnt_range[free].mean(axis=1)

    def _parts(self, chain: list[int]) -> tuple[tuple[Link, ...], tuple[Shape, ...]]:
        model = self._model
        level, other = np.zeros(model.nbody, dtype=int), np.zeros(model.nbody, dtype=bool)
        links: list[Link] = []
        shapes: list[Shape] = []
        for body in range(1, model.nbody):
            parent = int(model.body_parentid[body])
            joints = range(model.body_jntadr[body], model.body_jntadr[body] + model.body_jntnum[body])
            level[body] = level[parent] + sum(joint in chain for joint in joints)
            other[body] = other[parent] or any(joint not in chain for joint in joints)
        fingers = other if other.any() else np.arange(model.nbody) == self._tool_body
        for body in range(1, model.nbody):
            links.append(Link(str(model.body(body).name) or f"body {body}", int(level[body]), bool(fingers[body])))
            shapes += shapes_of(body - 1, self._geoms(body))
        return tuple(links), tuple(shapes)

    def _geoms(self, body: int) -> list[tuple[Array, float]]:
        """Points and thickness of the geoms that collide; of all where none does."""
        model, kind = self._model, mujoco.mjtGeom
        geoms = np.arange(model.body_geomadr[body], model.body_geomadr[body] + model.body_geomnum[body])
        geoms = geoms[model.geom_type[geoms] != int(kind.mjGEOM_PLANE)] if len(geoms) else geoms
        colliding = (model.geom_contype[geoms] | model.geom_conaffinity[geoms]).astype(bool) if len(geoms) else geoms
        parts = []
        for geom in geoms[colliding] if np.any(colliding) else geoms:
            size, thickness = model.geom_size[geom], 0.0
            shape = kind(int(model.geom_type[geom]))
            if shape == kind.mjGEOM_MESH:
                mesh = model.geom_dataid[geom]
                start = model.mesh_vertadr[mesh]
                points = model.mesh_vert[start : start + model.mesh_vertnum[mesh]].astype(np.float64)
            elif shape == kind.mjGEOM_SPHERE:
                points, thickness = np.zeros((1, 3)), float(size[0])
            elif shape == kind.mjGEOM_CAPSULE:
                points, thickness = np.array([[0, 0, -size[1]], [0, 0, size[1]]]), float(size[0])
            elif shape == kind.mjGEOM_CYLINDER:
                points = cylinder_points(float(size[0]), float(size[1]))
            else:  # boxes, and the boxes around the few that are left
                half = size if shape != kind.mjGEOM_HFIELD else model.geom_aabb[geom, 3:]
                points = half * np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
            matrix = np.empty(9)
            mujoco.mju_quat2Mat(matrix, model.geom_quat[geom])
            parts.append((points @ matrix.reshape(3, 3).T + model.geom_pos[geom], thickness))
        return parts

    def tool(self, q: Array) -> tuple[Array, Array]:
        """Pose `[7]` and Jacobian `[6, n]` of the tool."""
        model, data, jacobian = self._model, self._data, self._jacobian
        data.qpos[self._qpos] = q
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        pose = np.empty(7)
        if self._site is not None:
            mujoco.mj_jacSite(model, data, jacobian[:3], jacobian[3:], self._site)
            pose[:3] = data.site_xpos[self._site]
            mujoco.mju_mat2Quat(pose[3:], data.site_xmat[self._site])
        else:
            mujoco.mj_jacBody(model, data, jacobian[:3], jacobian[3:], self._tool_body)
            pose[:3], pose[3:] = data.xpos[self._tool_body], data.xquat[self._tool_body]
        return pose[_XYZ_XYZW], jacobian[:, self._dof]

    def placements(self, q: Array) -> tuple[Array, Array]:
        """Rotations `[L, 3, 3]` and positions `[L, 3]` of the links."""
        self._data.qpos[self._qpos] = q
        mujoco.mj_kinematics(self._model, self._data)
        return self._data.xmat[1:].reshape(-1, 3, 3).copy(), self._data.xpos[1:].copy()
