"""The law of motion: every commanded pose obeys workspace, speed, acceleration and jerk against the ones before it.

A step of one control period is taken only when the arm could still be stopped after it within all limits: the stop
(a jerk-limited trajectory by Ruckig) is computed and checked with the step, as finite differences of the very poses
that would be commanded. Where a step fails, the arm moves along the stop that was checked with the step before. So
whatever is asked for, and whenever asking ends, there is a lawful next pose; a motion begins at rest, inside the box.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from ruckig import ControlInterface, InputParameter, Result, Ruckig, Synchronization, Trajectory

from .quaternion import turn_between, turned
from .settings import Limits

__all__ = ["Law", "Motion"]

Array = npt.NDArray[np.float64]

_ALONG = (0.95, 0.22, 0.22)  # shares of the limits of a stop along the motion and across it, of norm below 1
_EVEN = (0.577, 0.577, 0.577)  # of a stop with axes along the acceleration, which may be at its limit
_CATCH_UP = 0.5  # share of the acceleration limit that making up a lag plans with
_FINE, _COARSE = 2.0, 8.0  # periods in which a small error of velocity, of position decays to 1/e
_TOLERANCE = 1e-6  # relative, of the checks
_SCALES = (1.0, 0.5)  # of the change of acceleration that is tried before the stop is taken


@dataclass(frozen=True)
class Motion:
    """The commanded tool: pose `[7]` in base and, for translation and rotation together (`[6]`: m, rad in base axes),
    velocity, acceleration and the last two steps.

    stop: the steps `[N, 6]`, velocities and accelerations that bring it to rest from here; wanted: the pose asked for
    last, aim: the velocity `[6]` striven for then.
    """

    pose: Array
    velocity: Array = field(default_factory=lambda: np.zeros(6))
    acceleration: Array = field(default_factory=lambda: np.zeros(6))
    steps: Array = field(default_factory=lambda: np.zeros((2, 6)))
    stop: Array = field(default_factory=lambda: np.zeros((0, 3, 6)))
    wanted: Array | None = None
    aim: Array | None = None

    @property
    def linear(self) -> Array:
        """Velocity `[3]`, m/s."""
        return self.velocity[:3]

    @property
    def angular(self) -> Array:
        """Angular velocity `[3]`, rad/s."""
        return self.velocity[3:]

    @property
    def speed(self) -> float:
        """Linear speed (m/s)."""
        return _length(self.velocity[:3])

    @property
    def at_rest(self) -> bool:
        """Whether it does not move and nothing of a stop is left."""
        return len(self.stop) == 0 and not self.steps.any()


class Law:
    """Moves a `Motion` one period at a time within `limits`; `period_s` is the time from one command to the next."""

    def __init__(self, limits: Limits, period_s: float) -> None:
        if not (math.isfinite(period_s) and period_s > 0):
            raise ValueError(f"period_s is {period_s}; give the seconds between two commands, more than 0")
        self.limits, self.period_s = limits, period_s
        self._bounds = tuple(
            np.array(pair)
            for pair in (
                (limits.max_linear_speed, limits.max_angular_speed),
                (limits.max_linear_acceleration, limits.max_angular_acceleration),
                (limits.max_linear_jerk, limits.max_angular_jerk),
            )
        )
        self._ruckig = Ruckig(6)
        self._input = InputParameter(6)
        self._input.control_interface = ControlInterface.Velocity
        self._input.synchronization = Synchronization.No
        self._input.target_velocity = self._input.target_acceleration = [0.0] * 6

    def follow(self, motion: Motion, wanted: Array) -> tuple[Motion, tuple[str, ...]]:
        """One period towards the pose `wanted` `[7]`; the motion then and what was held back.

        Flags: "linear speed", "angular speed", "linear acceleration", "angular acceleration" (of the wanted motion
        itself) and "braked" (a step towards it could not be stopped within the limits).
        """
        wanted = np.asarray(wanted, dtype=np.float64)
        if wanted.shape != (7,) or not np.isfinite(wanted).all() or _length(wanted[3:]) < 1e-6:
            raise ValueError(f"wanted is {wanted.tolist()}; give xyz in metres and a quaternion x y z w")
        wanted = np.concatenate([wanted[:3], wanted[3:] / _length(wanted[3:])])
        before = motion.pose if motion.wanted is None else motion.wanted
        error, speed = _difference(motion.pose, wanted), _difference(before, wanted) / self.period_s
        aim, jerk, flags = np.zeros(6), np.zeros(6), []
        for index, name in enumerate(("linear", "angular")):
            part = slice(3 * index, 3 * index + 3)
            limit = [float(bound[index]) for bound in self._bounds]
            last = None if motion.aim is None else motion.aim[part]
            aim[part], jerk[part], flag = _strive(
                motion.velocity[part], motion.acceleration[part], error[part], speed[part], last, limit, self.period_s
            )
            flags += [f"{name} {flag}"] if flag else []
        for scale in _SCALES:
            new = self._taken(motion, scale * jerk, wanted, aim)
            if new is not None:
                return new, tuple(flags)
        return self._stopped(motion, wanted, aim), (*flags, "braked")

    def brake(self, motion: Motion) -> Motion:
        """One period of coming to rest along the stop that was checked."""
        return self._stopped(motion, None, None)

    def _taken(self, motion: Motion, jerk: Array, wanted: Array, aim: Array) -> Motion | None:
        """The motion after one period of constant jerk `[6]`, or None when it could not be stopped lawfully then."""
        T = self.period_s
        step = motion.velocity * T + motion.acceleration * (T * T / 2) + jerk * (T**3 / 6)
        velocity = motion.velocity + motion.acceleration * T + jerk * (T * T / 2)
        acceleration = motion.acceleration + jerk * T
        for shares in (_ALONG, _EVEN):
            stop = self._stop_from(velocity, acceleration, shares)
            if stop is not None and self._lawful(motion, np.concatenate([motion.steps, step[None], stop[:, 0]])):
                return Motion(
                    _moved(motion.pose, step),
                    velocity,
                    acceleration,
                    np.stack([motion.steps[1], step]),
                    stop,
                    wanted,
                    aim,
                )
        return None

    def _stopped(self, motion: Motion, wanted: Array | None, aim: Array | None) -> Motion:
        if len(motion.stop) == 0:
            return Motion(motion.pose, steps=np.stack([motion.steps[1], np.zeros(6)]), wanted=wanted, aim=aim)
        step, velocity, acceleration = motion.stop[0]
        return Motion(
            _moved(motion.pose, step),
            velocity,
            acceleration,
            np.stack([motion.steps[1], step]),
            motion.stop[1:],
            wanted,
            aim,
        )

    def _stop_from(self, velocity: Array, acceleration: Array, shares: tuple[float, ...]) -> Array | None:
        """Steps, velocities and accelerations `[N, 3, 6]` of the stop; None when Ruckig finds none."""
        axes = np.zeros((6, 6))
        for part in (slice(0, 3), slice(3, 6)):
            first = velocity[part] if shares is _ALONG and velocity[part].any() else acceleration[part]
            axes[part, part] = _axes_along(first)
        _, self._input.max_acceleration, self._input.max_jerk = (
            np.outer(bound, shares).reshape(-1).tolist() for bound in self._bounds
        )
        self._input.current_position = [0.0] * 6
        self._input.current_velocity = (axes.T @ velocity).tolist()
        self._input.current_acceleration = (axes.T @ acceleration).tolist()
        trajectory = Trajectory(6)
        if self._ruckig.calculate(self._input, trajectory) not in (Result.Working, Result.Finished):
            return None
        count = math.ceil(trajectory.duration / self.period_s - 1e-9)
        rows = np.array([trajectory.at_time((index + 1) * self.period_s) for index in range(count)]).reshape(-1, 3, 6)
        rows = rows @ axes.T
        if count:
            rows[-1, 1:] = 0.0
        rows[1:, 0] -= rows[:-1, 0].copy()
        return rows

    def _lawful(self, motion: Motion, steps: Array) -> bool:
        """Whether steps `[N, 6]`, two past ones and all to come, obey the limits from `motion.pose` on."""
        T = self.period_s
        steps = np.concatenate([steps, np.zeros((3, 6))])  # and then rest
        parts = steps.reshape(len(steps), 2, 3)
        for order, bound in enumerate(self._bounds, start=1):
            change = parts if order == 1 else np.diff(parts, n=order - 1, axis=0)
            size = np.sqrt(np.einsum("npi,npi->np", change, change)) / T**order
            if np.any(size > bound * (1 + _TOLERANCE)):
                return False
        return bool(self.limits.contains(motion.pose[:3] + np.cumsum(steps[2:, :3], axis=0)).all())


def _strive(
    velocity: Array, acceleration: Array, error: Array, speed: Array, last: Array | None, limit: list[float], T: float
) -> tuple[Array, Array, str]:
    """Velocity to aim at, jerk of the next period and the limit that holds the wanted motion back ("": none).

    error: from here to the wanted place a period later; speed: of the wanted place; last: the aim before. A cascade:
    the lag gives a velocity, the lack of velocity an acceleration, each no more than can be braked again.
    """
    max_speed, max_acceleration, max_jerk = limit
    feed = _capped(speed, max_speed)
    aim = _capped(feed + _catch_up(error - feed * T, _CATCH_UP * max_acceleration, _COARSE * T), max_speed)
    change = np.zeros(3) if last is None else _capped((aim - last) / T, max_acceleration)
    lack = aim - (velocity + acceleration * (T / 2))
    ideal = _capped(change + _catch_up(lack - change * T / 2, max_jerk, _FINE * T), max_acceleration)
    jerk = _capped((ideal - acceleration) / T, max_jerk * (1 - 1e-9))
    flag = "speed" if _length(speed) > max_speed * (1 + 1e-6) else ""
    return aim, jerk, flag


def _catch_up(lag: Array, rate: float, seconds: float) -> Array:
    """How fast to make up a lag that can be braked by `rate`: sqrt(2 rate lag), in the end lag / seconds."""
    distance = _length(lag)
    if distance < 1e-12:
        return np.zeros(3)
    near = rate * seconds * seconds / 2
    fast = distance / seconds if distance <= near else math.sqrt(2 * rate * distance) - rate * seconds / 2
    return lag * (fast / distance)


def _difference(start: Array, end: Array) -> Array:
    return np.concatenate([end[:3] - start[:3], turn_between(start[3:], end[3:])])


def _moved(pose: Array, step: Array) -> Array:
    return np.concatenate([pose[:3] + step[:3], turned(pose[3:], step[3:])])


def _axes_along(direction: Array) -> Array:
    """Orthonormal axes `[3, 3]` as columns, the first along `direction`."""
    length = _length(direction)
    if length < 1e-12:
        return np.eye(3)
    first = direction / length
    other = np.eye(3)[int(np.argmin(np.abs(first)))]
    second = np.cross(first, other)
    second /= _length(second)
    return np.stack([first, second, np.cross(first, second)], axis=1)


def _length(vector: Array) -> float:
    return math.sqrt(float(vector @ vector))


def _capped(vector: Array, limit: float) -> Array:
    length = _length(vector)
    return vector if length <= limit else vector * (limit / length)
