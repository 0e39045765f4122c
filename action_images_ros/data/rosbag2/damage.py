"""What readers of recordings trip over, and what it means for the user."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path

import zstandard
from mcap.exceptions import EndOfFile, InvalidMagic, McapError
from rosbags.highlevel import AnyReaderError

from .storage import BagError

__all__ = ["BROKEN", "broken"]

BROKEN = (
    McapError,
    AnyReaderError,
    zstandard.ZstdError,
    sqlite3.Error,
    OSError,
    EOFError,
    struct.error,
    ValueError,
    KeyError,
    TypeError,
    AssertionError,
    IndexError,
    RuntimeError,
    AttributeError,
    OverflowError,
    MemoryError,
)
_CUT = (
    "magic",
    "truncated",
    "footer",
    "malformed",
    "end of",
    "ord()",
    "unpack requires",
    "unpack_from",
    "disk image",
    "not indexed",
    "seek",
    "exceeds limit",
    "invalid argument",
)


def broken(path: Path, error: Exception) -> BagError:
    """The error for the user: whether the recording was cut off or is damaged, and the remedy."""
    what = " ".join(str(error).split()) or type(error).__name__
    cut = isinstance(error, EndOfFile | InvalidMagic | EOFError | struct.error) or any(
        word in what.lower() for word in _CUT
    )
    if isinstance(error, MemoryError):
        remedy = "it asks for more memory than there is: its sizes are wrong"
    elif cut:
        remedy = "the recording was cut off; try `mcap recover` (MCAP) or `ros2 bag reindex`"
    else:
        remedy = "its bytes are damaged; copy it again from where it was recorded, or try `mcap recover` (MCAP)"
    return BagError(f"{path} cannot be read: {what}; {remedy}")
