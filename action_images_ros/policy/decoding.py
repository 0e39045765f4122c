"""From a prediction to a chunk of robot tool poses."""

from __future__ import annotations

import numpy as np

from ..codec.decode import decode
from ..control.chunk import Chunk
from ..geometry.arrays import ArrayLike
from ..geometry.pose import to_robot_tool
from .prediction import Prediction

__all__ = ["chunk_from_prediction"]


def chunk_from_prediction(prediction: Prediction, robot_tool_from_model_tool: ArrayLike) -> Chunk:
    """The chunk of a prediction: its action images decoded, or its poses, as poses of the ROBOT tool frame.

    robot_tool_from_model_tool: rotation `[3, 3]`. Frames that are not valid keep NaN poses.
    """
    actions = prediction.actions
    if actions is None:
        actions = decode(prediction.images(), prediction.K, prediction.world_from_camera)
    poses = np.full(np.shape(actions.poses), np.nan)
    usable = np.asarray(actions.valid, dtype=bool) & np.isfinite(actions.poses).all(axis=-1)
    if usable.any():
        poses[usable] = to_robot_tool(actions.poses[usable], robot_tool_from_model_tool)
    return Chunk(prediction.stamp_ns, prediction.dt, poses, actions.openness, actions.covariance, usable)
