"""Cameras, surfaces and lights outside what `randomise` draws; used by the conditions, never by demonstrations.

Each function draws from the generator handed in alone and writes into a compiled model, as those of `randomise` do.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from . import randomise
from .randomise import CameraView, aim, hsv
from .scene import LIGHTS
from .unseen_textures import UNSEEN_SURFACES

AZIMUTH_BEYOND = 15.0
"""Degrees beyond the ends of the range of azimuths."""
DISTANCE_BEYOND = 0.2
"""Share beyond the ends of the range of distances."""
NEAR = (randomise.DISTANCE[0] * (1 - DISTANCE_BEYOND), randomise.DISTANCE[0])
FAR = (randomise.DISTANCE[1], randomise.DISTANCE[1] * (1 + DISTANCE_BEYOND))
WIDE = (randomise.FOVY[1], 72.0)
"""Vertical fields of view in degrees that frame the workspace from near."""
LONG = (26.0, randomise.FOVY[0])
"""The same from afar."""
AMBIENT = ((0.12, 0.2), (0.52, 0.65))
"""Camera light: dimmer or brighter than in training (0.3 to 0.45)."""
SUN = (0.6, 0.9)
"""Strength of the one strong light (training: two of 0.15 to 0.45)."""
LOW_SUN = (1.0, 1.25)
"""Its angle from the vertical in rad (training: up to 0.9)."""
SUN_SATURATION = (0.2, 0.4)
"""Its colour (training: 0 to 0.08)."""


def draw_unseen_cameras(rng: np.random.Generator) -> list[CameraView]:
    """Two cameras, one to each side, with azimuth, distance and field of view all outside the training ranges.

    The workspace is framed as in training: wide lenses stand near, long ones far away.
    """
    views = []
    for index, side in enumerate(rng.permutation([-1.0, 1.0])):
        azimuth = side * rng.uniform(randomise.AZIMUTH[1], randomise.AZIMUTH[1] + AZIMUTH_BEYOND)
        distance, fovy = (NEAR, WIDE) if rng.random() < 0.5 else (FAR, LONG)
        views.append(aim(rng, f"camera_{index}", np.deg2rad(azimuth), distance, fovy))
    return views


def paint_unseen(model, rng: np.random.Generator) -> None:
    """Other textures for table, floor and walls; their tints stay."""
    for name in ("table", "floor", "wall_back"):
        model.geom_matid[model.geom(name).id] = model.material(f"unseen_{rng.integers(UNSEEN_SURFACES)}").id
    for name in ("wall_left", "wall_right"):
        model.geom_matid[model.geom(name).id] = model.geom_matid[model.geom("wall_back").id]


def draw_unseen_lights(model, rng: np.random.Generator) -> None:
    """One low, strong, coloured light that casts shadows, and the camera's own light too dim or too bright."""
    model.vis.headlight.ambient[:] = rng.uniform(*AMBIENT[rng.integers(2)])
    model.vis.headlight.diffuse[:] = rng.uniform(0.0, 0.1)
    sun, *others = (model.light(f"light_{index}").id for index in range(LIGHTS))
    angle, tilt = rng.uniform(0, 2 * np.pi), rng.uniform(*LOW_SUN)
    model.light_dir[sun] = [np.sin(tilt) * np.cos(angle), np.sin(tilt) * np.sin(angle), -np.cos(tilt)]
    model.light_diffuse[sun] = hsv(rng.random(), rng.uniform(*SUN_SATURATION), 1.0) * rng.uniform(*SUN)
    model.light_castshadow[sun] = True
    model.light_diffuse[others] = 0.0


def made_up_camera() -> np.ndarray:
    """[4, 4]: a place from which a camera could see the workspace and where none stands but by chance."""
    centre = randomise.WORKSPACE_CENTRE
    return randomise.look_at(centre + 1.1 * np.array([np.cos(0.7), 0.0, np.sin(0.7)]), centre)


def miscalibrated(world_from_camera: np.ndarray, rng: np.random.Generator, metres: float, radians: float) -> np.ndarray:
    """[V, 4, 4]: each camera moved by `metres` in a random direction and rotated by `radians` about a random axis."""
    wrong = world_from_camera.copy()
    moves, axes = rng.normal(size=(2, len(wrong), 3))
    wrong[:, :3, 3] += metres * moves / np.linalg.norm(moves, axis=1, keepdims=True)
    turns = Rotation.from_rotvec(radians * axes / np.linalg.norm(axes, axis=1, keepdims=True)).as_matrix()
    wrong[:, :3, :3] = turns @ wrong[:, :3, :3]
    return wrong
