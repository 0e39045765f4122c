"""Calibration files as people have them: camera poses and intrinsics, without ROS.

Read are the file of docs/data.md, easy_handeye's and easy_handeye2's (eye in hand too), camera_calibration's and
camera_info_manager's, OpenCV's, kalibr's camchain, and JSON (Foxglove's CameraCalibration, LeRobot- and DROID-like).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from ..geometry.pose import inverse, matrix_from_pose7
from ..safe_files import parse_yaml, read_bytes
from .fields import checked_pose7

__all__ = ["Calibration", "CameraInfoContent", "Mount", "Region", "pose_from_values", "read_calibration"]

_LIMIT = 8_000_000  # bytes of a calibration file


@dataclass(frozen=True, eq=False)
class Mount:
    """Where a camera is fixed. pose: `[4, 4]` of its optical frame in the robot's base, or with `on_tool` in the frame
    that `current_pose` gives (`frame` is its name in the file, if it has one)."""

    pose: npt.NDArray[np.float64]
    on_tool: bool = False
    frame: str = ""


@dataclass(frozen=True)
class Region:
    """sensor_msgs/RegionOfInterest."""

    x_offset: int = 0
    y_offset: int = 0
    height: int = 0
    width: int = 0


@dataclass(frozen=True, eq=False)
class CameraInfoContent:
    """The fields of sensor_msgs/CameraInfo that say something about pictures."""

    height: int
    width: int
    k: npt.NDArray[np.float64]
    d: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(5))
    distortion_model: str = "plumb_bob"
    r: npt.NDArray[np.float64] = field(default_factory=lambda: np.eye(3).reshape(-1))
    p: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(12))
    binning_x: int = 0
    binning_y: int = 0
    roi: Region = Region()


@dataclass
class Calibration:
    """mounts: where cameras are; infos: their intrinsics. By camera name; each may lack cameras that the other has."""

    mounts: dict[str, Mount] = field(default_factory=dict)
    infos: dict[str, CameraInfoContent] = field(default_factory=dict)

    def update(self, other: Calibration) -> None:
        """Take the other's cameras in."""
        self.mounts.update(other.mounts)
        self.infos.update(other.infos)

    @property
    def cameras(self) -> list[str]:
        """All names."""
        return sorted({*self.mounts, *self.infos})


def read_calibration(files: str | Path, base_frame: str) -> Calibration:
    """The calibration in a file, or in several: `FILE,NAME=FILE`. NAME is the camera of a file that names none.

    Raises ValueError naming the file, what is wrong with it and the remedy.
    """
    result = Calibration()
    for entry in str(files).split(","):
        entry = entry.strip()
        name, given, path = entry.partition("=")
        if not given or Path(entry).exists():
            name, path = "", entry
        if not path:
            continue
        try:
            content = _content(Path(path))
            read = _read(content, base_frame, name, Path(path).stem)
            for mount in read.mounts.values():
                _checked_mount(mount)
        except FileNotFoundError:
            raise ValueError(f"calibration_file is {path!r}, which does not exist; give a readable file") from None
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            text = str(error) if isinstance(error, ValueError) else f"{type(error).__name__} {error}"
            raise ValueError(f"calibration_file {path}: {text}; docs/data.md shows the formats that are read") from None
        result.update(read)
    return result


def _content(path: Path) -> Any:
    text = read_bytes(path, _LIMIT).decode(errors="replace")
    if path.suffix == ".json":
        return json.loads(text)
    return parse_yaml(text, str(path))


def _read(content: Any, base_frame: str, name: str, stem: str) -> Calibration:
    if not isinstance(content, Mapping):
        raise ValueError(f"it holds {type(content).__name__}, not names with values")
    for known, reader in _READERS:
        if known(content):
            return reader(content, base_frame, name or stem)
    raise ValueError(f"its names are {[str(key) for key in list(content)[:8]]}: no calibration that is known here")


def _same_frame(found: Any, base_frame: str) -> None:
    if found is not None and str(found).lstrip("/") != base_frame.lstrip("/"):
        raise ValueError(
            f"it is given in {str(found)!r}, base_frame is {base_frame!r}: calibrate in the base frame, "
            "or set base_frame"
        )


def _checked_mount(mount: Mount) -> None:
    checked_pose7([*mount.pose[:3, 3], 0.0, 0.0, 0.0, 1.0])


def pose_from_values(value: Any) -> npt.NDArray[np.float64]:
    """`[4, 4]` of 4x4 values, of 3x4 ones, of 7 (xyz, quaternion xyzw), of 6 (xyz, roll pitch yaw in rad, extrinsic
    "xyz", as DROID has them), or of a mapping with position and orientation under one of their usual names."""
    if isinstance(value, Mapping):
        place = _first(value, "position", "translation", "xyz")
        turn = _first(value, "orientation", "rotation", "quaternion", "quaternion_xyzw")
        place = [place[axis] for axis in "xyz"] if isinstance(place, Mapping) else place
        if isinstance(turn, Mapping):
            turn = [turn[axis] for axis in "xyzw"]
        if np.shape(turn) == (3, 3):
            return pose_from_values(np.column_stack([np.asarray(turn, np.float64), np.asarray(place, np.float64)]))
        return pose_from_values([*place, *turn])
    array = np.asarray(value, dtype=np.float64)
    if array.shape in ((16,), (12,)):
        array = array.reshape(-1, 4)
    if array.shape in ((4, 4), (3, 4)):
        rotation = array[:3, :3]
        if (
            not np.isfinite(array).all()
            or np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-2
            or np.linalg.det(rotation) < 0
        ):
            raise ValueError(f"a pose is {array.tolist()}, which is no rotation and translation")
        return np.vstack([array[:3], [0.0, 0.0, 0.0, 1.0]])
    if array.shape == (7,):
        return np.asarray(matrix_from_pose7(checked_pose7(array)), np.float64)
    if array.shape == (6,):
        if not np.isfinite(array).all() or np.abs(array[3:]).max() > 2 * np.pi + 1e-6:
            raise ValueError(
                f"a pose is {array.tolist()}; six values are x y z (m) and roll pitch yaw in radians: are "
                "these degrees?"
            )
        result = np.eye(4)
        result[:3, :3], result[:3, 3] = Rotation.from_euler("xyz", array[3:]).as_matrix(), array[:3]
        return result
    raise ValueError(
        f"a pose has the shape {list(array.shape)}; give 4x4, 7 values (xyz, quaternion xyzw) or 6 (xyz, "
        "roll pitch yaw in radians)"
    )


def _first(value: Mapping[Any, Any], *names: str) -> Any:
    for name in names:
        if name in value:
            return value[name]
    raise KeyError(f"one of {', '.join(names)} is needed, there are {[str(key) for key in value]}")


# The formats.


def _own(content: Mapping[str, Any], base_frame: str, name: str) -> Calibration:
    _same_frame(content.get("base_frame"), base_frame)
    result = Calibration()
    for camera, entry in content["cameras"].items():
        result.update(_camera(str(camera), entry))
    if not result.cameras:
        raise ValueError("it names no camera; it needs cameras: NAME: {position: [x, y, z], orientation: [x, y, z, w]}")
    return result


def _camera(name: str, entry: Any) -> Calibration:
    """One camera's entry: pose, intrinsics or both; a bare pose is one too."""
    result = Calibration()
    if not isinstance(entry, Mapping):
        result.mounts[name] = Mount(pose_from_values(entry))
        return result
    on = str(entry.get("mounted", "base"))
    if on not in ("base", "tool"):
        raise ValueError(f"camera {name} is mounted on {on!r}; give base or tool")
    pose = next(
        (
            entry[key]
            for key in ("extrinsics", "world_from_camera", "base_from_camera", "tool_from_camera", "pose", "T")
            if key in entry
        ),
        None,
    )
    if pose is None and {"position", "translation", "xyz"} & set(entry):
        pose = entry
    if pose is not None:
        result.mounts[name] = Mount(pose_from_values(pose), on == "tool" or "tool_from_camera" in entry)
    info = _info(entry)
    if info is not None:
        result.infos[name] = info
    if not result.cameras:
        raise ValueError(f"camera {name} has neither a pose nor intrinsics; its names are {[str(k) for k in entry]}")
    return result


def _info(entry: Mapping[str, Any]) -> CameraInfoContent | None:
    """Intrinsics under any of their usual names; None where there are none."""
    matrix = next(
        (entry[key] for key in ("camera_matrix", "K", "k", "intrinsics", "intrinsic_matrix") if key in entry), None
    )
    if matrix is None and {"fx", "fy", "cx", "cy"} <= set(entry):
        matrix = entry
    if matrix is None:
        return None
    resolution = entry.get("resolution", entry.get("size"))
    width = _first(entry, "image_width", "width") if resolution is None else resolution[0]
    height = _first(entry, "image_height", "height") if resolution is None else resolution[1]
    d = _data(
        next(
            (
                entry[key]
                for key in ("distortion_coefficients", "distortion_coeffs", "D", "d", "distortion")
                if key in entry
            ),
            [],
        )
    )
    model = str(entry.get("distortion_model", "plumb_bob" if len(d) in (0, 4, 5) else "rational_polynomial"))
    r = _data(next((entry[key] for key in ("rectification_matrix", "R", "r") if key in entry), np.eye(3)))
    p = _data(next((entry[key] for key in ("projection_matrix", "P", "p") if key in entry), np.zeros(12)))
    return CameraInfoContent(int(height), int(width), _matrix(matrix), d, model, r, p)


def _matrix(value: Any) -> npt.NDArray[np.float64]:
    if isinstance(value, Mapping) and "fx" in value:
        return np.array([value["fx"], 0.0, value["cx"], 0.0, value["fy"], value["cy"], 0.0, 0.0, 1.0], np.float64)
    data = _data(value)
    if data.size == 4:
        fx, fy, cx, cy = data
        return np.array([fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0])
    if data.size != 9:
        raise ValueError(f"a camera matrix has {data.size} values; give 9, or fx fy cx cy")
    return data


def _data(value: Any) -> npt.NDArray[np.float64]:
    if isinstance(value, Mapping):
        value = value["data"]
    return np.asarray(value, dtype=np.float64).reshape(-1)


def _camera_info(content: Mapping[str, Any], base_frame: str, name: str) -> Calibration:
    info = _info(content)
    if info is None:
        raise ValueError("its camera_matrix is missing")
    result = Calibration(infos={name: info})
    given = str(content.get("camera_name") or "")
    if given and given != name:
        result.infos[given] = info
    return result


def _handeye(content: Mapping[str, Any], base_frame: str, name: str) -> Calibration:
    facts = content.get("parameters") or {}
    value = _first(content, "transformation", "transform")
    pose = [value[axis] for axis in ("x", "y", "z", "qx", "qy", "qz", "qw")] if "qx" in value else value
    kind = str(facts.get("calibration_type", ""))
    on_tool = bool(facts.get("eye_on_hand", "eye_in_hand" in kind or "eye_on_hand" in kind))
    if not on_tool:
        _same_frame(facts.get("robot_base_frame"), base_frame)
    frame = str(facts.get("tracking_base_frame", ""))
    if frame.endswith(("_link", "_base", "/base")):
        raise ValueError(
            f"tracking_base_frame is {frame!r}, which is no optical frame (x right, y down, z forward); "
            "calibrate with the camera's optical frame"
        )
    mount = Mount(pose_from_values(pose), on_tool, str(facts.get("robot_effector_frame", "")) if on_tool else "")
    return Calibration(mounts={name: mount})


def _kalibr(content: Mapping[str, Any], base_frame: str, name: str) -> Calibration:
    """Intrinsics of every camera; poses relative to cam0 where the file says where that is (`T_base_cam`)."""
    result, known = Calibration(), None
    for key in sorted(content):
        entry = content[key]
        topic = str(entry.get("rostopic", "")).removesuffix("/compressed").strip("/")
        camera = topic.rpartition("/")[0].rpartition("/")[2] or key
        if str(entry.get("camera_model", "pinhole")) != "pinhole":
            raise ValueError(f"{key} has the camera_model {entry['camera_model']!r}; pinhole is read")
        info = _info(
            {
                **entry,
                "distortion_model": {"none": ""}.get(
                    str(entry.get("distortion_model", "")), entry.get("distortion_model", "")
                ),
            }
        )
        if info is not None:
            result.infos[camera] = result.infos[key] = info
        if "T_base_cam" in entry:
            known = pose_from_values(entry["T_base_cam"])
        elif known is not None and "T_cn_cnm1" in entry:
            known = known @ inverse(pose_from_values(entry["T_cn_cnm1"]))
        if known is not None:
            result.mounts[camera] = result.mounts[key] = Mount(known)
    return result


def _by_name(content: Mapping[str, Any], base_frame: str, name: str) -> Calibration:
    _same_frame(content.get("base_frame"), base_frame)
    result = Calibration()
    for camera, entry in content.items():
        if camera != "base_frame":
            result.update(_camera(str(camera), entry))
    return result


def _is_camera(entry: Any) -> bool:
    if isinstance(entry, Mapping):
        return bool(
            {
                "extrinsics",
                "world_from_camera",
                "base_from_camera",
                "tool_from_camera",
                "pose",
                "position",
                "translation",
                "K",
                "camera_matrix",
                "intrinsics",
                "fx",
            }
            & set(entry)
        )
    try:
        return np.asarray(entry, dtype=np.float64).size in (6, 7, 12, 16)
    except (TypeError, ValueError):
        return False


_READERS: tuple[
    tuple[Callable[[Mapping[str, Any]], bool], Callable[[Mapping[str, Any], str, str], Calibration]], ...
] = (
    (lambda c: isinstance(c.get("cameras"), Mapping), _own),
    (lambda c: isinstance(c.get("transformation", c.get("transform")), Mapping), _handeye),
    (lambda c: "camera_matrix" in c or ("K" in c and "P" in c), _camera_info),
    (
        lambda c: (
            all(
                str(key).startswith("cam")
                and isinstance(entry, Mapping)
                and "intrinsics" in entry
                and "camera_model" in entry
                for key, entry in c.items()
            )
            and bool(c)
        ),
        _kalibr,
    ),
    (lambda c: bool(c) and all(_is_camera(entry) for key, entry in c.items() if key != "base_frame"), _by_name),
)
