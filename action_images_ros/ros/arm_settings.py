"""What the adapters of arm drivers are told."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..drivers.table import PoseInterface

__all__ = ["ArmSettings", "JointState"]


@dataclass
class JointState:
    """The newest joint positions by name, and the steady second at which they came."""

    positions: dict[str, float] = field(default_factory=dict)
    at_s: float = -np.inf


@dataclass(frozen=True)
class ArmSettings:
    """What an adapter has to know. target: name of the topic or service. joints: their order for the driver, empty:
    that of the chain. lookahead_s: time given to reach a joint target. max_joint_step: rad, between two commands.
    linear_speed, linear_acceleration: m/s and m/s^2 handed to drivers that plan themselves.
    """

    interface: PoseInterface
    target: str
    base_frame: str
    joints: tuple[str, ...] = ()
    lookahead_s: float = 0.1
    max_joint_step: float = 0.1
    linear_speed: float = 0.1
    linear_acceleration: float = 0.5
