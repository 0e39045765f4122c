"""What can be wrong with a set of calibrated cameras, told from geometry and from where the pictures change.

A pose that is inverted, or that of the camera's body instead of its optical frame, two cameras exchanged, one
calibration given to two: each is tried, and named where it explains the pictures better than what was given.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from ..geometry.camera import project
from ..geometry.pose import inverse, rotation_angle
from .calibration_check import SUSPICIOUS_MOTION, CalibrationCheck, check_calibration
from .episode import Episode

__all__ = ["camera_faults", "plain_camera_faults"]

Floats = npt.NDArray[np.float64]
_SEEN = 0.9  # share of frames with the tool in the picture that a right calibration has
_SAME_M, _SAME_RAD = 2e-3, 5e-3
_BETTER = 1.7  # times the product of both motions at the tool's point that an exchange must bring
_FAR_M = 5.0
_CENTRED = (0.7, 1.4)  # principal point as a share of half the picture
_ON_DIAGONAL = 0.12
_OPTICAL_FROM_BODY = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])


def camera_faults(episode: Episode, checks: list[CalibrationCheck]) -> list[str]:
    """Sentences naming cameras and the likely cause, with the remedy; empty where nothing stands out."""
    words = plain_camera_faults(episode)
    exchanged = _exchanged(episode, checks)
    words += exchanged
    for view, check in enumerate(checks):
        if exchanged and any(f" {check.camera} " in text for text in exchanged):
            continue
        words += _pose_fault(episode, view, check)
    return words


def _in_view(episode: Episode, view: int, E: Floats) -> float:
    """Share of frames whose tool position lies in that camera's picture."""
    height, width = episode.images.shape[2:4]
    uv, depth = project(episode.poses[:, :3], episode.K[view], E)
    inside = (depth > 0) & (uv >= 0).all(1) & (uv[:, 0] < width) & (uv[:, 1] < height)
    return float(inside.mean())


def _pose_fault(episode: Episode, view: int, check: CalibrationCheck) -> list[str]:
    E = np.asarray(episode.extrinsics[view], np.float64)
    distance = float(np.median(np.linalg.norm(E[:, :3, 3] - episode.poses[:, :3], axis=1)))
    if distance > _FAR_M:
        return [f"camera {check.camera} is {distance:.1f} m away from the tool; are its or the tool's units metres?"]
    if check.in_view >= 0.5:
        return []
    for other, cause in (
        (inverse(E), "its pose is inverted (camera_from_world instead of world_from_camera): invert it"),
        (
            E @ inverse(_OPTICAL_FROM_BODY),
            "its pose is that of the camera's body (x forward), not of its optical frame (x right, y down, z forward)",
        ),
        (E @ np.diag([1.0, -1.0, -1.0, 1.0]), "its pose is in the OpenGL convention (looking along -z): turn it"),
    ):
        if _in_view(episode, view, other) >= _SEEN:
            return [f"camera {check.camera}: the tool would be in its pictures if {cause}"]
    return []


def plain_camera_faults(episode: Episode) -> list[str]:
    """Those that cost nothing to find: doubled cameras, intrinsics of another resolution."""
    return [*_alike(episode), *_other_resolution(episode)]


def _other_resolution(episode: Episode) -> list[str]:
    """The principal point of a picture's double or half lies on its diagonal, far from the centre."""
    height, width = episode.images.shape[2:4]
    words = []
    for name, K in zip(episode.camera_names, episode.K, strict=True):
        x, y = 2 * (K[0, 2] + 0.5) / width, 2 * (K[1, 2] + 0.5) / height
        if abs(x - y) < _ON_DIAGONAL * max(x, y) and not _CENTRED[0] < x < _CENTRED[1]:
            words.append(
                f"camera {name}: the principal point ({K[0, 2]:.0f}, {K[1, 2]:.0f}) of {width}x{height} px lies "
                f"where that of pictures of {x * width:.0f}x{y * height:.0f} would; are the intrinsics of another "
                "resolution?"
            )
    return words


def _alike(episode: Episode) -> list[str]:
    words = []
    for a, b in combinations(range(len(episode.camera_names)), 2):
        first, second = episode.extrinsics[a, 0], episode.extrinsics[b, 0]
        near = np.linalg.norm(first[:3, 3] - second[:3, 3]) < _SAME_M
        turned = float(np.max(rotation_angle(first[:3, :3], second[:3, :3])))
        names = f"cameras {episode.camera_names[a]} and {episode.camera_names[b]}"
        if near and turned < _SAME_RAD:
            words.append(f"{names} have the same pose; is one calibration given to two cameras?")
        if np.array_equal(episode.images[a], episode.images[b]):
            words.append(f"{names} have the same pictures; is one topic given to two cameras (--cameras)?")
    return words


def _exchanged(episode: Episode, checks: list[CalibrationCheck]) -> list[str]:
    """Pairs whose pictures fit each other's calibration better than their own, the clearest first; a camera once."""
    gains: list[tuple[float, int, int]] = []
    for a, b in combinations(range(len(checks)), 2):
        own = checks[a], checks[b]
        other = _check(episode, b, a), _check(episode, a, b)  # in the order of the calibrations
        fits = all(
            there.frames_moving >= 5
            and there.in_view >= min(_SEEN, here.in_view)
            and _ratio(there) > max(_ratio(here), SUSPICIOUS_MOTION)
            for there, here in zip(other, own, strict=True)
        )
        gain = _ratio(other[0]) * _ratio(other[1]) / max(_ratio(own[0]) * _ratio(own[1]), 1e-3)
        if fits and gain > _BETTER:
            gains.append((gain, a, b))
    words: list[str] = []
    named: set[int] = set()
    for _, a, b in sorted(gains, reverse=True):
        if not named & {a, b}:
            named |= {a, b}
            words.append(
                f"cameras {checks[a].camera} and {checks[b].camera} are exchanged: the pictures of each fit the "
                "calibration of the other; exchange their poses or their topics (--cameras NAME=TOPIC)"
            )
    return words


def _ratio(check: CalibrationCheck) -> float:
    return check.motion_ratio if np.isfinite(check.motion_ratio) else 0.0


def _check(episode: Episode, pictures: int, camera: int) -> CalibrationCheck:
    return check_calibration(
        episode.camera_names[camera],
        episode.images[pictures],
        episode.K[camera],
        episode.extrinsics[camera],
        episode.poses,
    )
