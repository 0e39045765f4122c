"""The cameras of a LeRobot dataset: which features are colour pictures, and where their calibration is.

This project's features, else features named `..intrinsics.<cam>` and `..extrinsics.<cam>` (16, 12 or 9 values, a pose
of 7, or DROID's 6: xyz and roll pitch yaw), else the calibration file (--calibration).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...geometry.camera import normalise_signs
from ...geometry.pose import matrix_from_pose7
from ...interfaces.calibration import Calibration, Mount, read_calibration
from ...interfaces.calibration_values import pose_from_values
from ...interfaces.camera_model import CameraModel, camera_model
from ..format import Options
from ..rosbag2.topics import robot_setup
from .features import Columns, tool_positions
from .layout import Dataset, Place
from .names import IMAGE, E, K

__all__ = ["Camera", "find_cameras"]

Floats = npt.NDArray[np.float64]
_ON_HAND = ("wrist", "hand", "gripper", "eye_in_hand")
_MOVES_M = 0.05  # a tool that moved further carries a camera that cannot have stood still


@dataclass(frozen=True, eq=False)
class Camera:
    """name; key: of its feature. video: whether its pictures are in a video (else in the table). K `[3, 3]` or model:
    what its pictures are of. E: world_from_camera `[T, 4, 4]`, or mount: where it is fixed."""

    name: str
    key: str
    video: bool
    K: Floats | None = None
    model: CameraModel | None = None
    E: Floats | None = None
    mount: Mount | None = None

    def extrinsics(self, robot: Floats | None, frames: int) -> Floats:
        """`[T, 4, 4]`; robot: `[T, 7]` of the robot's tool, needed by a camera that it carries."""
        if self.E is not None:
            return self.E
        assert self.mount is not None
        if not self.mount.on_tool:
            return np.broadcast_to(self.mount.pose, (frames, 4, 4))
        if robot is None:
            raise ValueError(
                f"camera {self.name} is mounted on the robot's tool, whose poses the dataset does not have; give its "
                "pose in the base frame"
            )
        return np.asarray(matrix_from_pose7(robot) @ self.mount.pose, np.float64)

    def undistorted(self, image: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], Floats]:
        """The picture of a pinhole camera and its K."""
        if self.model is None:
            assert self.K is not None
            return image, self.K
        if image.shape[:2] != self.model.size:
            raise ValueError(
                f"the calibration of camera {self.name} is for {self.model.size[1]}x{self.model.size[0]}, its pictures "
                f"are {image.shape[1]}x{image.shape[0]}; calibrate at this resolution"
            )
        return self.model.rectify(image), self.model.K


def find_cameras(dataset: Dataset, place: Place, columns: Columns, options: Options) -> list[Camera]:
    """The cameras in the order of --cameras, of this project's file, or of info.json; ValueError naming what lacks."""
    keys = _picture_keys(dataset)
    if not keys:
        raise ValueError(f"{dataset.path} has no colour pictures; its features are {sorted(dataset.features)}")
    wanted = options.setup.get("cameras") or place.own.get("camera_names") or list(keys)
    missing = [name for name in wanted if name not in keys]
    if missing:
        raise ValueError(f"cameras is {', '.join(wanted)}; {missing} are not there: {list(keys)}")
    calibration = _calibration(options)
    return [_camera(name, keys[name], dataset, columns, calibration) for name in wanted]


def _picture_keys(dataset: Dataset) -> dict[str, str]:
    """Feature by camera name, without depth."""
    found = {}
    for key, feature in dataset.features.items():
        facts = {**_mapping(feature.get("info")), **_mapping(feature.get("video_info"))}
        depth = bool(facts.get("video.is_depth_map") or facts.get("is_depth_map")) or "depth" in key.lower()
        if feature.get("dtype") in ("video", "image") and not depth:
            found[key[len(IMAGE) :] if key.startswith(IMAGE) else key.rpartition(".")[2]] = key
    return found


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _calibration(options: Options) -> Calibration:
    file = options.setup.get("calibration_file")
    if not file:
        return Calibration()
    if not options.robot:
        raise ValueError(f"--calibration is {file}, and robot is not given; name the robot, whose base frame it is in")
    return read_calibration(file, robot_setup(options.robot).base_frame)


def _camera(name: str, key: str, dataset: Dataset, columns: Columns, calibration: Calibration) -> Camera:
    video = dataset.features[key].get("dtype") == "video"
    intrinsics, extrinsics = _own(columns, K, name, "intrinsics"), _own(columns, E, name, "extrinsics")
    lacking = []
    model = matrix = None
    if name in calibration.infos:
        model = camera_model(calibration.infos[name], False)
    elif intrinsics is not None:
        matrix = _matrix(intrinsics, columns.numbers(intrinsics), columns.where)
    else:
        lacking.append(f"{K}{name}")
    poses = mount = None
    if name in calibration.mounts:
        mount = calibration.mounts[name]
    elif extrinsics is not None:
        poses = _poses(extrinsics, columns.numbers(extrinsics), columns.where)
        _moves_with_arm(name, poses, columns)
    else:
        lacking.append(f"{E}{name}")
    if lacking:
        raise ValueError(
            f"{dataset.path} lacks {', '.join(lacking)}: without calibration there are no action images; record it "
            f"(docs/data.md names the features), give a file with camera {name} (--calibration), or leave the camera "
            "out (--cameras)"
        )
    if matrix is not None and poses is not None:
        Ks, every = normalise_signs(np.broadcast_to(matrix, (len(poses), 3, 3)), poses)
        poses = np.asarray(every, np.float64)
        matrix = np.asarray(Ks[0], np.float64)
    return Camera(name, key, video, matrix, model, poses, mount)


def _own(columns: Columns, prefix: str, name: str, word: str) -> str | None:
    if prefix + name in columns:
        return prefix + name
    return next((key for key in columns.rows[0] if word in key.lower() and key.rpartition(".")[2] == name), None)


def _matrix(key: str, values: Floats, where: str) -> Floats:
    """K `[3, 3]` of 9 values or of fx fy cx cy, the same in every frame."""
    if values.shape[1] not in (4, 9):
        raise ValueError(f"{where}: {key} has {values.shape[1]} values; give 9 (K, row by row) or fx fy cx cy")
    if not np.isfinite(values).all():
        raise ValueError(f"{where}: {key} is not finite in every frame; calibrate the camera")
    if np.ptp(values, axis=0).max() > 1e-6 * np.abs(values).max():
        raise ValueError(f"{where}: {key} changes: the camera zooms; an episode's intrinsics stay the same")
    if values.shape[1] == 9:
        return np.asarray(values[0].reshape(3, 3), np.float64)
    fx, fy, cx, cy = values[0]
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def _poses(key: str, values: Floats, where: str) -> Floats:
    """world_from_camera `[T, 4, 4]` of matrices, poses of 7 or 6 values."""
    if values.shape[1] in (6, 7) and not np.any(values):
        raise ValueError(f"{where}: {key} is all zero: the camera is not calibrated; give its pose (--calibration)")
    try:
        if len(values) and not np.ptp(values, axis=0).any():
            return np.broadcast_to(pose_from_values(values[0]), (len(values), 4, 4))
        return np.stack([pose_from_values(row) for row in values])
    except ValueError as error:
        raise ValueError(f"{where}: {key}: {error}") from None


def _moves_with_arm(name: str, poses: Floats, columns: Columns) -> None:
    """ValueError where a camera called after the hand stands still while the arm moves: its pose is the tool's."""
    if not any(word in name.lower() for word in _ON_HAND) or np.ptp(poses[:, :3, 3], axis=0).max() > 1e-3:
        return
    moved = tool_positions(columns)
    if moved is not None and float(np.ptp(moved, axis=0).max()) > _MOVES_M:
        raise ValueError(
            f"{columns.where}: camera {name} stands still while the arm moves {np.ptp(moved, axis=0).max():.2f} m: is "
            "its pose relative to the tool? Give it in a file as mounted: tool (--calibration), or leave the camera out"
        )
