"""Camera images between ROS messages and numpy: 8-bit RGB inside, checked at the boundary.

cv_bridge is used where it is installed (a ROS host) and proved to give the same pictures; otherwise the conversions are
done by `pixels`. Here, and only here, that is decided.
"""

from __future__ import annotations

import array
from typing import Any

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


class ProvedBridge:
    """cv_bridge for the encodings in which it was seen to give our pictures, and only for plain messages.

    Padded rows, cut data and big-endian flags are left to `pixels`: cv_bridge shears, fails or exchanges bytes there.
    """

    def __init__(self, bridge: Any) -> None:
        self._bridge = bridge
        self.encodings = {
            encoding
            for encoding, size in ENCODINGS.items()
            if size != 2 and not encoding.startswith("8U") and self._agrees(encoding)
        }

    def _agrees(self, encoding: str) -> bool:
        rng = np.random.default_rng(0)
        for height, width in ((1, 1), (5, 7)):
            step = width * ENCODINGS[encoding]
            data = rng.integers(0, 256, height * step).astype(np.uint8).tobytes()
            message = Image(height=height, width=width, encoding=encoding, step=step, data=data)
            try:
                theirs = np.asarray(self._bridge.imgmsg_to_cv2(message, "rgb8"))
            except Exception:  # whatever is wrong with it: one built for another numpy fails only when it is used
                return False
            if not np.array_equal(theirs, rgb_from_pixels(encoding, height, width, step, data)):
                return False
        return True

    def rgb(self, message: Image) -> np.ndarray | None:
        """The picture, or None where `pixels` has to convert it. The message has been checked."""
        row = message.width * ENCODINGS[message.encoding]
        if (
            message.encoding not in self.encodings
            or message.step != row
            or message.is_bigendian
            or len(message.data) != row * message.height
        ):
            return None
        try:
            return np.array(self._bridge.imgmsg_to_cv2(message, "rgb8"))
        except Exception:  # it was proved and fails now: it is not asked again
            self.encodings.discard(message.encoding)
            return None


def _find_bridge() -> ProvedBridge | None:
    """cv_bridge where it is installed and agrees with us in some encoding."""
    try:
        from cv_bridge import CvBridge

        bridge = ProvedBridge(CvBridge())
    except Exception:  # numpy does the same
        return None
    return bridge if bridge.encodings else None


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
    checked_encoding(message.encoding, message.height, message.width, message.step, len(message.data))
    picture = _BRIDGE.rgb(message) if _BRIDGE is not None else None
    if picture is not None:
        return picture
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
