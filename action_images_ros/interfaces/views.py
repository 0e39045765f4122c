"""Relations between the images of several cameras."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from .camera_model import CameraModel

__all__ = ["camera_offsets"]


def camera_offsets(models: Mapping[str, CameraModel], frames: Mapping[str, str]) -> dict[str, npt.NDArray[np.float64]]:
    """frame_from_camera `[4, 4]` by camera: where the camera is in the frame that its pictures carry.

    The identity, but for the second camera of a stereo pair whose pictures carry the frame of the first one (as
    stereo_image_proc wants it): P tells how far it is away. Where it has a frame of its own, TF tells that.
    """
    result = {}
    for name, model in models.items():
        result[name] = np.eye(4)
        shared = any(
            frames[other] == frames[name] and not np.any(models[other].offset_m) for other in models if other != name
        )
        if shared and np.any(model.offset_m):
            result[name][:3, 3] = model.offset_m
    return result
