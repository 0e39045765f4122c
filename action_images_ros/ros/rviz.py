"""The display file of rviz2 for one robot: its cameras, base frame and windows put into config/rviz/policy.rviz."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ..display.strip import HEIGHT, WIDTH
from ..interfaces.fields import optical_frame
from ..paths import share_path
from .qt_layout import Dock, window_state

__all__ = ["rviz_config", "write_rviz"]

_SHOWN = "camera_0"  # the camera whose displays in the file are repeated for every camera
_FILED = ("camera_0", "camera_1")
_SCREEN = (1920, 1040)  # px that a full HD screen leaves for a window
_TITLE, _BARS = 26, 90  # px: title of a dock; menu, tool bar and status line of the window


def rviz_config(cameras: Sequence[str], base_frame: str, tool_frame: str = "tcp") -> dict[str, Any]:
    """Content of the file: displays of camera_0 once per camera in their order, the base frame as the fixed frame, the
    strips stacked on the left as wide as they are drawn, the 3D view beside them. tool_frame: of TF."""
    config: dict[str, Any] = yaml.safe_load(share_path("config/rviz/policy.rviz").read_text())
    manager = config["Visualization Manager"]
    manager["Global Options"]["Fixed Frame"] = base_frame
    displays = []
    for display in manager["Displays"]:
        name = display.get("Topic", {}).get("Value", "")
        filed = next((camera for camera in _FILED if camera in name.split("/")), None)
        if filed is None:
            displays.append(display)
        elif filed == _SHOWN:
            displays += [_for_camera(display, camera) for camera in cameras]
    manager["Displays"] = displays
    frames = (base_frame, tool_frame, *(optical_frame(camera) for camera in cameras))
    for display in displays:
        if display["Class"].endswith("/TF"):
            display["Frames"] = {"All Enabled": False, **{frame: {"Value": True} for frame in frames}}
    config["Window Geometry"] = _windows(displays)
    return config


def _for_camera(display: dict[str, Any], camera: str) -> dict[str, Any]:
    made = copy.deepcopy(display)
    made["Name"] = made["Name"].replace(_SHOWN, camera)
    made["Topic"]["Value"] = "/".join(camera if part == _SHOWN else part for part in made["Topic"]["Value"].split("/"))
    return made


def _windows(displays: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Place and size of the window and of every pane: images that are shown, then what is hidden at the start."""
    images = [display for display in displays if display["Class"].endswith("/Image")]
    docks = [Dock(display["Name"], bool(display["Enabled"])) for display in images]
    docks = sorted(docks, key=lambda dock: not dock.visible) + [Dock("Displays", False)]
    width, height = _SCREEN
    room = height - _BARS
    shown = max(1, sum(dock.visible for dock in docks))
    wide = min(WIDTH, round((room / shown - _TITLE) * WIDTH / HEIGHT))  # no empty bars beside the strips
    state = window_state(docks, wide, room, (width - wide, room))
    geometry: dict[str, Any] = {dock.name: {"collapsed": not dock.visible} for dock in docks}
    return {
        **geometry,
        "Height": height,
        "Hide Left Dock": False,
        "Hide Right Dock": True,
        "QMainWindow State": state,
        "Width": width,
        "X": 0,
        "Y": 0,
    }


def write_rviz(path: Path, cameras: Sequence[str], base_frame: str, tool_frame: str = "tcp") -> Path:
    """Write the file and return its path."""
    path.write_text(yaml.safe_dump(rviz_config(cameras, base_frame, tool_frame), sort_keys=False))
    return path
