"""What the messages of a chunk hold beyond its poses, without ROS: the live graph and recordings share it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..control.chunk import Chunk

__all__ = ["CONFIDENCE", "GRIPPER_JOINT", "TOOL_JOINT", "confidence_rows", "split_frames", "stack_frames"]

TOOL_JOINT = "tool"
"""Joint name of the tool's pose in chunk/poses."""
GRIPPER_JOINT = "openness"
"""Joint name of the gripper's openness (0 closed, 1 open) in chunk/gripper."""
CONFIDENCE = np.dtype(
    [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("sigma_position", "<f4"), ("sigma_rotation", "<f4"), ("valid", "<u4")]
)
"""One point of chunk/confidence: m, m, rad."""
CONFIDENCE_FIELDS: tuple[tuple[str, np.dtype[Any], int], ...] = tuple(
    (name, entry[0], entry[1]) for name, entry in (CONFIDENCE.fields or {}).items()
)
"""Name, type and offset (bytes) of its fields."""


def stack_frames(frames: np.ndarray) -> np.ndarray:
    """`[T, H, W, 3]` as one tall picture `[T*H, W, 3]`."""
    return frames.reshape(-1, *frames.shape[2:])


def split_frames(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`[T*H, W, 3]` as `[T, H, W, 3]` with size (H, W); ValueError when it does not divide."""
    height, width = size
    whole = height > 0 and width > 0 and picture.shape[1] == width and picture.shape[0] >= height
    if not whole or picture.shape[0] % height:
        raise ValueError(
            f"the picture is {picture.shape[1]}x{picture.shape[0]}, one frame {width}x{height}: "
            "not a stack of frames; camera_info and images belong to different models"
        )
    return picture.reshape(-1, height, width, 3)


def confidence_rows(chunk: Chunk) -> np.ndarray:
    """One row of CONFIDENCE per frame."""
    rows = np.zeros(len(chunk), CONFIDENCE)
    for column, name in enumerate("xyz"):
        rows[name] = chunk.poses[:, column]
    rows["sigma_position"], rows["sigma_rotation"] = chunk.sigma_position, chunk.sigma_rotation
    rows["valid"] = chunk.valid
    return rows
