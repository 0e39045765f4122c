"""Everything a chunk must pass before it is taken over, its errors turned into refusals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .acceptance import ChunkRejected, accepted_part, pose_distance
from .chunk import Chunk
from .chunk_check import ChunkCheck
from .measured import MeasuredPose
from .settings import AcceptanceRules, ExecutorSettings, Limits

__all__ = ["checked_part", "judged_part", "outside_complaint", "tracking_complaint"]

Array = npt.NDArray[np.float64]


def judged_part(
    chunk: Chunk,
    now_ns: int,
    measured: MeasuredPose,
    limits: Limits,
    rules: AcceptanceRules,
    settings: ExecutorSettings,
) -> Chunk:
    """The part of a chunk that the rules accept at ROS time now_ns; raises ChunkRejected."""
    try:
        good = accepted_part(chunk, now_ns, measured.at(chunk.stamp_ns), limits, rules)
    except ChunkRejected:
        raise
    except Exception as error:  # a chunk that cannot even be judged is none
        raise ChunkRejected(f"it cannot be judged: {error!r}") from error
    if settings.alignment == "stamp" and now_ns >= good.end_ns:
        late = (now_ns - good.end_ns) * 1e-9
        raise ChunkRejected(f"it is over: its last usable frame was meant for {late:.2f} s ago")
    return good


def checked_part(good: Chunk, check: ChunkCheck | None, joints: Array | None, pose: Array | None) -> Chunk:
    """A judged chunk after `check`, maybe slowed down (then another object); raises ChunkRejected."""
    if check is None:
        return good
    try:
        return check.checked(good, joints, pose)
    except ChunkRejected:
        raise
    except Exception as error:
        raise ChunkRejected(f"it cannot be checked: {error!r}") from error


def outside_complaint(pose: Array | None, limits: Limits) -> str:
    """What is said of an arm at `pose` `[7]` outside the workspace; empty: it is inside, or nowhere."""
    if pose is None or limits.contains(pose[:3]):
        return ""
    return (
        f"the arm is outside the workspace, at {np.round(pose[:3], 3).tolist()} m; move it inside by hand, or correct "
        "the workspace or current_pose, then enable"
    )


def tracking_complaint(commanded: Array, pose: Array, settings: ExecutorSettings, *, settling: bool) -> str:
    """What is wrong when the arm is measured at `pose` `[7]` and commanded to `commanded`; empty: nothing."""
    distance, angle = pose_distance(commanded, pose)
    most, most_angle, where = (
        (settings.max_enable_drift, settings.max_enable_turn, "where it is held after enabling")
        if settling
        else (settings.max_tracking_error, settings.max_tracking_angle, "its command")
    )
    if distance <= most and angle <= most_angle:
        return ""
    return (
        f"the arm is {distance * 1000:.0f} mm and {np.degrees(angle):.0f} deg from {where} (limits "
        f"{most * 1000:.0f} mm, {np.degrees(most_angle):.0f} deg); is current_pose the commanded frame "
        "in metres, and is the arm free?"
    )
