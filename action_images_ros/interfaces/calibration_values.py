"""Poses and intrinsics under the names and shapes that calibration tools write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from ..geometry.pose import matrix_from_pose7
from .calibration_types import CameraInfoContent
from .fields import checked_pose7

__all__ = ["first_of", "info_from_values", "pose_from_values"]


def pose_from_values(value: Any) -> npt.NDArray[np.float64]:
    """`[4, 4]` of 4x4 values, of 3x4 ones, of 7 (xyz, quaternion xyzw), of 6 (xyz, roll pitch yaw in rad, extrinsic
    "xyz", as DROID has them), or of a mapping with position and orientation under one of their usual names."""
    if isinstance(value, Mapping):
        place = first_of(value, "position", "translation", "xyz")
        turn = first_of(value, "orientation", "rotation", "quaternion", "quaternion_xyzw")
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


def first_of(value: Mapping[Any, Any], *names: str) -> Any:
    """The value under the first of the names that is there; KeyError with all of them otherwise."""
    for name in names:
        if name in value:
            return value[name]
    raise KeyError(f"one of {', '.join(names)} is needed, there are {[str(key) for key in value]}")


def info_from_values(entry: Mapping[str, Any]) -> CameraInfoContent | None:
    """Intrinsics under any of their usual names; None where there are none."""
    matrix = next(
        (entry[key] for key in ("camera_matrix", "K", "k", "intrinsics", "intrinsic_matrix") if key in entry), None
    )
    if matrix is None and {"fx", "fy", "cx", "cy"} <= set(entry):
        matrix = entry
    if matrix is None:
        return None
    resolution = entry.get("resolution", entry.get("size"))
    width = first_of(entry, "image_width", "width") if resolution is None else resolution[0]
    height = first_of(entry, "image_height", "height") if resolution is None else resolution[1]
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
