"""Visual distractors: two or three per scene, without collisions."""

import numpy as np

from ...gl import mujoco
from .palette import hide, paint, shade
from .scene import HIDDEN

DISTRACTORS = 3
"""Compiled into the scene."""
DECOY_SIZE = 0.02
"""Radius or half edge."""


def add_decoys(spec, shapes: tuple[str, ...]) -> None:
    """Bodies `distractor_N` to look at: no collisions; each has one geom per shape, one of which is shown."""
    sizes = {"sphere": [DECOY_SIZE, 0, 0], "box": [0.02, 0.02, 0.02], "cylinder": [0.02, 0.022, 0]}
    for index in range(DISTRACTORS):
        body = spec.worldbody.add_body(name=f"distractor_{index}", pos=HIDDEN)
        for shape in shapes:
            body.add_geom(
                name=f"distractor_{index}_{shape}",
                type=getattr(mujoco.mjtGeom, f"mjGEOM_{shape.upper()}"),
                size=sizes[shape],
                contype=0,
                conaffinity=0,
                rgba=[0.5, 0.4, 0.4, 1],
            )


def show_decoy(model, rng, index: int, shape: str, position, colour: str, shapes: tuple[str, ...]) -> None:
    body = model.body(f"distractor_{index}").id
    model.body_pos[body] = position
    yaw = rng.uniform(-np.pi, np.pi)
    model.body_quat[body] = [np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)]
    for other in shapes:
        hide(model, f"distractor_{index}_{other}")
    paint(model, f"distractor_{index}_{shape}", shade(rng, colour))


def park_decoys(model) -> None:
    for index in range(DISTRACTORS):
        model.body_pos[model.body(f"distractor_{index}").id] = HIDDEN


def decoy_positions(model) -> list[np.ndarray]:
    """Where the distractors that are shown are, each [3]."""
    places = [model.body(f"distractor_{index}").pos.copy() for index in range(DISTRACTORS)]
    return [place for place in places if place[2] > HIDDEN[2] / 2]
