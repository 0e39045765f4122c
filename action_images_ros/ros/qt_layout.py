"""The state of a QMainWindow as `QMainWindow::saveState` writes it, so that docks lie in fixed places at every start.

The layout of the bytes is that of Qt 5 and 6 (QDataStream, big endian): docks by area, sizes in px, then the tool bars.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Dock", "read_docks", "window_state"]

_WINDOW, _DOCKS, _SEQUENCE, _WIDGET, _TOOL_BARS = 0xFF, 0xFD, 0xFC, 0xFB, 0xFC
_LEFT, _TOP_AREA = 0, 2
_VERTICAL = 2
_MOST = 0x00FFFFFF  # QWIDGETSIZE_MAX
_CORNERS = (4, 4, 8, 8)  # Qt's values: top corners belong to the top area, bottom ones to the bottom area
_SEPARATOR = 4


@dataclass(frozen=True)
class Dock:
    """A dock window by its object name; visible: whether it is shown at the start."""

    name: str
    visible: bool = True


def _int(*values: int) -> bytes:
    return struct.pack(f">{len(values)}i", *values)


def _string(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return _int(len(data)) + data


def window_state(
    docks: Sequence[Dock], width: int, height: int, centre: tuple[int, int], tool_bar: str = "Tools"
) -> str:
    """Hex digits: `docks` stacked in the left area of `width` px, the visible ones of one height, `height` px together.

    centre: (width, height) px of the central widget. tool_bar: object name of the one tool bar, at the top.
    """
    shown = max(1, sum(dock.visible for dock in docks))
    each = (height - _SEPARATOR * (shown - 1)) // shown
    items, place = b"", 0
    for dock in docks:
        size = each if dock.visible else 0
        items += bytes([_WIDGET]) + _string(dock.name) + bytes([int(dock.visible)]) + _int(place, size, 60, _MOST)
        place += size + _SEPARATOR if dock.visible else 0
    area = bytes([_SEQUENCE, _VERTICAL]) + _int(len(docks)) + items
    state = _int(_WINDOW, 0) + bytes([_DOCKS]) + _int(1, _LEFT, width, height) + area
    state += _int(*centre, *_CORNERS)
    bar = _string(tool_bar) + b"\x01" + _int(0, -1, 0, 0)
    return (state + bytes([_TOOL_BARS]) + _int(1, _TOP_AREA, 1) + bar).hex()


def read_docks(state: str) -> tuple[list[tuple[Dock, int, int]], int]:
    """The docks of the left area with position and size (px) as a window state says, and the area's width.

    Reads what `window_state` writes. Raises ValueError for anything else.
    """
    data, at = bytes.fromhex(state), 0

    def ints(count: int) -> tuple[int, ...]:
        nonlocal at
        at += 4 * count
        return struct.unpack(f">{count}i", data[at - 4 * count : at])

    def byte() -> int:
        nonlocal at
        at += 1
        return data[at - 1]

    if ints(2) != (_WINDOW, 0) or byte() != _DOCKS:
        raise ValueError("state is no QMainWindow state of version 0; write it with window_state")
    areas, _, width, _ = ints(4)
    if areas != 1 or byte() != _SEQUENCE or byte() != _VERTICAL:
        raise ValueError("state has other areas than one vertical sequence; write it with window_state")
    found = []
    for _ in range(ints(1)[0]):
        if byte() != _WIDGET:
            raise ValueError("state has nested docks; write it with window_state")
        (length,) = ints(1)
        name, at = data[at : at + length].decode("utf-16-be"), at + length
        visible = byte() == 1
        place, size, _, _ = ints(4)
        found.append((Dock(name, visible), place, size))
    return found, width
