"""Calibration files as people have them: camera poses and intrinsics, without ROS.

Formats: the file of docs/data.md, easy_handeye and easy_handeye2 (eye in hand too), camera_calibration and
camera_info_manager, OpenCV, kalibr's camchain, and JSON (Foxglove's CameraCalibration, LeRobot- and DROID-like).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..safe_files import parse_yaml, read_bytes
from .calibration_formats import READERS
from .calibration_types import Calibration, CameraInfoContent, Mount, Region
from .fields import checked_pose7

__all__ = ["Calibration", "CameraInfoContent", "Mount", "Region", "read_calibration"]

_LIMIT = 8_000_000  # bytes of a calibration file


def read_calibration(files: str | Path, base_frame: str) -> Calibration:
    """The calibration in a file, or in several: `FILE,NAME=FILE`. NAME is the camera of a file that names none.

    Raises ValueError naming the file, what is wrong with it and the remedy.
    """
    result = Calibration()
    for entry in str(files).split(","):
        entry = entry.strip()
        name, given, path = entry.partition("=")
        if not given or Path(entry).exists():
            name, path = "", entry
        if not path:
            continue
        try:
            content = _content(Path(path))
            read = _read(content, base_frame, name, Path(path).stem)
            for mount in read.mounts.values():
                _checked_mount(mount)
        except FileNotFoundError:
            raise ValueError(f"calibration_file is {path!r}, which does not exist; give a readable file") from None
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            text = str(error) if isinstance(error, ValueError) else f"{type(error).__name__} {error}"
            raise ValueError(f"calibration_file {path}: {text}; docs/data.md shows the formats that are read") from None
        result.update(read)
    return result


def _content(path: Path) -> Any:
    text = read_bytes(path, _LIMIT).decode(errors="replace")
    if path.suffix == ".json":
        return json.loads(text)
    return parse_yaml(text, str(path))


def _read(content: Any, base_frame: str, name: str, stem: str) -> Calibration:
    if not isinstance(content, Mapping):
        raise ValueError(f"it holds {type(content).__name__}, not names with values")
    for known, reader in READERS:
        if known(content):
            return reader(content, base_frame, name or stem)
    raise ValueError(f"its names are {[str(key) for key in list(content)[:8]]}: no calibration that is known here")


def _checked_mount(mount: Mount) -> None:
    checked_pose7([*mount.pose[:3, 3], 0.0, 0.0, 0.0, 1.0])
