"""Do the projected points of the tool fall on the gripper? Numbers that hint, pictures that show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..codec.encode import action_points
from ..geometry.camera import project
from ..geometry.pose import matrix_from_pose7

__all__ = ["SUSPICIOUS_MOTION", "CalibrationCheck", "check_calibration", "draw_points"]

SUSPICIOUS_MOTION = 1.5
"""Where pictures hardly change more near the point than elsewhere although the tool moves, something is wrong.

Over 30 views of 15 cell episodes the ratio was 2.2 or more; coarse errors alone bring it down (docs/data.md).
"""
_NEAR = 0.08  # radius around the tool's point, as a fraction of min(H, W)
_MOVED_PX = 1.0
_COLOURS = ((255, 60, 60), (60, 255, 60), (80, 120, 255))


@dataclass
class CalibrationCheck:
    """One camera. in_view: share of frames whose tool position lies in the picture, before the camera.

    motion_ratio: how much pictures change near the tool's point compared with the whole picture, over the frames in
    which the point moves (nan: it never does). Right calibrations give well above 1, since the gripper is what moves.
    """

    camera: str
    in_view: float
    motion_ratio: float
    frames_moving: int

    @property
    def suspicious(self) -> str:
        """What looks wrong, in words; empty when nothing does."""
        if self.in_view < 0.5:
            return f"the tool is in only {100 * self.in_view:.0f} % of the pictures; check the camera's pose"
        if self.frames_moving >= 5 and self.motion_ratio < SUSPICIOUS_MOTION:
            return (
                f"the picture changes only {self.motion_ratio:.2f} times as much near the tool's point as elsewhere"
                " while the tool moves; check pose and intrinsics of the camera, and look at the picture"
            )
        return ""


def check_calibration(
    camera: str, images: np.ndarray, K: np.ndarray, world_from_camera: np.ndarray, poses: np.ndarray
) -> CalibrationCheck:
    """images uint8 `[T, H, W, 3]` and poses `[T, 7]` of the model's tool frame at the same times."""
    height, width = images.shape[1:3]
    uv, depth = project(action_points(matrix_from_pose7(poses))[:, 0], K, world_from_camera)
    inside = (depth > 0) & (uv >= 0).all(1) & (uv[:, 0] < width) & (uv[:, 1] < height)
    near, far, moving = 0.0, 0.0, 0
    y, x = np.mgrid[:height, :width]
    for t in range(1, len(images)):
        if not (inside[t] and inside[t - 1]) or np.linalg.norm(uv[t] - uv[t - 1]) < _MOVED_PX:
            continue
        change = np.abs(images[t].astype(np.float32) - images[t - 1]).mean(-1)
        centre = (uv[t] + uv[t - 1]) / 2
        disc = np.hypot(x - centre[0], y - centre[1]) <= max(2.0, _NEAR * min(height, width))
        if disc.any():
            near, far, moving = near + float(change[disc].mean()), far + float(change.mean()), moving + 1
    return CalibrationCheck(camera, float(inside.mean()), near / far if far > 0 else float("nan"), moving)


def draw_points(
    images: Sequence[np.ndarray], K: np.ndarray, world_from_camera: np.ndarray, poses: np.ndarray, *, tile: int = 256
) -> np.ndarray:
    """A strip of pictures `[n][H, W, 3]`, enlarged to `tile` px of height, with the tool's three points drawn in.

    Red is the position, green the point along the fingers' opening, blue the one behind. Where the gripper is not
    under them, calibration, tool frame or clocks are wrong.
    """
    strip = []
    cameras = np.broadcast_to(world_from_camera, (len(poses), 4, 4))
    for image, pose, camera in zip(images, poses, cameras, strict=True):
        scale = tile / image.shape[0]
        picture = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        uv, depth = project(action_points(matrix_from_pose7(pose)), K, camera)
        places = [tuple(int(round(v)) for v in (point + 0.5) * scale - 0.5) for point in uv]
        if (depth > 0).all() and np.abs(places).max() < 1 << 14:
            for index in (1, 2):
                cv2.line(picture, places[0], places[index], _COLOURS[index], 1, cv2.LINE_AA)
            for place, colour in zip(places, _COLOURS, strict=True):
                cv2.circle(picture, place, 4, (0, 0, 0), -1, cv2.LINE_AA)
                cv2.circle(picture, place, 3, colour, -1, cv2.LINE_AA)
        strip.append(picture)
    return np.hstack(strip)
