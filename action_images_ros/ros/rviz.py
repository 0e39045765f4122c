"""The display file of rviz2 for one robot: its cameras and base frame put into config/rviz/policy.rviz."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ..paths import share_path

__all__ = ["rviz_config", "write_rviz"]

_SHOWN = "camera_0"  # the camera whose displays in the file are repeated for every camera
_FILED = ("camera_0", "camera_1")


def rviz_config(cameras: Sequence[str], base_frame: str) -> dict[str, Any]:
    """Content of the file: displays of camera_0 once per camera in their order, the base frame as the fixed frame."""
    config = yaml.safe_load(share_path("config/rviz/policy.rviz").read_text())
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
    return config


def _for_camera(display: dict[str, Any], camera: str) -> dict[str, Any]:
    made = copy.deepcopy(display)
    made["Name"] = made["Name"].replace(_SHOWN, camera)
    made["Topic"]["Value"] = "/".join(camera if part == _SHOWN else part for part in made["Topic"]["Value"].split("/"))
    return made


def write_rviz(path: Path, cameras: Sequence[str], base_frame: str) -> Path:
    """Write the file and return its path."""
    path.write_text(yaml.safe_dump(rviz_config(cameras, base_frame), sort_keys=False))
    return path
