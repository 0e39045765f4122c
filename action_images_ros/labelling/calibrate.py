"""Calibrates the cameras of a recording: what `action-images calibrate` does, without the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from ..calibration.readings import Readings
from ..calibration.results import CORRECTED, REFUSED, CameraResult, RigResult, Settings
from ..data.calibration_check import draw_points
from ..data.episode import Episode
from ..geometry.pose import pose7_from_matrix
from ..policy.observation import prepare_image
from ..safe_files import write_text
from .camera_reader import CameraReader, ToolFrames, calibrate_frames

__all__ = [
    "calibrate_episode",
    "camera_judge",
    "calibration_report",
    "overlay_page",
    "tool_frames",
    "write_calibration",
]

FRAMES = 45
"""Most frames of a recording that are read."""
SHOWN = 4


def tool_frames(episode: Episode, size: tuple[int, int], count: int = FRAMES) -> ToolFrames:
    """At most `count` frames of an episode, evenly over time, as pictures of the model's size (H, W)."""
    chosen = np.unique(np.linspace(0, episode.frames - 1, count).round().astype(int))
    images, intrinsics = [], []
    for view in range(len(episode.camera_names)):
        prepared = [prepare_image(episode.images[view, t], episode.K[view], size) for t in chosen]
        images.append(np.stack([image for image, _ in prepared]))
        intrinsics.append(prepared[0][1])
    return ToolFrames(
        episode.camera_names,
        np.stack(images),
        np.stack(intrinsics),
        episode.poses[chosen],
        np.round(chosen * episode.dt * 1e9).astype(np.int64),
        episode.instruction,
    )


def calibrate_episode(
    model,
    episode: Episode,
    *,
    guess: bool = True,
    settings: Settings = Settings(),  # noqa: B008
) -> tuple[RigResult, Readings, ToolFrames]:
    """Cameras of one recording. guess: use the recorded calibration as prior; else the cameras may be anywhere.

    Raises ValueError with fewer than two cameras.
    """
    if len(episode.camera_names) < 2:
        raise ValueError(f"cameras is {list(episode.camera_names)}; give a recording with 2 cameras or more")
    if np.ndim(episode.world_from_camera) == 4:
        raise ValueError("cameras move in this recording; calibrate those that stand still, choose them with --cameras")
    frames = tool_frames(episode, model.card.image_size)
    told = episode.world_from_camera if guess else None
    result, readings = calibrate_frames(CameraReader(model), frames, told, settings)
    return result, readings, frames


def camera_judge(model: Any, settings: Settings = Settings()) -> Callable[[Episode], list[str]]:  # noqa: B008
    """The camera check of `inspect`: one sentence per camera whose pose disagrees with the readings.

    That includes cameras whose readings no pose explains. Not judged: moving cameras, a single camera, too little
    motion or too few readings.
    """

    def judge(episode: Episode) -> list[str]:
        if len(episode.camera_names) < 2 or np.ndim(episode.world_from_camera) == 4:
            return []
        result, readings, _ = calibrate_episode(model, episode, settings=settings)
        said = list(result.problems)
        for camera in result.cameras:
            if camera.verdict == CORRECTED:
                said.append(
                    f"camera {camera.name}: the gripper is seen {1000 * camera.workspace_m:.0f} mm from where the "
                    "camera's pose puts it; run action-images calibrate"
                )
            elif camera.verdict == REFUSED and camera.shift_px > settings.shift_px * readings.unit:
                said.append(f"camera {camera.name}: its pose does not fit its pictures ({'; '.join(camera.reasons)})")
        return said

    return judge


def calibration_report(result: RigResult) -> dict:
    """The result as plain values for JSON: lengths in mm, angles in deg, residuals in px."""

    def number(value: float, scale: float = 1.0) -> float | None:
        return round(scale * value, 3) if np.isfinite(value) else None

    def camera(one: CameraResult) -> dict:
        return {
            "camera": one.name,
            "verdict": one.verdict,
            "reasons": list(one.reasons),
            "frames": one.frames,
            "moved_mm": number(one.moved_m, 1e3),
            "moved_deg": number(one.moved_rad, 180 / np.pi),
            "at_workspace_mm": number(one.workspace_m, 1e3),
            "residual_before_px": number(one.before_px),
            "residual_after_px": number(one.after_px),
            "uncertainty_mm": number(one.sd_m, 1e3),
        }

    return {
        "verdict": result.verdict,
        "problems": list(result.problems),
        "cameras": [camera(c) for c in result.cameras],
    }


def write_calibration(path: str | Path, result: RigResult, base_frame: str) -> Path:
    """The YAML file that `calibration_file` reads, with covariances (m, rad; translation first) beside the poses.

    Raises ValueError where the file exists, or a camera or the rig was refused: nothing is written then.
    """
    path = Path(path)
    if path.exists():
        raise ValueError(f"output is {path}, which exists; give a new name, calibrations are never overwritten")
    refused = [f"{c.name}: {'; '.join(c.reasons)}" for c in result.cameras if c.verdict == "refused"]
    if result.problems or refused:
        raise ValueError(f"calibration is refused ({'; '.join([*result.problems, *refused])}); nothing was written")
    cameras = {}
    for camera in result.cameras:
        assert camera.world_from_camera is not None  # it is none where the camera is refused
        pose = pose7_from_matrix(camera.world_from_camera).tolist()
        cameras[camera.name] = {"position": pose[:3], "orientation": pose[3:]}
        if camera.fit is not None and camera.verdict == "corrected":
            cameras[camera.name]["covariance"] = camera.fit.covariance.ravel().tolist()
    write_text(path, yaml.safe_dump({"base_frame": base_frame, "cameras": cameras}, sort_keys=False))
    return path


def overlay_page(path: str | Path, result: RigResult, frames: ToolFrames) -> Path:
    """A PNG page: for each camera the tool's points drawn with the given calibration (if any) and with the result."""
    path = Path(path)
    shown = np.unique(np.linspace(0, len(frames) - 1, SHOWN).round().astype(int))
    rows: list[npt.NDArray[np.uint8]] = []
    for view, camera in enumerate(result.cameras):
        for title, pose in (("given", camera.told), ("result", camera.world_from_camera)):
            if pose is None:
                continue
            strip = draw_points(frames.images[view, shown], frames.K[view], pose, frames.tool_poses[shown])
            text = f"{camera.name}: {title}"
            cv2.putText(strip, text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 3, cv2.LINE_AA)
            cv2.putText(strip, text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
            rows.append(strip)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not rows or not cv2.imwrite(str(path), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)):
        raise OSError(f"{path} could not be written; give a writable file")
    return path
