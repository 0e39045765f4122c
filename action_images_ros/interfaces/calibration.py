"""Where cameras are, from a calibration file; without ROS, so that nodes and bag readers share it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

from ..geometry.pose import matrix_from_pose7

__all__ = ["read_calibration"]


def read_calibration(path: str | Path, base_frame: str) -> dict[str, np.ndarray]:
    """`world_from_camera` `[4, 4]` by camera name from a YAML file (see docs/data.md); ValueError otherwise."""
    try:
        content = yaml.safe_load(Path(path).read_text())
        frame, cameras = content["base_frame"], content["cameras"]
        poses = {
            str(name): np.array([*entry["position"], *entry["orientation"]], dtype=np.float64)
            for name, entry in cameras.items()
        }
    except OSError as error:
        raise ValueError(f"calibration_file is {str(path)!r}: {error.strerror}; give a readable file") from None
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"calibration_file {path}: {error!r}; it needs base_frame and, for every camera, "
            "cameras: NAME: {position: [x, y, z], orientation: [x, y, z, w]}"
        ) from None
    if frame != base_frame:
        raise ValueError(
            f"calibration_file {path} is given in {frame!r}, base_frame is {base_frame!r}; calibrate in the base frame"
        )
    try:
        return {name: matrix_from_pose7(pose) for name, pose in poses.items()}
    except ValueError as error:
        raise ValueError(f"calibration_file {path}: {error}") from None
