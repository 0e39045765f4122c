"""Furniture made of boxes whose sizes change in the compiled scene with the seed."""

from dataclasses import dataclass

import numpy as np

from ...gl import mujoco

FINGER_HALF = (0.0105, 0.021)
"""Half the closed fingers' cross-section along the tool's x and y, metres."""


@dataclass(frozen=True)
class Part:
    """A box: name of the geom, `centre` [3] and `half` edges [3] in metres in the frame of its body."""

    name: str
    centre: tuple[float, float, float]
    half: tuple[float, float, float]
    solid: bool = True


def add_parts(spec, body, parts: list[Part], mass: float = 0.02) -> None:
    """Adds the boxes to a body of a `mujoco.MjSpec`, `mass` kg each; those that are not solid are only to look at."""
    # The bounds of the middle phase are compiled and would not follow a box that is moved within its body.
    spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_MIDPHASE
    for part in parts:
        body.add_geom(
            name=part.name,
            type=mujoco.mjtGeom.mjGEOM_BOX,
            pos=part.centre,
            size=part.half,
            mass=mass,
            contype=int(part.solid),
            conaffinity=int(part.solid),
            rgba=[0.5, 0.4, 0.4, 1],
        )


def resize_parts(model, parts: list[Part]) -> None:
    """Writes places and sizes of boxes that `add_parts` added into the compiled model."""
    for part in parts:
        index = model.geom(part.name).id
        model.geom_pos[index] = part.centre
        model.geom_size[index] = part.half
        model.geom_rbound[index] = np.linalg.norm(part.half)


def put_body(model, body: str, position, yaw: float) -> None:
    """Puts a body that stands still in the world at `position` [3] (m), rotated by `yaw` (rad) about z."""
    index = model.body(body).id
    model.body_pos[index] = position
    model.body_quat[index] = [np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)]


def finger_reach(direction: np.ndarray) -> float:
    """Metres from the TCP to the closed fingers' outer face in a level unit `direction`; tool down at yaw 0."""
    return FINGER_HALF[0] * abs(direction[0]) + FINGER_HALF[1] * abs(direction[1])


def within_reach(spot: np.ndarray) -> bool:
    """Whether an expert may go to `spot` (m, world): inside the cell's workspace box with some room."""
    return bool(0.27 < spot[0] < 0.72 and abs(spot[1]) < 0.32)
