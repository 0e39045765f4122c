"""Bytes of camera images to RGB: the encodings of ROS images, without ROS. Nodes and bag readers share it."""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np

__all__ = [
    "ENCODINGS",
    "TornPicture",
    "checked_encoding",
    "checked_rgb",
    "encode_picture",
    "rgb_from_file",
    "rgb_from_pixels",
]

ENCODINGS = {
    "rgb8": 3,
    "bgr8": 3,
    "rgba8": 4,
    "bgra8": 4,
    "mono8": 1,
    "8UC1": 1,
    "8UC3": 3,
    "bayer_rggb8": 1,
    "bayer_bggr8": 1,
    "bayer_gbrg8": 1,
    "bayer_grbg8": 1,
    "yuv422": 2,
    "uyvy": 2,
    "yuv422_yuy2": 2,
    "yuyv": 2,
}
"""Understood encodings and their bytes per pixel. OpenCV's 8UC3 is taken as bgr8, its order."""

_TO_RGB = {
    "bgr8": cv2.COLOR_BGR2RGB,
    "8UC3": cv2.COLOR_BGR2RGB,
    "rgba8": cv2.COLOR_RGBA2RGB,
    "bgra8": cv2.COLOR_BGRA2RGB,
    "mono8": cv2.COLOR_GRAY2RGB,
    "8UC1": cv2.COLOR_GRAY2RGB,
    "bayer_rggb8": cv2.COLOR_BayerRGGB2RGB,
    "bayer_bggr8": cv2.COLOR_BayerBGGR2RGB,
    "bayer_gbrg8": cv2.COLOR_BayerGBRG2RGB,
    "bayer_grbg8": cv2.COLOR_BayerGRBG2RGB,
    "yuv422": cv2.COLOR_YUV2RGB_UYVY,
    "uyvy": cv2.COLOR_YUV2RGB_UYVY,
    "yuv422_yuy2": cv2.COLOR_YUV2RGB_YUY2,
    "yuyv": cv2.COLOR_YUV2RGB_YUY2,
}
_DEEP = ("16", "32", "64")
_MOST_PIXELS = 64_000_000
_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_SOF = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


class TornPicture(ValueError):
    """An empty, truncated or damaged image: treated like a lost one."""


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
        raise TornPicture(f"the image is {width}x{height}: it is empty; check the camera driver")
    if height * width > _MOST_PIXELS:
        raise ValueError(
            f"the image is {width}x{height}: pictures of up to {_MOST_PIXELS // 1_000_000} megapixels are "
            "read; is the message damaged?"
        )
    if width % 2 and ENCODINGS[encoding] == 2:
        raise ValueError(f"width is {width}; {encoding} has pairs of pixels: the driver fills in the message wrongly")
    row = width * ENCODINGS[encoding]
    if step < row:
        raise ValueError(
            f"step is {step}, a row of {width} {encoding} pixels takes {row} bytes; "
            "the driver fills in the message wrongly"
        )
    if size < step * (height - 1) + row:
        raise TornPicture(
            f"data holds {size} bytes, {height} rows of step {step} take {step * height}; the image is cut off"
        )
    return row


def rgb_from_pixels(encoding: str, height: int, width: int, step: int, data: Any) -> np.ndarray:
    """uint8 RGB `[h, w, 3]` of raw pixels, a copy; row padding is removed. ValueError as `checked_encoding`.

    data: anything with the buffer interface.
    """
    flat = np.frombuffer(data, np.uint8)
    row = checked_encoding(encoding, height, width, step, flat.size)
    if flat.size < step * height:  # the last row may come without its padding
        flat = np.concatenate([flat, np.zeros(step * height - flat.size, np.uint8)])
    pixels = flat[: step * height].reshape(height, step)[:, :row].reshape(height, width, -1)
    return cv2.cvtColor(pixels, _TO_RGB[encoding]) if encoding in _TO_RGB else np.ascontiguousarray(pixels).copy()


def rgb_from_file(data: Any, format_name: str) -> np.ndarray:
    """uint8 RGB `[h, w, 3]` of the bytes of a jpeg or png; ValueError when they are neither or deeper than 8 bits.

    format_name: what the message calls it, such as `rgb8; jpeg compressed bgr8`. The first word tells of a Bayer
    mosaic, which is made a colour picture; the last one in which order the colours were handed to the compressor. A
    picture that is cut off raises TornPicture.
    """
    raw = np.frombuffer(data, np.uint8)
    if "compresseddepth" in format_name.lower():
        raise ValueError(f"format is {format_name!r}: a depth picture; give a colour camera")
    _checked_file(raw.tobytes(), format_name)
    try:
        picture = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise TornPicture(
            f"format is {format_name!r} and it cannot be decoded ({error.err}); the picture is damaged"
        ) from None
    if picture is None:
        raise TornPicture(
            f"format is {format_name!r} and its {raw.size} bytes cannot be decoded; the picture is damaged"
        )
    if picture.dtype != np.uint8:
        raise ValueError(f"format is {format_name!r}: deeper than 8 bits; scale it to 8 bits in the driver")
    source, _, rest = format_name.partition(";")
    if picture.ndim == 2:
        return cv2.cvtColor(
            picture, _TO_RGB.get(source.strip() if source.strip().startswith("bayer") else "mono8", cv2.COLOR_GRAY2RGB)
        )
    if rest.partition("compressed")[2].strip().startswith("rgb"):  # handed over as if red were blue
        return np.ascontiguousarray(picture[..., :3])
    return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGB if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def _checked_file(data: bytes, format_name: str) -> None:
    """ValueError unless it is a whole jpeg or png of a sensible size; nothing is unpacked for that."""
    if not data:
        raise TornPicture(f"format is {format_name!r} and it holds 0 bytes: the picture is empty")
    if data.startswith(_JPEG):
        whole, size = data.rstrip(b"\0").endswith(b"\xff\xd9") or b"\xff\xd9" in data[-4096:], _jpeg_size(data)
    elif data.startswith(_PNG):
        whole = b"IEND" in data[-64:]
        size = struct.unpack_from(">II", data, 16) if len(data) >= 24 else None
    else:
        raise ValueError(
            f"format is {format_name!r} and its {len(data)} bytes are no jpeg or png; "
            "depth or video transports are not understood, use compressed"
        )
    if size is not None and size[0] * size[1] > _MOST_PIXELS:
        raise TornPicture(
            f"format is {format_name!r} and it says that it is {size[0]}x{size[1]}; up to "
            f"{_MOST_PIXELS // 1_000_000} megapixels are read"
        )
    if not whole or size is None:
        raise TornPicture(
            f"format is {format_name!r} and its {len(data)} bytes end in the middle: the picture is cut off"
        )


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height that a jpeg's header says; None where it ends before that."""
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            at += 1
            continue
        marker = data[at + 1]
        if marker in _SOF:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


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
