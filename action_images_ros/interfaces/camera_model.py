"""The camera that a CameraInfo describes: which pinhole its pictures are of, and how they become so.

Rectified pictures belong to P, raw ones to K and D; `CameraModel.rectify` undoes D with OpenCV. Live graph and
recordings use the same objects, so both see the same picture with the same K.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ..geometry.camera import crop_intrinsics, resize_intrinsics, validate_intrinsics

__all__ = ["CameraModel", "CameraModels", "camera_model", "is_rectified"]

_MODELS = {"plumb_bob": (4, 5), "rational_polynomial": (4, 5, 8, 12, 14), "equidistant": (4,)}
_ALIASES = {
    "radtan": "plumb_bob",
    "brown_conrady": "plumb_bob",
    "pinhole": "plumb_bob",
    "fisheye": "equidistant",
    "kannala_brandt": "equidistant",
    "kannala_brandt4": "equidistant",
    "equi": "equidistant",
    "thin_prism": "rational_polynomial",
    "none": "",
    "": "",
}
_RECTIFIED = re.compile(r"(?<![a-z])(?<!not_)(?<!non_)(rect|rectified|undist|undistorted)(?![a-z])")
_SHORTEST = 0.05  # focal length as a share of the picture's larger side: a field of view of 169 degrees


def is_rectified(topic: str) -> bool:
    """Whether the name of a topic marks rectified images (image_rect, image_rect_color, image_undistorted)."""
    parts = topic.removesuffix("/compressed").strip("/").split("/")
    return any(_RECTIFIED.search(part.lower()) for part in parts[-2:])


@dataclass(frozen=True, eq=False)
class CameraModel:
    """K: `[3, 3]` px of the pictures after `rectify`. size: (H, W) of the pictures, before and after.

    offset_m: `[3]`, centre of the camera in the frame of its pictures, not zero for the second camera of a stereo pair
    whose pictures carry the first one's frame. distorted: whether `rectify` changes anything.
    """

    K: npt.NDArray[np.float64]
    size: tuple[int, int]
    offset_m: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    maps: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def distorted(self) -> bool:
        """Whether the pictures have a distortion to undo."""
        return self.maps is not None

    def rectify(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The picture `[H, W, 3]` of the pinhole K; the picture itself where nothing is to be undone."""
        if self.maps is None:
            return image
        return np.asarray(cv2.remap(image, self.maps[0], self.maps[1], cv2.INTER_LINEAR), np.uint8)


class CameraModels:
    """`camera_model` with a memory: the maps of an unchanged CameraInfo are made once per camera."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[Any, ...], CameraModel]] = {}

    def model(self, camera: str, info: Any, rectified: bool) -> CameraModel:
        """The camera's model; ValueError as `camera_model`."""
        roi = info.roi
        key = (
            rectified,
            info.height,
            info.width,
            info.distortion_model,
            np.asarray(info.d).tobytes(),
            np.asarray(info.k).tobytes(),
            np.asarray(info.r).tobytes(),
            np.asarray(info.p).tobytes(),
            info.binning_x,
            info.binning_y,
            roi.x_offset,
            roi.y_offset,
            roi.height,
            roi.width,
        )
        known = self._known.get(camera)
        if known is None or known[0] != key:
            known = self._known[camera] = key, camera_model(info, rectified)
        return known[1]


def camera_model(info: Any, rectified: bool) -> CameraModel:
    """The model of a sensor_msgs/CameraInfo for its rectified or its raw pictures.

    Region of interest and binning are those of the pictures. Raises ValueError naming the field, its value and the
    remedy: no calibration, the driver's default (K = identity), an unknown distortion model, impossible numbers.
    """
    height, width = int(info.height), int(info.width)
    if height < 1 or width < 1 or height > 1 << 16 or width > 1 << 16:
        raise ValueError(f"width and height are {width}x{height}; calibrate the camera")
    coefficients = _distortion(info)
    K, offset = _projection(info, coefficients) if rectified else (_raw(info), np.zeros(3))
    _plausible(K, height, width)
    x0, y0, crop_h, crop_w = _region(info, height, width)
    bin_x, bin_y = max(int(info.binning_x), 1), max(int(info.binning_y), 1)
    seen = resize_intrinsics(crop_intrinsics(K, x0, y0), 1 / bin_x, 1 / bin_y)
    size = crop_h // bin_y, crop_w // bin_x
    if min(size) < 1:
        raise ValueError(f"binning is {bin_x}x{bin_y} of a picture of {crop_w}x{crop_h}; correct it in the driver")
    maps = None
    if not rectified and coefficients is not None:
        maps = _maps(info, seen, coefficients, size)
    elif not rectified and not np.allclose(_rotation(info), np.eye(3), atol=1e-9):
        maps = _maps(info, seen, np.zeros(5), size)
    return CameraModel(seen, size, offset, maps)


def _raw(info: Any) -> npt.NDArray[np.float64]:
    if not np.any(info.k):
        raise ValueError("k is all zero: the camera is not calibrated; calibrate it and publish its intrinsics")
    return validate_intrinsics(np.array(info.k, dtype=np.float64).reshape(3, 3))


def _projection(info: Any, coefficients: np.ndarray | None) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """K of rectified pictures and the camera's centre in the frame that P is given in."""
    P = np.array(info.p, dtype=np.float64).reshape(3, 4)
    if not np.any(P):
        if coefficients is None and np.any(info.k):
            return _raw(info), np.zeros(3)
        raise ValueError(
            "p is all zero, and rectified pictures belong to P; calibrate the camera, or use the raw "
            "pictures (image_raw)"
        )
    K = validate_intrinsics(P[:, :3])
    if not np.isfinite(P).all() or abs(P[2, 3]) > 1e-6:
        raise ValueError(f"p has the last column {P[:, 3].tolist()}; calibrate the camera anew")
    return K, -np.asarray(np.linalg.solve(K, P[:, 3]), dtype=np.float64)


def _rotation(info: Any) -> npt.NDArray[np.float64]:
    R = np.array(info.r, dtype=np.float64).reshape(3, 3)
    if not np.any(R):
        return np.eye(3)
    if not np.isfinite(R).all() or np.abs(R @ R.T - np.eye(3)).max() > 1e-2 or np.linalg.det(R) < 0:
        raise ValueError(f"r is {R.tolist()}, which is no rotation; calibrate the camera anew")
    return R


def _distortion(info: Any) -> npt.NDArray[np.float64] | None:
    """Coefficients in OpenCV's order; None where there are none."""
    D = np.array(info.d, dtype=np.float64).reshape(-1)
    given = str(info.distortion_model).strip().lower()
    model = _ALIASES.get(given, given)
    if not np.isfinite(D).all():
        raise ValueError(f"d is {D.tolist()}; calibrate the camera, every coefficient must be finite")
    if not np.any(D) and model != "equidistant":
        return None
    if model not in _MODELS:
        raise ValueError(
            f"distortion_model is {info.distortion_model!r} with d {D.tolist()}; understood are "
            f"{', '.join(_MODELS)}: rectify the pictures (image_proc) and give image_rect"
        )
    if len(D) not in _MODELS[model]:
        raise ValueError(
            f"d has {len(D)} coefficients, {model} has {' or '.join(map(str, _MODELS[model]))}; calibrate "
            "the camera anew"
        )
    return D


def _maps(info: Any, K: np.ndarray, D: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Where in the raw picture every pixel of the undistorted one lies; fixed point, which remap takes fastest."""
    given = str(info.distortion_model).strip().lower()
    make = (
        cv2.fisheye.initUndistortRectifyMap
        if _ALIASES.get(given, given) == "equidistant"
        else cv2.initUndistortRectifyMap
    )
    # Normalised coordinates do not know of regions and binning: the raw picture has the same K as the undistorted one.
    first, second = make(K, D, _rotation(info), K, (size[1], size[0]), cv2.CV_16SC2)
    return first, second


def _plausible(K: np.ndarray, height: int, width: int) -> None:
    focal = np.abs(K[[0, 1], [0, 1]])
    if np.allclose(K, np.eye(3)):
        raise ValueError("k is the identity: the driver's default, the camera is not calibrated; calibrate it")
    if focal.min() < _SHORTEST * max(height, width) or focal.max() > 100 * max(height, width):
        raise ValueError(
            f"k has focal lengths {focal[0]:g} and {focal[1]:g} px for a picture of {width}x{height}; "
            "they are in px: is it a normalised matrix, or that of another resolution?"
        )
    if focal.max() > 2 * focal.min():
        raise ValueError(
            f"k has focal lengths {focal[0]:g} and {focal[1]:g} px; pixels are nearly square: calibrate the camera anew"
        )
    for name, centre, side in (("cx", K[0, 2], width), ("cy", K[1, 2], height)):
        if not -side <= centre <= 2 * side:
            raise ValueError(
                f"{name} is {centre:g} px for a picture of {width}x{height}; is k that of another "
                "resolution, or transposed?"
            )


def _region(info: Any, height: int, width: int) -> tuple[int, int, int, int]:
    """x and y of the first pixel, height and width of the region that the pictures show, before binning."""
    roi = info.roi
    if not roi.width and not roi.height:
        return 0, 0, height, width
    x0, y0 = int(roi.x_offset), int(roi.y_offset)
    crop_h, crop_w = int(roi.height) or height - y0, int(roi.width) or width - x0
    if crop_h < 1 or crop_w < 1 or x0 + crop_w > width or y0 + crop_h > height:
        raise ValueError(
            f"roi is {crop_w}x{crop_h} at {x0}, {y0} of a picture of {width}x{height}; correct it in the driver"
        )
    return x0, y0, crop_h, crop_w
