"""Whether a chunk may move the arm, and how much of it: the checks made once, before anything is executed."""

from __future__ import annotations

import numpy as np

from ..geometry.arrays import Floats
from ..geometry.pose import interpolate
from .chunk import Chunk
from .quaternion import turn_between
from .settings import AcceptanceRules, Limits

__all__ = ["ChunkRejected", "accepted_part", "pose_distance"]


class ChunkRejected(ValueError):
    """A chunk that must not move the arm; the message is the reason, in words for the operator."""

    @property
    def reason(self) -> str:
        """Why, as one line."""
        return str(self)


def pose_distance(pose_a: Floats, pose_b: Floats) -> tuple[float, float]:
    """Distance (m) and angle (rad) between two poses `[7]` with unit quaternions, antipodes being the same."""
    return (float(np.linalg.norm(pose_a[:3] - pose_b[:3])), float(np.linalg.norm(turn_between(pose_a[3:], pose_b[3:]))))


def accepted_part(chunk: Chunk, now_ns: int, pose_then: Floats | None, limits: Limits, rules: AcceptanceRules) -> Chunk:
    """The leading frames of `chunk` that may be executed; raises ChunkRejected when they are too few or unfit.

    pose_then: the arm's measured pose `[7]` at the chunk's stamp, or None when it is not known.

    The chunk ends before its first uncertain frame. Two gaps of at most `max_bridged_frames` are bridged by a straight
    way: between two certain frames, and at the very beginning, where the tool may still be at the edge of a picture:
    frame 0 shows where the arm was, which the arm knows better. The speeds of a bridged way are checked like any
    other, and the gripper keeps still on it.
    """
    age = (now_ns - chunk.stamp_ns) * 1e-9
    if age > rules.max_chunk_age:
        raise ChunkRejected(f"stale: its observation is {age:.2f} s old (max_chunk_age {rules.max_chunk_age:g})")
    if age < -rules.max_future_seconds:
        raise ChunkRejected(f"its stamp is {-age:.2f} s in the future; check the clocks")
    sure = _certain_frames(chunk, rules)
    chunk, sure = _gaps_bridged(chunk, sure, rules)
    first, end = _leading_run(sure, rules)
    _refuse_short(end - first, len(chunk), "valid and certain enough", rules)
    _check_numbers(chunk, first, end)
    if first > 0:
        chunk = _bridged(chunk, first, pose_then, limits, rules)
    good = chunk.truncated(end)
    frames = _plausible_frames(good, rules)
    _refuse_short(frames, len(chunk), "reachable at a plausible speed", rules)
    inside = limits.contains(good.poses[:frames, :3])
    if not inside.all():
        outside = int(np.argmin(inside))
        where = f"frame {outside} at {np.round(good.poses[outside, :3], 3).tolist()} m is outside the workspace"
        if rules.outside_workspace == "reject":
            raise ChunkRejected(f"{where} {limits.workspace_min} to {limits.workspace_max}")
        frames = outside
        _refuse_short(frames, len(chunk), f"inside the workspace ({where})", rules)
    if pose_then is None:
        raise ChunkRejected("the arm's pose at its observation is not known; is current_pose published?")
    distance, angle = pose_distance(good.poses[0], pose_then)
    if distance > rules.max_first_pose_distance or angle > rules.max_first_pose_angle:
        raise ChunkRejected(
            f"its first pose is {distance * 1000:.0f} mm and {np.degrees(angle):.0f} deg from where "
            f"the arm was (limits {rules.max_first_pose_distance * 1000:.0f} mm, "
            f"{np.degrees(rules.max_first_pose_angle):.0f} deg)"
        )
    return good.truncated(frames)


def _refuse_short(frames: int, total: int, what: str, rules: AcceptanceRules) -> None:
    if frames < rules.min_valid_frames:
        raise ChunkRejected(f"only {frames} of {total} frames are {what} (min_valid_frames {rules.min_valid_frames})")


def _certain_frames(chunk: Chunk, rules: AcceptanceRules) -> np.ndarray:
    """Frames `[T]` marked valid with a finite, small enough covariance."""
    return (
        chunk.valid
        & (chunk.sigma_position <= rules.max_position_sigma)
        & (chunk.sigma_rotation <= rules.max_rotation_sigma)
    )


def _gaps_bridged(chunk: Chunk, sure: np.ndarray, rules: AcceptanceRules) -> tuple[Chunk, np.ndarray]:
    """The chunk with short gaps between certain frames filled by the straight way across, and what is certain then."""
    certain, finite = np.flatnonzero(sure), np.isfinite(chunk.poses).all(axis=1)
    length = np.linalg.norm(np.where(finite[:, None], chunk.poses[:, 3:], 0.0), axis=1)
    finite &= np.abs(length - 1) <= 0.01
    gaps = [
        (a, b)
        for a, b in zip(certain[:-1], certain[1:], strict=True)
        if 1 < b - a <= rules.max_bridged_frames + 1 and finite[a] and finite[b]
    ]
    if not gaps:
        return chunk, sure
    poses, openness, sure = chunk.poses.copy(), chunk.openness.copy(), sure.copy()
    covariance, valid = chunk.covariance.copy(), chunk.valid.copy()
    for a, b in gaps:
        inside = slice(a + 1, b)
        poses[inside] = interpolate(poses[a], poses[b], np.arange(1, b - a) / (b - a))
        openness[inside], covariance[inside] = openness[a], np.maximum(covariance[a], covariance[b])
        valid[inside] = sure[inside] = True
    return Chunk(chunk.stamp_ns, chunk.dt, poses, openness, covariance, valid), sure


def _leading_run(sure: np.ndarray, rules: AcceptanceRules) -> tuple[int, int]:
    """First frame and end of the leading run of certain frames.

    It begins at frame 0 or, where that is not certain, at most `max_bridged_frames` later; else it is empty.
    """
    first = int(np.argmax(sure))
    if not sure[first] or first > rules.max_bridged_frames:
        return 0, 0
    after = sure[first:]
    return first, len(sure) if after.all() else first + int(np.argmin(after))


def _bridged(chunk: Chunk, first: int, pose_then: Floats | None, limits: Limits, rules: AcceptanceRules) -> Chunk:
    """The chunk with the way from where the arm was to frame `first` in place of the frames before; openness NaN."""
    if pose_then is None:
        raise ChunkRejected(
            f"frame 0 is not certain and the arm's pose at its observation is not known; "
            f"is current_pose published? (first certain frame: {first})"
        )
    distance, angle = pose_distance(chunk.poses[first], pose_then)  # its numbers are checked
    seconds = first * chunk.dt
    if (
        distance > rules.max_first_pose_distance + limits.max_linear_speed * seconds
        or angle > rules.max_first_pose_angle + limits.max_angular_speed * seconds
    ):
        raise ChunkRejected(
            f"its first certain frame {first} is {distance * 1000:.0f} mm and {np.degrees(angle):.0f} "
            f"deg from where the arm was {seconds:.1f} s before: further than the limits allow"
        )
    poses, openness = chunk.poses.copy(), chunk.openness.copy()
    covariance, valid = chunk.covariance.copy(), chunk.valid.copy()
    poses[:first] = interpolate(pose_then, poses[first], np.arange(first) / first)
    openness[:first], covariance[:first], valid[:first] = np.nan, covariance[first], True
    return Chunk(chunk.stamp_ns, chunk.dt, poses, openness, covariance, valid)


def _check_numbers(chunk: Chunk, first: int, end: int) -> None:
    poses, openness = np.zeros((end, 7)), np.zeros(end)
    poses[:, 6] = 1.0
    poses[first:], openness[first:] = chunk.poses[first:end], chunk.openness[first:end]
    bad = ~np.isfinite(poses).all(axis=1) | ~np.isfinite(openness)
    if bad.any():
        raise ChunkRejected(f"frame {int(np.argmax(bad))} is marked valid but holds NaN or infinity")
    norm = np.linalg.norm(poses[:, 3:], axis=1)
    if np.any(np.abs(norm - 1) > 0.01):
        frame = int(np.argmax(np.abs(norm - 1) > 0.01))
        raise ChunkRejected(f"frame {frame} has a quaternion of length {norm[frame]:.3g}, not 1")
    if np.any((openness < 0) | (openness > 1)):
        frame = int(np.argmax((openness < 0) | (openness > 1)))
        raise ChunkRejected(f"frame {frame} has openness {openness[frame]:.3g}, outside 0..1")


def _plausible_frames(chunk: Chunk, rules: AcceptanceRules) -> int:
    linear, angular = chunk.step_speeds()
    plausible = (linear <= rules.max_chunk_speed) & (angular <= rules.max_chunk_angular_speed)
    return len(chunk) if plausible.all() else 1 + int(np.argmin(plausible))
