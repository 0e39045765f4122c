"""Messages of a camera to pictures of its pinhole; what cannot be is named by topic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...interfaces.camera_model import CameraModel
from ...interfaces.images import TornPicture, rgb_from_file, rgb_from_pixels
from .bag import Bag, BagError, BagMessage
from .topics import CameraTopics

__all__ = ["decoded", "rectified"]

Image = npt.NDArray[np.uint8]


def decoded(bag: Bag, camera: CameraTopics, message: BagMessage) -> Image:
    """uint8 RGB `[h, w, 3]`; TornPicture where it is cut off, BagError where it can never be read."""
    content = bag.read(message)
    try:
        return (
            rgb_from_file(content.data, content.format)
            if camera.compressed
            else rgb_from_pixels(content.encoding, content.height, content.width, content.step, content.data)
        )
    except TornPicture:
        raise
    except ValueError as error:
        raise BagError(f"{bag.path}: {camera.image}: {error}") from None


def rectified(
    bag: Bag, camera: CameraTopics, model: CameraModel, image: Image, sizes: dict[str, tuple[int, int]], stamp: int
) -> Image:
    """The picture of the pinhole; BagError where its size is not the calibration's, or not that of those before (kept
    in sizes by camera)."""
    if image.shape[:2] != model.size:
        raise BagError(
            f"{bag.path}: {camera.info} is for {model.size[1]}x{model.size[0]}, the picture of "
            f"{camera.image} is {image.shape[1]}x{image.shape[0]}; record the calibration of this "
            "resolution"
        )
    before = sizes.setdefault(camera.name, model.size)
    if model.size != before:
        raise BagError(
            f"{bag.path}: {camera.image} changes from {before[1]}x{before[0]} to "
            f"{model.size[1]}x{model.size[0]} at {stamp} ns; cut it there"
        )
    return model.rectify(image)
