"""The compiled scene: Panda at a table, room, cameras, lights, a bank of surfaces.

A scene is compiled once per task (`compile_scene`) and never again: everything that differs from seed to seed
is written into the arrays of the compiled model (see `randomise.py`). The world frame is the robot's base
frame, x forward, z up; the table top is at z = 0.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...gl import mujoco
from .unseen_textures import UNSEEN_SURFACES, unseen_texture

ASSETS = Path(__file__).parents[1] / "assets"
PANDA_XML = ASSETS / "franka_emika_panda" / "panda.xml"

MAX_CAMERAS = 4
LIGHTS = 2
SURFACES = 8
"""Number of precompiled textures in the bank (`surface_0` ..)."""
TIMESTEP = 0.002
"""Physics step in seconds."""
TABLE_CENTRE = (0.45, 0.0)
TABLE_HALF = (0.75, 0.75)
FLOOR_Z = -0.75
HIDDEN = (0.0, 0.0, -5.0)
"""Where unused bodies are parked, below the floor."""

ARM_JOINTS = tuple(f"joint{i}" for i in range(1, 8))
FINGER_JOINTS = ("finger_joint1", "finger_joint2")
JOINT_NAMES = ARM_JOINTS + FINGER_JOINTS


def _smooth_noise(rng: np.random.Generator, size: int, cells: int) -> np.ndarray:
    """Periodic value noise in [0, 1], shape [size, size]."""
    grid = rng.random((cells, cells))
    position = np.arange(size) * cells / size
    low = position.astype(int)
    weight = position - low
    weight = weight * weight * (3 - 2 * weight)
    high = (low + 1) % cells
    rows = grid[low] * (1 - weight)[:, None] + grid[high] * weight[:, None]
    return rows[:, low] * (1 - weight) + rows[:, high] * weight


def surface_texture(index: int, size: int = 128) -> np.ndarray:
    """One of the bank's grey textures, [size, size, 3] uint8; the seed is the index, so the bank is fixed."""
    rng = np.random.default_rng([811, index])
    y, x = np.mgrid[0:size, 0:size] / size
    fine = _smooth_noise(rng, size, 32)
    coarse = _smooth_noise(rng, size, 6)
    kind = index % 4
    if kind == 0:
        pattern = 0.93 + 0.07 * fine
    elif kind == 1:
        pattern = 0.78 + 0.14 * coarse + 0.08 * fine
    elif kind == 2:
        rings = 0.5 + 0.5 * np.sin(2 * np.pi * (4 + index) * (x + 0.12 * coarse))
        pattern = 0.76 + 0.18 * rings + 0.06 * fine
    else:
        tiles = 4 + index // 2
        joint = (np.abs((x * tiles) % 1 - 0.5) > 0.46) | (np.abs((y * tiles) % 1 - 0.5) > 0.46)
        pattern = np.where(joint, 0.72, 0.9 + 0.1 * fine)
    grey = np.clip(pattern * 255, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def _add_surfaces(spec) -> None:
    bank = {f"surface_{index}": surface_texture(index) for index in range(SURFACES)}
    bank |= {f"unseen_{index}": unseen_texture(index) for index in range(UNSEEN_SURFACES)}
    for name, pixels in bank.items():
        texture = spec.add_texture(name=name, type=mujoco.mjtTexture.mjTEXTURE_2D)
        texture.height, texture.width, texture.nchannel = pixels.shape
        texture.data = pixels.tobytes()
        material = spec.add_material(name=name, specular=0.1, shininess=0.1)
        material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name
        material.texuniform = True
        material.texrepeat = [2, 2]


def _add_room(spec) -> None:
    world = spec.worldbody
    box, plane = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_PLANE
    visual = {"contype": 0, "conaffinity": 0}
    thickness = 0.04
    world.add_geom(
        name="table",
        type=box,
        pos=[*TABLE_CENTRE, -thickness / 2],
        size=[*TABLE_HALF, thickness / 2],
        material="surface_0",
        friction=[0.8, 0.005, 0.0001],
    )
    world.add_geom(name="floor", type=plane, pos=[0.5, 0, FLOOR_Z], size=[3, 3, 1], material="surface_1", **visual)
    world.add_geom(
        name="wall_back",
        type=plane,
        pos=[-1.3, 0, 1.0],
        size=[3, 2, 1],
        material="surface_2",
        quat=[0.5, 0.5, 0.5, 0.5],
        **visual,
    )
    for name, y, quat in (
        ("wall_left", 2.0, [np.sqrt(0.5), np.sqrt(0.5), 0, 0]),
        ("wall_right", -2.0, [np.sqrt(0.5), -np.sqrt(0.5), 0, 0]),
    ):
        world.add_geom(
            name=name, type=plane, pos=[0.5, y, 1.0], size=[3, 2, 1], quat=quat, material="surface_3", **visual
        )


def _add_eyes(spec) -> None:
    for index in range(MAX_CAMERAS):
        spec.worldbody.add_camera(name=f"camera_{index}", pos=[1.5, 0, 0.8], fovy=50)
    for index in range(LIGHTS):
        light = spec.worldbody.add_light(name=f"light_{index}", pos=[0.5, 0, 2.5], dir=[0, 0, -1])
        light.type = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
        light.castshadow = False


def compile_scene(add_objects: Callable) -> "mujoco.MjModel":
    """Compiles the scene of one task; `add_objects(spec)` adds the task's own bodies to the `mujoco.MjSpec`."""
    spec = mujoco.MjSpec.from_file(str(PANDA_XML))
    spec.modelname = "cell"
    spec.option.timestep = TIMESTEP
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10
    spec.visual.quality.offsamples = 0
    spec.visual.global_.offwidth = 1280
    spec.visual.global_.offheight = 1280
    spec.visual.map.znear = 0.02
    spec.visual.map.zfar = 10
    for actuator in spec.actuators:
        # The implicit integrator leaves a clipped actuator's damping out, and these servos shake without it.
        actuator.forcelimited = mujoco.mjtLimited.mjLIMITED_FALSE
    for key in list(spec.keys):
        spec.delete(key)
    _add_surfaces(spec)
    _add_room(spec)
    _add_eyes(spec)
    add_objects(spec)
    return spec.compile()


def compile_arm() -> "mujoco.MjModel":
    """The Panda alone, for inverse kinematics."""
    return mujoco.MjModel.from_xml_path(str(PANDA_XML))
