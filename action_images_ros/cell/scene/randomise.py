"""Randomised cameras, surfaces and lights of a seed, written into the compiled model."""

from dataclasses import dataclass

import numpy as np

from ...gl import mujoco
from .scene import LIGHTS, MAX_CAMERAS, SURFACES

WORKSPACE_CENTRE = np.array([0.5, 0.0, 0.1])
AZIMUTH = (-60.0, 60.0)
AZIMUTH_GAP = 40.0
ELEVATION = (25.0, 55.0)
DISTANCE = (0.9, 1.3)
FOVY = (42.0, 60.0)
FRAMED_HALF_HEIGHT = (0.36, 0.52)
"""Half height in metres of the plane through the workspace centre that a camera sees: lens and distance are drawn
together, so that the workspace fills the picture as somebody who sets up a camera would have it."""

_GL_FROM_OPTICAL = np.diag([1.0, -1.0, -1.0])


@dataclass(frozen=True)
class CameraView:
    """One camera: `world_from_camera` [4, 4] of the OpenCV optical frame, vertical field of view in degrees."""

    name: str
    world_from_camera: np.ndarray
    fovy: float


def look_at(eye: np.ndarray, target: np.ndarray, roll: float = 0.0) -> np.ndarray:
    """`world_from_camera` [4, 4], OpenCV optical frame (x right, y down, z forward); `roll` in radians about z."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    rotation = np.stack([right, down, forward], axis=1)
    c, s = np.cos(roll), np.sin(roll)
    pose = np.eye(4)
    pose[:3, :3] = rotation @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    pose[:3, 3] = eye
    return pose


def draw_azimuths(rng: np.random.Generator, count: int) -> np.ndarray:
    """`count` angles in degrees within AZIMUTH, any two at least AZIMUTH_GAP apart, in random order."""
    slack = AZIMUTH[1] - AZIMUTH[0] - AZIMUTH_GAP * (count - 1)
    ordered = AZIMUTH[0] + np.sort(rng.uniform(0, slack, count)) + AZIMUTH_GAP * np.arange(count)
    return rng.permutation(ordered)


def draw_cameras(rng: np.random.Generator, count: int) -> list[CameraView]:
    """Cameras in front of and beside the robot, looking at the workspace."""
    views = []
    for index, azimuth in enumerate(np.deg2rad(draw_azimuths(rng, count))):
        views.append(aim(rng, f"camera_{index}", azimuth, DISTANCE, FOVY))
    return views


def aim(rng: np.random.Generator, name: str, azimuth: float, distances, fovys) -> CameraView:
    """A camera at this azimuth (rad) that frames the workspace; distance (m) and vertical field of view (degrees) are
    drawn from the ranges given."""
    elevation = np.deg2rad(rng.uniform(*ELEVATION))
    while True:
        distance, fovy = rng.uniform(*distances), rng.uniform(*fovys)
        half = distance * np.tan(np.deg2rad(fovy) / 2)
        if FRAMED_HALF_HEIGHT[0] <= half <= FRAMED_HALF_HEIGHT[1]:
            break
    direction = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    target = WORKSPACE_CENTRE + rng.uniform(-0.04, 0.04, 3)
    pose = look_at(WORKSPACE_CENTRE + distance * direction, target, np.deg2rad(rng.uniform(-3, 3)))
    return CameraView(name, pose, float(fovy))


def place_cameras(model, views: list[CameraView]) -> None:
    """Writes the views into the model's cameras."""
    for view in views:
        index = model.camera(view.name).id
        rotation = view.world_from_camera[:3, :3] @ _GL_FROM_OPTICAL
        model.cam_pos[index] = view.world_from_camera[:3, 3]
        mujoco.mju_mat2Quat(model.cam_quat[index], np.ascontiguousarray(rotation).ravel())
        model.cam_fovy[index] = view.fovy
    assert len(views) <= MAX_CAMERAS


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """RGB in [0, 1], shape [3], from hue, saturation and value in [0, 1]."""
    k = (np.array([5.0, 3.0, 1.0]) + hue * 6) % 6
    return value - value * saturation * np.clip(np.minimum(k, 4 - k), 0, 1)


def paint_room(model, rng: np.random.Generator) -> None:
    """Pale colours and a texture from the bank for table, floor and walls."""
    for name, value in (("table", (0.35, 0.95)), ("floor", (0.25, 0.85)), ("wall_back", (0.4, 0.95))):
        geom = model.geom(name).id
        model.geom_matid[geom] = model.material(f"surface_{rng.integers(SURFACES)}").id
        model.geom_rgba[geom, :3] = hsv(rng.random(), rng.uniform(0, 0.25), rng.uniform(*value))
    back = model.geom("wall_back").id
    shade = rng.uniform(0.8, 1.0)
    for name in ("wall_left", "wall_right"):
        geom = model.geom(name).id
        model.geom_matid[geom] = model.geom_matid[back]
        model.geom_rgba[geom, :3] = model.geom_rgba[back, :3] * shade
    material = model.material("white").id
    model.mat_rgba[material, :3] = rng.uniform(0.82, 1.0) * np.array([1, 1, 1]) * rng.uniform(0.97, 1.0, 3)


def draw_lights(model, rng: np.random.Generator) -> None:
    """Two directional lights from above and the camera's own light, all of random strength."""
    model.vis.headlight.ambient[:] = rng.uniform(0.3, 0.45)
    model.vis.headlight.diffuse[:] = rng.uniform(0.1, 0.3)
    model.vis.headlight.specular[:] = 0.05
    for index in range(LIGHTS):
        light = model.light(f"light_{index}").id
        angle, tilt = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.9)
        model.light_dir[light] = [np.sin(tilt) * np.cos(angle), np.sin(tilt) * np.sin(angle), -np.cos(tilt)]
        tint = rng.uniform(0.92, 1.0, 3)
        model.light_diffuse[light] = tint * rng.uniform(0.15, 0.45)
        model.light_ambient[light] = 0.0
        model.light_specular[light] = 0.1
        model.light_castshadow[light] = False
