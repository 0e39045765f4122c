"""What the arm may do: a workspace box, bounded speed and bounded acceleration of the tool.

`Limits.apply` is a follower: it moves the commanded tool one control period towards a wanted pose, never faster, never
with more acceleration and never out of the box than allowed, and says when it held something back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .quaternion import turn_between, turned

__all__ = ["Limits", "Motion"]


@dataclass(frozen=True)
class Motion:
    """The commanded tool: pose `[7]` in base, velocity (m/s) and angular velocity (rad/s) `[3]`, both in base axes.

    `wanted` `[7]` is the pose last asked for; its movement is the feed-forward of the next step.
    """

    pose: np.ndarray
    linear: np.ndarray = field(default_factory=lambda: np.zeros(3))
    angular: np.ndarray = field(default_factory=lambda: np.zeros(3))
    wanted: np.ndarray | None = None

    @property
    def speed(self) -> float:
        """Linear speed (m/s)."""
        return float(np.linalg.norm(self.linear))


@dataclass(frozen=True)
class Limits:
    """Workspace box of the TCP (m, base frame) and limits of its motion; refuses values that make no sense."""

    workspace_min: tuple[float, float, float]
    workspace_max: tuple[float, float, float]
    max_linear_speed: float = 0.4  # m/s
    max_angular_speed: float = 1.5  # rad/s
    max_linear_acceleration: float = 3.0  # m/s^2
    max_angular_acceleration: float = 10.0  # rad/s^2

    def __post_init__(self) -> None:
        corners = {}
        for name in ("workspace_min", "workspace_max"):
            corner = np.asarray(getattr(self, name), dtype=np.float64)
            if corner.shape != (3,) or not np.isfinite(corner).all():
                raise ValueError(f"{name} is {getattr(self, name)}; give x, y, z in metres")
            corners[name] = corner
            object.__setattr__(self, name, tuple(float(x) for x in corner))
        if np.any(corners["workspace_min"] >= corners["workspace_max"]):
            raise ValueError(
                f"workspace_min {self.workspace_min} is not below workspace_max {self.workspace_max} in "
                "x, y and z; swap or widen them"
            )
        for name in ("max_linear_speed", "max_angular_speed", "max_linear_acceleration", "max_angular_acceleration"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} is {value}; give a finite number above 0 (m/s, rad/s, m/s^2, rad/s^2)")

    def contains(self, positions) -> np.ndarray:
        """Whether positions `[..., 3]` (m) lie in the workspace box; NaN does not."""
        positions = np.asarray(positions, dtype=np.float64)
        return ((positions >= self.workspace_min) & (positions <= self.workspace_max)).all(axis=-1)

    def apply(self, previous: Motion, wanted, dt: float) -> tuple[Motion, tuple[str, ...]]:
        """One step of `dt` seconds towards the pose `wanted` `[7]`: the new motion and what was held back.

        Velocity and its change stay within the limits: `|v| <= max speed`, `|v - v_previous| <= max acceleration *
        dt`. A lag behind a moving target is made up no faster than the acceleration limit can brake it again
        (`sqrt(2 a lag)`), so there is no overshoot to speak of. Flags: "linear speed", "linear acceleration", the same
        for angular, "workspace" (the step would leave the box: the pose stays, velocity becomes 0).
        """
        wanted = np.asarray(wanted, dtype=np.float64)
        if wanted.shape != (7,) or not np.isfinite(wanted).all() or _length(wanted[3:]) < 1e-6:
            raise ValueError(f"wanted is {wanted.tolist()}; give xyz in metres and a quaternion x y z w")
        if not dt > 0:
            return previous, ()
        before = previous.pose if previous.wanted is None else previous.wanted
        linear, linear_flag = _follow(
            previous.linear,
            wanted[:3] - previous.pose[:3],
            (wanted[:3] - before[:3]) / dt,
            self.max_linear_speed,
            self.max_linear_acceleration,
            dt,
        )
        angular, angular_flag = _follow(
            previous.angular,
            turn_between(previous.pose[3:], wanted[3:] / _length(wanted[3:])),
            turn_between(before[3:], wanted[3:] / _length(wanted[3:])) / dt,
            self.max_angular_speed,
            self.max_angular_acceleration,
            dt,
        )
        motion, blocked = self._moved(previous, linear, angular, dt, wanted)
        flags = [f"linear {linear_flag}"] if linear_flag else []
        flags += [f"angular {angular_flag}"] if angular_flag else []
        return motion, tuple(flags + (["workspace"] if blocked else []))

    def brake(self, previous: Motion, dt: float) -> Motion:
        """One step of `dt` seconds of coming to rest as fast as the acceleration limits allow, along the motion."""
        if not dt > 0:
            return previous
        linear = _towards(previous.linear, np.zeros(3), self.max_linear_acceleration * dt)
        angular = _towards(previous.angular, np.zeros(3), self.max_angular_acceleration * dt)
        return self._moved(previous, linear, angular, dt, None)[0]

    def _moved(self, previous: Motion, linear, angular, dt: float, wanted) -> tuple[Motion, bool]:
        pose = previous.pose.copy()
        pose[:3] += linear * dt
        pose[3:] = turned(pose[3:], angular * dt)
        if self.contains(pose[:3]) or (not self.contains(previous.pose[:3]) and not np.any(linear)):
            return Motion(pose, linear, angular, wanted), False
        return Motion(previous.pose.copy(), wanted=wanted), True


def _length(vector: np.ndarray) -> float:
    return math.sqrt(float(vector @ vector))


def _towards(vector: np.ndarray, goal: np.ndarray, step: float) -> np.ndarray:
    """`vector` moved towards `goal` by at most `step`."""
    change = goal - vector
    length = _length(change)
    return goal.copy() if length <= step else vector + change * (step / length)


def _capped(vector: np.ndarray, limit: float) -> np.ndarray:
    length = _length(vector)
    return vector if length <= limit else vector * (limit / length)


def _follow(velocity, error, feed_forward, max_speed: float, max_acceleration: float, dt: float):
    """Velocity `[3]` of the next step and which limit held it back ("" for none).

    error: from the present to the wanted place at the end of the step; feed_forward: the wanted place's own velocity.
    """
    feed_forward = _capped(feed_forward, max_speed)
    lag = error - feed_forward * dt
    distance = _length(lag)
    # The second term is what braking in steps of dt needs: without it the last step before standstill overshoots.
    catch_up = math.sqrt(2 * max_acceleration * distance + (0.5 * max_acceleration * dt) ** 2)
    catch_up -= 0.5 * max_acceleration * dt
    ideal = feed_forward + (lag / distance * min(distance / dt, catch_up) if distance > 0 else 0.0)
    wanted = _capped(ideal, max_speed)
    result = _towards(velocity, wanted, max_acceleration * dt)
    tolerance = 1e-6 * max_speed
    if _length(result - wanted) > tolerance:
        return result, "acceleration"
    return result, "speed" if _length(error) / dt > max_speed + tolerance else ""
