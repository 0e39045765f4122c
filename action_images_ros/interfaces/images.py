"""Bytes of camera images to RGB: the encodings of ROS images, without ROS. Nodes and bag readers share it."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["ENCODINGS", "checked_encoding", "checked_rgb", "encode_picture", "rgb_from_file", "rgb_from_pixels"]

ENCODINGS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1, "8UC1": 1, "8UC3": 3}
"""Understood encodings and their bytes per pixel. OpenCV's 8UC3 is taken as bgr8, its order."""

_TO_RGB = {
    "bgr8": cv2.COLOR_BGR2RGB,
    "8UC3": cv2.COLOR_BGR2RGB,
    "rgba8": cv2.COLOR_RGBA2RGB,
    "bgra8": cv2.COLOR_BGRA2RGB,
    "mono8": cv2.COLOR_GRAY2RGB,
    "8UC1": cv2.COLOR_GRAY2RGB,
}
_DEEP = ("16", "32", "64")


def checked_encoding(encoding: str, height: int, width: int, step: int, size: int) -> int:
    """Bytes of one row's pixels; ValueError when the encoding is not understood or the numbers contradict each other.

    step: bytes per row as the message says, size: bytes of its data.
    """
    if encoding not in ENCODINGS:
        depth = (
            "deeper than 8 bits; scale it to 8 bits in the driver"
            if any(d in encoding for d in _DEEP)
            else "not understood; let the driver or image_proc convert it"
        )
        raise ValueError(f"encoding is {encoding!r}: {depth}. Understood: {', '.join(ENCODINGS)}")
    if height < 1 or width < 1:
        raise ValueError(f"the image is {width}x{height}: it is empty; check the camera driver")
    row = width * ENCODINGS[encoding]
    if step < row:
        raise ValueError(
            f"step is {step}, a row of {width} {encoding} pixels takes {row} bytes; "
            "the driver fills in the message wrongly"
        )
    if size < step * (height - 1) + row:
        raise ValueError(
            f"data holds {size} bytes, {height} rows of step {step} take {step * height}; the image is cut off"
        )
    return row


def rgb_from_pixels(encoding: str, height: int, width: int, step: int, data) -> np.ndarray:
    """uint8 RGB `[h, w, 3]` of raw pixels, a copy; row padding is removed. ValueError as `checked_encoding`.

    data: anything with the buffer interface.
    """
    flat = np.frombuffer(data, np.uint8)
    row = checked_encoding(encoding, height, width, step, flat.size)
    if flat.size < step * height:  # the last row may come without its padding
        flat = np.concatenate([flat, np.zeros(step * height - flat.size, np.uint8)])
    pixels = flat[: step * height].reshape(height, step)[:, :row].reshape(height, width, -1)
    return cv2.cvtColor(pixels, _TO_RGB[encoding]) if encoding in _TO_RGB else np.ascontiguousarray(pixels).copy()


def rgb_from_file(data, format_name: str) -> np.ndarray:
    """uint8 RGB `[h, w, 3]` of the bytes of a jpeg or png; ValueError when they are neither or deeper than 8 bits.

    format_name: what the message calls it, for the error's text.
    """
    data = np.frombuffer(data, np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if picture is None:
        raise ValueError(
            f"format is {format_name!r} and its {data.size} bytes are no jpeg or png; "
            "depth or video transports are not understood, use compressed"
        )
    if picture.dtype != np.uint8:
        raise ValueError(f"format is {format_name!r}: deeper than 8 bits; scale it to 8 bits in the driver")
    if picture.ndim == 2:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGB if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def encode_picture(rgb: np.ndarray, kind: str = "png") -> bytes:
    """Bytes of a png (lossless) or jpeg (OpenCV's default quality, 95) of uint8 RGB `[h, w, 3]`."""
    if kind not in ("png", "jpeg"):
        raise ValueError(f"kind is {kind!r}; choose png or jpeg")
    done, data = cv2.imencode("." + kind, cv2.cvtColor(checked_rgb(rgb), cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"OpenCV could not write {kind}; is it built with it?")
    return data.tobytes()


def checked_rgb(rgb: np.ndarray) -> np.ndarray:
    """The picture, contiguous; ValueError unless it is uint8 RGB `[h, w, 3]`."""
    rgb = np.asarray(rgb)
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise ValueError(f"the image is {rgb.dtype} {list(rgb.shape)}; give uint8 RGB [h, w, 3]")
    return np.ascontiguousarray(rgb)
