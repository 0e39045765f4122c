"""Camera images between ROS messages and numpy: 8-bit RGB inside, checked at the boundary.

cv_bridge is used where it can be imported (a ROS host); otherwise the same conversions are done by `pixels`. Here, and
only here, that is decided.
"""

from __future__ import annotations

import array

import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from ..interfaces.images import ENCODINGS, checked_encoding, checked_rgb, encode_picture, rgb_from_file, rgb_from_pixels

__all__ = [
    "ENCODINGS",
    "HAS_CV_BRIDGE",
    "compressed_from_rgb",
    "image_from_rgb",
    "rgb_from_compressed",
    "rgb_from_image",
    "rgb_from_message",
]


def _find_bridge():
    """cv_bridge where it is installed and works: one built for another numpy fails only when it is used."""
    try:
        from cv_bridge import CvBridge

        bridge = CvBridge()
        bridge.imgmsg_to_cv2(Image(height=1, width=1, encoding="bgr8", step=3, data=bytes(3)), "rgb8")
        return bridge
    except Exception:  # whatever is wrong with it, numpy does the same
        return None


_BRIDGE = _find_bridge()
HAS_CV_BRIDGE = _BRIDGE is not None


def rgb_from_message(message: Image | CompressedImage) -> np.ndarray:
    """uint8 RGB `[h, w, 3]` of either image message; ValueError as in the two functions below."""
    return rgb_from_compressed(message) if isinstance(message, CompressedImage) else rgb_from_image(message)


def rgb_from_image(message: Image) -> np.ndarray:
    """uint8 RGB `[h, w, 3]` of a raw image; row padding (`step`) is removed, the result is the caller's own.

    `is_bigendian` says nothing about 8-bit data and is ignored. Raises ValueError on other encodings (16 bit and depth
    among them), an empty image, or data that do not fill height and step.
    """
    if _BRIDGE is not None and not message.encoding.startswith("8U"):
        checked_encoding(message.encoding, message.height, message.width, message.step, len(message.data))
        return np.array(_BRIDGE.imgmsg_to_cv2(message, "rgb8"))
    return rgb_from_pixels(message.encoding, message.height, message.width, message.step, message.data)


def rgb_from_compressed(message: CompressedImage) -> np.ndarray:
    """uint8 RGB `[h, w, 3]` of a jpeg or png; raises ValueError when it cannot be decoded or is deeper than 8 bits."""
    return rgb_from_file(message.data, message.format)


def image_from_rgb(rgb: np.ndarray) -> Image:
    """A rgb8 message of uint8 RGB `[h, w, 3]`; the header is left to the caller."""
    rgb = checked_rgb(rgb)
    message = Image(height=rgb.shape[0], width=rgb.shape[1], encoding="rgb8", is_bigendian=0, step=3 * rgb.shape[1])
    data = array.array("B")  # a plain ndarray would be copied byte by byte: 54 ms instead of 0.1
    data.frombytes(rgb.tobytes())
    message.data = data
    return message


def compressed_from_rgb(rgb: np.ndarray, kind: str = "png") -> CompressedImage:
    """A png (lossless) or jpeg message of uint8 RGB `[h, w, 3]`."""
    data = encode_picture(rgb, kind)
    message = CompressedImage(format=f"rgb8; {kind} compressed bgr8")
    payload = array.array("B")
    payload.frombytes(data)
    message.data = payload
    return message
