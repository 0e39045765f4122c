"""The check of a whole chunk against the arm's model, before it is accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from ..control.acceptance import pose_distance
from ..control.chunk import Chunk
from ..control.chunk_check import LimitExceeded
from ..control.settings import RobotSettings
from .clearance import Clearance
from .inverse import JointPath, follow_poses
from .model import RobotModel

__all__ = ["RobotCheck", "slowed"]

Array = npt.NDArray[np.float64]
_WORSE = 0.001  # m: what is already too near may not come nearer by more
_DEEP = 0.03  # m: further inside a keep-out than this where the arm is, the model or the keep-outs are wrong
_FINE_STEP = 0.1  # rad of a joint between two configurations that are checked for contacts
_MAX_FINE = 8
_MAX_REFINED = 200  # pairs whose hulls are compared; beyond, their capsules decide


class RobotCheck:
    """Reach, joint limits, singularities, contacts and joint speeds of a chunk on one arm's model.

    Frames are taken along differential inverse kinematics from the arm's joints, where they are known, else from the
    model's home. What the arm already violates where it is may not get worse, so that it can be led out of it.
    """

    def __init__(self, model: RobotModel, settings: RobotSettings) -> None:
        count = len(model.joints)
        if settings.robot_home and len(settings.robot_home) != count:
            raise ValueError(
                f"robot_home has {len(settings.robot_home)} numbers; give one for each of {', '.join(model.joints)}"
            )
        if len(settings.max_joint_speed) not in (0, 1, count):
            raise ValueError(
                f"max_joint_speed has {len(settings.max_joint_speed)} numbers; give 1, or one for each of "
                f"{', '.join(model.joints)}"
            )
        self.model, self.settings = model, settings
        self._lock = Lock()  # the model computes in arrays of its own
        self.joints: Sequence[str] = model.joints
        self.home: Array = np.array(settings.robot_home) if settings.robot_home else model.home
        given = np.array(settings.max_joint_speed)
        self.speed: Array = np.broadcast_to(given, (count,)) if given.size else model.speed
        self.clearance = Clearance(model, settings)
        speeds = "with" if np.isfinite(self.speed).all() else "without (max_joint_speed is not given)"
        self.summary = (
            f"{Path(settings.robot_description).name}: {count} joints {speeds} speed limits, "
            f"{len(model.links)} links, {len(settings.keep_out_boxes) // 6} keep-out boxes, "
            f"{len(settings.keep_out_planes) // 4} planes"
        )
        if self.clearance.left_out:
            pairs = ", ".join(" and ".join(pair) for pair in self.clearance.left_out)
            self.summary += f"; not watched, since they touch at home: {pairs}"
        self._lower, self._upper = model.lower + settings.joint_margin, model.upper - settings.joint_margin
        if np.any(self.home < model.lower) or np.any(self.home > model.upper):
            raise ValueError(f"robot_home is {self.home.tolist()}, outside the joints' limits; give a posture inside")

    def checked(self, chunk: Chunk, positions: Array | None, pose: Array | None) -> Chunk:
        """The chunk, slowed down where joints would be too fast; raises LimitExceeded for the first frame that fails.

        positions: joints `[n]` now, in the order of `joints`; None: unknown; pose: the measured tool pose `[7]` now.
        """
        with self._lock:
            return self._checked(chunk, positions, pose)

    def compare(self, positions: Array | None, pose: Array | None) -> None:
        """Raise LimitExceeded where the joints `[n]` are none of this arm, or put its tool elsewhere than at `pose`."""
        if positions is not None:
            with self._lock:
                self._check_start(positions, pose)

    def _checked(self, chunk: Chunk, positions: Array | None, pose: Array | None) -> Chunk:
        lower, upper = self._lower, self._upper
        if positions is not None:
            self._check_start(positions, pose)
            lower, upper = np.minimum(lower, positions), np.maximum(upper, positions)
        start = self.home if positions is None else positions
        tolerance = (self.settings.max_reach_error, self.settings.max_reach_angle)
        path = follow_poses(self.model, chunk.poses, start, lower, upper, tolerance)
        self._check_reach(path, lower, upper)
        self._check_singular(path, positions)
        self._check_clearance(path.positions, positions)
        return self._slowed(chunk, path.positions)

    def _check_start(self, positions: Array, pose: Array | None) -> None:
        if positions.shape != self.home.shape or not np.isfinite(positions).all():
            raise LimitExceeded(f"the joints are {positions.tolist()}: not {len(self.home)} finite numbers", "start")
        beyond = np.maximum(self.model.lower - positions, positions - self.model.upper)
        if beyond.max() > self._beyond:
            joint = int(beyond.argmax())
            raise LimitExceeded(
                f"joint {self.joints[joint]} is at {positions[joint]:.3f}, outside its limits "
                f"{self.model.lower[joint]:.3f} to {self.model.upper[joint]:.3f} of the description; check both",
                "start",
                link=self.joints[joint],
            )
        if pose is None:
            return
        settings = self.settings
        distance, angle = pose_distance(self.model.tool(positions)[0], pose)
        if distance > settings.max_joints_error or angle > settings.max_joints_angle:
            raise LimitExceeded(
                f"by joint_states and the description the tool is {distance * 1000:.0f} mm and "
                f"{np.degrees(angle):.0f} deg from current_pose (limits {settings.max_joints_error * 1000:.0f} mm, "
                f"{np.degrees(settings.max_joints_angle):.0f} deg); check robot_tool, base_frame and the description",
                "start",
                distance=distance,
            )

    _beyond = 0.05  # rad or m: servo and calibration errors of a joint at its limit

    def _check_reach(self, path: JointPath, lower: Array, upper: Array) -> None:
        distance, angle = float(path.distance[-1]), float(path.angle[-1])
        settings = self.settings
        if distance <= settings.max_reach_error and angle <= settings.max_reach_angle:
            return
        q = path.positions[-1]
        held = [name for name, at in zip(self.joints, (q <= lower + 1e-6) | (q >= upper - 1e-6), strict=True) if at]
        why = f", {' and '.join(held)} at the limit" if held else ""
        frame = len(path.positions) - 1
        raise LimitExceeded(
            f"frame {frame}: the arm ends {distance * 1000:.0f} mm and {np.degrees(angle):.0f} deg short of it{why} "
            f"(max_reach_error {settings.max_reach_error * 1000:g} mm)",
            "joint_limit" if held else "reach",
            frame,
            held[0] if held else "",
            distance=distance,
        )

    def _check_singular(self, path: JointPath, positions: Array | None) -> None:
        values, least = path.singular_values(), self.settings.min_singular_value
        if positions is not None:
            here = follow_poses(
                self.model, self.model.tool(positions)[0][None], positions, positions, positions, (1.0, 1.0)
            )
            least = min(least, 0.9 * float(here.singular_values()[0]))
        if values.min() < least:
            frame = int(np.argmax(values < least))
            raise LimitExceeded(
                f"frame {frame}: the pose is singular, smallest singular value {values[frame]:.4f} "
                f"(min_singular_value {self.settings.min_singular_value:g})",
                "singular",
                frame,
                distance=float(values[frame]),
            )

    def _check_clearance(self, path: Array, positions: Array | None) -> None:
        rows, frames = _fine(path if positions is None else np.concatenate([positions[None], path]))
        distances = self.clearance.distances(rows)
        if not distances.shape[1]:
            return
        clearance, wanted = self.clearance, self.clearance.wanted
        least = wanted
        if positions is not None:
            frames = np.maximum(frames - 1, 0)
            here = distances[0].copy()
            for close in np.flatnonzero(here < wanted):
                here[close] = clearance.refined(rows[0], int(close), here[close], wanted[close])
            if here.min() < -_DEEP:
                worst = int(here.argmin())
                self._refuse(0, clearance.names[worst], float(here[worst]), "already where the arm is; correct them")
            least = np.minimum(wanted, here - _WORSE)
        short = distances < least
        refined = 0
        for row in np.flatnonzero(short.any(axis=1)):
            for pair in np.flatnonzero(short[row]):
                refined += 1
                distance = float(distances[row, pair])
                if refined <= _MAX_REFINED:
                    distance = clearance.refined(rows[row], int(pair), distance, least[pair])
                if distance < least[pair]:
                    what = f"{1000 * float(wanted[pair]):g} mm are kept"
                    self._refuse(int(frames[row]), clearance.names[pair], distance, what)

    def _refuse(self, frame: int, pair: tuple[str, str], distance: float, what: str) -> None:
        link, other = pair
        where = f"{1000 * distance:.0f} mm from" if distance >= 0 else f"{-1000 * distance:.0f} mm inside"
        kind = "keep_out" if other.startswith("keep_out") else "contact"
        raise LimitExceeded(f"frame {frame}: {link} is {where} {other} ({what})", kind, frame, link, other, distance)

    def _slowed(self, chunk: Chunk, path: Array) -> Chunk:
        ratios = np.abs(np.diff(path, axis=0)) / (chunk.dt * self.speed)
        most = ratios.max(axis=1)
        if most.max() <= 1.0:
            return chunk
        if most.max() > self.settings.max_slow_down:
            frame = int(most.argmax())
            joint = int(ratios[frame].argmax())
            speed = float(ratios[frame, joint] * self.speed[joint])
            raise LimitExceeded(
                f"frame {frame + 1}: {self.joints[joint]} would move at {speed:.2f} rad/s (limit "
                f"{self.speed[joint]:.2f}), more than max_slow_down {self.settings.max_slow_down:g} times too fast",
                "joint_speed",
                frame + 1,
                self.joints[joint],
            )
        return slowed(chunk, np.maximum(most, 1.0))


def _fine(path: Array) -> tuple[Array, Array]:
    """Joint positions with steps of at most _FINE_STEP between, and the frame that each leads to."""
    steps = np.diff(path, axis=0)
    counts = np.clip(np.ceil(np.abs(steps).max(axis=1) / _FINE_STEP), 1, _MAX_FINE).astype(int)
    segment = np.repeat(np.arange(len(counts)), counts)
    number = np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    rows = path[segment] + steps[segment] * (number / counts[segment])[:, None]
    return np.concatenate([path[:1], rows]), np.concatenate([[0], segment + 1])


def slowed(chunk: Chunk, stretch: Array) -> Chunk:
    """The same way with each step `[T - 1]` taking `stretch` times as long; the time between frames stays."""
    old = np.arange(len(chunk)) * chunk.dt
    new = np.concatenate([[0.0], np.cumsum(chunk.dt * stretch)])
    times = np.append(np.arange(int(np.ceil(new[-1] / chunk.dt - 1e-6))) * chunk.dt, new[-1])
    along = np.interp(times, new, old)
    stamps = np.clip(chunk.stamp_ns + np.round(along * 1e9).astype(np.int64), chunk.stamp_ns, chunk.end_ns)
    poses, openness = chunk.samples(stamps)
    nearest = np.minimum(np.ceil(along / chunk.dt - 1e-9).astype(int), len(chunk) - 1)
    return replace(
        chunk, poses=poses, openness=openness, covariance=chunk.covariance[nearest], valid=chunk.valid[nearest]
    )
