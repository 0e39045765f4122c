"""From the action images of a prediction to a chunk of robot tool poses."""

from __future__ import annotations

import numpy as np

from ..control.chunk import Chunk
from ..geometry.pose import to_robot_tool

__all__ = ["chunk_from_prediction"]


def chunk_from_prediction(prediction, robot_tool_from_model_tool) -> Chunk:
    """Decode a `Prediction`'s action images into a chunk of robot tool poses.

    prediction: `stamp_ns`, `dt`, `action_images` u8 `[V, T, H, W, 3]`, `K` `[V, 3, 3]`, `world_from_camera`
    `[V, 4, 4]`. robot_tool_from_model_tool: `[3, 3]`. Frames whose decoding is not valid keep NaN poses.
    """
    from ..codec.decode import decode

    decoded = decode(prediction.action_images, prediction.K, prediction.world_from_camera)
    poses = np.full(np.shape(decoded.poses), np.nan)
    usable = np.asarray(decoded.valid, dtype=bool) & np.isfinite(decoded.poses).all(axis=-1)
    if usable.any():
        poses[usable] = to_robot_tool(decoded.poses[usable], robot_tool_from_model_tool)
    return Chunk(prediction.stamp_ns, prediction.dt, poses, decoded.openness, decoded.covariance, usable)
