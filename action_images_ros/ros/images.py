"""Camera images between ROS messages and numpy: 8-bit RGB inside, checked at the boundary.

cv_bridge is used where it can be imported (a ROS host); otherwise the same conversions are done in numpy. Here, and
only here, that is decided.
"""

from __future__ import annotations

import array

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

__all__ = ["ENCODINGS", "HAS_CV_BRIDGE", "compressed_from_rgb", "image_from_rgb", "rgb_from_compressed",
           "rgb_from_image", "rgb_from_message"]



def _find_bridge():
    """cv_bridge where it is installed and works: one built for another numpy fails only when it is used."""
    try:
        from cv_bridge import CvBridge
        bridge = CvBridge()
        bridge.imgmsg_to_cv2(Image(height=1, width=1, encoding="bgr8", step=3, data=bytes(3)), "rgb8")
        return bridge
    except Exception:   # whatever is wrong with it, numpy does the same
        return None


_BRIDGE = _find_bridge()
HAS_CV_BRIDGE = _BRIDGE is not None

ENCODINGS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1, "8UC1": 1, "8UC3": 3}
"""Understood encodings and their bytes per pixel. OpenCV's 8UC3 is taken as bgr8, its order."""

_TO_RGB = {"bgr8": cv2.COLOR_BGR2RGB, "8UC3": cv2.COLOR_BGR2RGB, "rgba8": cv2.COLOR_RGBA2RGB,
           "bgra8": cv2.COLOR_BGRA2RGB, "mono8": cv2.COLOR_GRAY2RGB, "8UC1": cv2.COLOR_GRAY2RGB}
_DEEP = ("16", "32", "64")


def rgb_from_message(message: Image | CompressedImage) -> np.ndarray:
    """uint8 RGB `[h, w, 3]` of either image message; ValueError as in the two functions below."""
    return rgb_from_compressed(message) if isinstance(message, CompressedImage) else rgb_from_image(message)


def rgb_from_image(message: Image) -> np.ndarray:
    """uint8 RGB `[h, w, 3]` of a raw image; row padding (`step`) is removed, the result is the caller's own.

    `is_bigendian` says nothing about 8-bit data and is ignored. Raises ValueError on other encodings (16 bit and depth
    among them), an empty image, or data that do not fill height and step.
    """
    encoding, height, width, step = message.encoding, message.height, message.width, message.step
    if encoding not in ENCODINGS:
        depth = "deeper than 8 bits; scale it to 8 bits in the driver" if any(d in encoding for d in _DEEP) else \
            "not understood; let the driver or image_proc convert it"
        raise ValueError(f"encoding is {encoding!r}: {depth}. Understood: {', '.join(ENCODINGS)}")
    if height < 1 or width < 1:
        raise ValueError(f"the image is {width}x{height}: it is empty; check the camera driver")
    row = width * ENCODINGS[encoding]
    if step < row:
        raise ValueError(f"step is {step}, a row of {width} {encoding} pixels takes {row} bytes; "
                         "the driver fills in the message wrongly")
    if len(message.data) < step * (height - 1) + row:
        raise ValueError(f"data holds {len(message.data)} bytes, {height} rows of step {step} take {step * height}; "
                         "the image is cut off")
    if _BRIDGE is not None and not encoding.startswith("8U"):
        return np.array(_BRIDGE.imgmsg_to_cv2(message, "rgb8"))
    flat = np.frombuffer(message.data, np.uint8)
    if flat.size < step * height:   # the last row may come without its padding
        flat = np.concatenate([flat, np.zeros(step * height - flat.size, np.uint8)])
    pixels = flat[:step * height].reshape(height, step)[:, :row].reshape(height, width, -1)
    return cv2.cvtColor(pixels, _TO_RGB[encoding]) if encoding in _TO_RGB else np.ascontiguousarray(pixels).copy()


def rgb_from_compressed(message: CompressedImage) -> np.ndarray:
    """uint8 RGB `[h, w, 3]` of a jpeg or png; raises ValueError when it cannot be decoded or is deeper than 8 bits."""
    data = np.frombuffer(message.data, np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if picture is None:
        raise ValueError(f"format is {message.format!r} and its {data.size} bytes are no jpeg or png; "
                         "depth or video transports are not understood, use compressed")
    if picture.dtype != np.uint8:
        raise ValueError(f"format is {message.format!r}: deeper than 8 bits; scale it to 8 bits in the driver")
    if picture.ndim == 2:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGB if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def image_from_rgb(rgb: np.ndarray) -> Image:
    """A rgb8 message of uint8 RGB `[h, w, 3]`; the header is left to the caller."""
    rgb = _checked(rgb)
    message = Image(height=rgb.shape[0], width=rgb.shape[1], encoding="rgb8", is_bigendian=0, step=3 * rgb.shape[1])
    data = array.array("B")     # a plain ndarray would be copied byte by byte: 54 ms instead of 0.1
    data.frombytes(rgb.tobytes())
    message.data = data
    return message


def compressed_from_rgb(rgb: np.ndarray, kind: str = "png") -> CompressedImage:
    """A png (lossless) or jpeg message of uint8 RGB `[h, w, 3]`."""
    if kind not in ("png", "jpeg"):
        raise ValueError(f"kind is {kind!r}; choose png or jpeg")
    done, data = cv2.imencode("." + kind, cv2.cvtColor(_checked(rgb), cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"OpenCV could not write {kind}; is it built with it?")
    message = CompressedImage(format=f"rgb8; {kind} compressed bgr8")
    payload = array.array("B")
    payload.frombytes(data.tobytes())
    message.data = payload
    return message


def _checked(rgb: np.ndarray) -> np.ndarray:
    rgb = np.asarray(rgb)
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise ValueError(f"the image is {rgb.dtype} {list(rgb.shape)}; give uint8 RGB [h, w, 3]")
    return np.ascontiguousarray(rgb)
