"""Whether the three drawn points of every recorded pose lie inside every view, before anything is trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..codec.encode import action_points
from ..data.episode import Episode
from ..geometry.camera import project
from ..geometry.pose import matrix_from_pose7

__all__ = ["REQUIRED_SHARE", "ViewCheck", "check_views", "require_in_view"]

REQUIRED_SHARE = 0.99
"""Of the frames, whose three points must lie inside a view."""


@dataclass(frozen=True)
class ViewCheck:
    """Of one task and camera: frames, those with all three points inside, the vertical field of view and the one that
    would hold REQUIRED_SHARE of the frames (deg; NaN where points lie behind the camera)."""

    task: str
    camera: str
    frames: int
    inside: int
    fovy_deg: float
    sufficient_fovy_deg: float

    @property
    def share(self) -> float:
        """Share of the frames that are inside."""
        return self.inside / self.frames


def check_views(episodes: Sequence[Episode]) -> list[ViewCheck]:
    """One ViewCheck per task and camera of these episodes."""
    groups: dict[tuple[str, str], list[tuple[Episode, int]]] = {}
    for episode in episodes:
        for view, camera in enumerate(episode.camera_names):
            groups.setdefault((episode.task, camera), []).append((episode, view))
    return [_check(task, camera, members) for (task, camera), members in groups.items()]


def _check(task: str, camera: str, members: list[tuple[Episode, int]]) -> ViewCheck:
    frames = inside = 0
    extents: list[np.ndarray] = []
    for episode, view in members:
        height, width = episode.images.shape[2:4]
        K = episode.K[view]
        points = action_points(matrix_from_pose7(episode.poses))
        uv, depth = project(points, K, episode.world_from_camera[view])
        good = (depth > 0) & (uv >= 0).all(-1) & (uv <= [width - 1, height - 1]).all(-1)
        frames, inside = frames + len(points), inside + int(good.all(-1).sum())
        # Half the picture's height that the farthest point of a frame needs, as a tangent.
        half = np.abs(uv - K[:2, 2]) / K[[0, 1], [0, 1]] * [height / width, 1.0]
        extents.append(np.where((depth > 0)[..., None], half, np.inf).max(axis=(-1, -2)))
    needed = float(np.quantile(np.concatenate(extents), REQUIRED_SHARE, method="higher"))
    height, fy = members[0][0].images.shape[2], members[0][0].K[members[0][1], 1, 1]
    fovy = 2 * np.degrees(np.arctan(height / 2 / fy))
    sufficient = 2 * np.degrees(np.arctan(needed * height / (height - 1))) if np.isfinite(needed) else np.nan
    return ViewCheck(task, camera, frames, inside, float(fovy), float(sufficient))


def require_in_view(checks: Sequence[ViewCheck]) -> None:
    """Raise ValueError naming the worst view when a view holds less than REQUIRED_SHARE of a task's frames."""
    bad = [check for check in checks if check.share < REQUIRED_SHARE]
    if not bad:
        return
    worst = min(bad, key=lambda check: check.share)
    remedy = "place the camera elsewhere: points lie behind it"
    if np.isfinite(worst.sufficient_fovy_deg):
        needed = np.ceil(worst.sufficient_fovy_deg)
        remedy = f"a vertical field of view of {needed:.0f} deg would do (it is {worst.fovy_deg:.0f})"
    raise ValueError(
        f"camera {worst.camera} holds the three points of {100 * worst.share:.1f} % of the frames of "
        f"{worst.task}, required are {100 * REQUIRED_SHARE:.0f} %; {remedy}; {len(bad)} views of "
        f"{len(checks)} fall short"
    )
