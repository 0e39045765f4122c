"""Pictures and intrinsics of the cameras as an observation needs them: decoded, judged, rectified."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..interfaces.camera_model import CameraModel, CameraModels
from .images import rgb_from_message

__all__ = ["CameraImages"]


class CameraImages:
    """Converts the messages of each camera; a camera keeps its image size until this is made anew.

    rectified: the cameras whose images are rectified already: those belong to P of camera_info, the others to K and D.
    """

    def __init__(self, rectified: frozenset[str] = frozenset()) -> None:
        self._rectified = rectified
        self._models = CameraModels()
        self._sizes: dict[str, tuple[int, int]] = {}

    def model(self, camera: str, info: Any) -> CameraModel:
        """Camera model of a CameraInfo; ValueError naming the topic where it is missing or wrong."""
        if info is None:
            raise ValueError(f"nothing came on {camera}/camera_info; calibrate the camera and publish it")
        try:
            return self._models.model(camera, info, camera in self._rectified)
        except ValueError as error:
            raise ValueError(f"{camera}/camera_info: {error}") from None

    def image(self, camera: str, message: Any, model: CameraModel) -> npt.NDArray[np.uint8]:
        """The rectified image, RGB `[H, W, 3]`; ValueError where its size changed or is not that of the model."""
        try:
            image = rgb_from_message(message)
        except ValueError as error:
            raise ValueError(f"{camera}/image_raw: {error}") from None
        size = image.shape[:2]
        before = self._sizes.setdefault(camera, size)
        if size != before:
            raise ValueError(
                f"{camera}/image_raw changed its size from {before[1]}x{before[0]} to {size[1]}x{size[0]}"
                "; set the driver back, or deactivate, clean up and configure this node again"
            )
        if model.size != size:
            raise ValueError(
                f"{camera}/camera_info is for {model.size[1]}x{model.size[0]}, the image is "
                f"{size[1]}x{size[0]}; publish the calibration of this resolution"
            )
        return model.rectify(image)
