"""Text of a given width in pictures: shortened, never running into what stands beside it."""

from __future__ import annotations

from functools import lru_cache

import cv2

from ..geometry.arrays import Images
from .colours import INK, Colour

__all__ = ["fitted", "text_width", "write"]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_UNICODE = int(cv2.__version__.split(".")[0]) >= 5  # older fonts are ASCII only
_ASCII = str.maketrans({"±": "+-", "…": "..", "–": "-", "·": "|", "°": " deg"})


def _plain(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if _UNICODE else one_line.translate(_ASCII).encode("ascii", "replace").decode()


@lru_cache(maxsize=512)
def text_width(text: str, scale: float) -> int:
    """Width in px of one line of text."""
    return int(cv2.getTextSize(_plain(text), _FONT, scale, 1)[0][0])


@lru_cache(maxsize=512)
def fitted(text: str, width: int, scale: float) -> str:
    """The text, or its beginning and an ellipsis, not wider than `width` px; empty where not even that fits."""
    text = " ".join(text[:400].split())
    if text_width(text, scale) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(text[:middle] + "…", scale) <= width else (low, middle - 1)
    return text[:low].rstrip() + "…" if low else ""


def write(picture: Images, text: str, x: int, y: int, scale: float, colour: Colour = INK) -> int:
    """Write one line with its baseline at `y` and its left edge at `x`; return the x where it ends."""
    cv2.putText(picture, _plain(text), (x, y), _FONT, scale, colour, 1, cv2.LINE_AA)
    return x + text_width(text, scale)
