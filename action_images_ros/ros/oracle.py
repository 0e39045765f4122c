"""ORACLE, for testing the graph only: encodes the plan of the simulator's expert as action images.

The cell publishes the plan of its scripted expert; this policy encodes it as a perfect model would. It uses the
simulator's state, so it appears in no table of results, and the demo refuses it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from trajectory_msgs.msg import JointTrajectory, MultiDOFJointTrajectory

from ..codec.encode import encode, to_uint8
from ..control.chunk import Chunk
from ..geometry.pose import matrix_from_pose7, to_model_tool, to_robot_tool
from ..policy.card import ModelCard
from ..policy.observation import Observation
from ..policy.prediction import Prediction
from ..policy.registry import PolicyOptions
from .conversions import ns_from_stamp, pose7_from_transform, seconds_from_duration

__all__ = ["OraclePolicy", "load_oracle"]


class OraclePolicy:
    """A `Policy` that also subscribes to the expert's plan. card: of the model whose place it takes."""

    def __init__(self, card: ModelCard, robot_tool_from_model_tool: np.ndarray) -> None:
        self.card = card
        self._rotation = robot_tool_from_model_tool
        self._lock = threading.Lock()
        self._poses: MultiDOFJointTrajectory | None = None
        self._gripper: JointTrajectory | None = None

    def subscriptions(self) -> dict[str, Callable[[Any], None]]:
        """The expert's plan; see `Subscribes`."""
        return {"cell/expert_plan": self.add_poses, "cell/expert_gripper": self.add_gripper}

    def add_poses(self, message: MultiDOFJointTrajectory) -> None:
        """The expert's poses (robot tool)."""
        with self._lock:
            self._poses = message

    def add_gripper(self, message: JointTrajectory) -> None:
        """The expert's openness."""
        with self._lock:
            self._gripper = message

    def predict(self, observation: Observation, *, seed: int = 0) -> Prediction:
        """The expert's next moves drawn for the observation's cameras; ValueError when its plan does not cover them."""
        with self._lock:
            poses, gripper = self._poses, self._gripper
        if poses is None or gripper is None or poses.header.stamp != gripper.header.stamp:
            raise ValueError(
                "policy is 'oracle' and cell/expert_plan has not come; only the cell has an expert, with "
                "its parameter publish_expert set"
            )
        count = len(poses.points)
        plan = Chunk(
            ns_from_stamp(poses.header.stamp),
            seconds_from_duration(poses.points[1].time_from_start),
            np.stack([pose7_from_transform(point.transforms[0]) for point in poses.points]),
            np.array([point.positions[0] for point in gripper.points]),
            np.zeros((count, 6, 6)),
            np.ones(count, dtype=bool),
        )
        if not plan.stamp_ns <= observation.stamp_ns <= plan.end_ns:
            raise ValueError(
                f"the expert's plan covers {plan.stamp_ns} to {plan.end_ns}, the images are of "
                f"{observation.stamp_ns}; wait for the next plan"
            )
        begin = _nearest_time(plan, to_robot_tool(observation.tool_pose, self._rotation), observation.stamp_ns)
        times = begin + np.round(np.arange(self.card.frames) * self.card.dt * 1e9).astype(np.int64)
        samples = [plan.sample(min(int(time), plan.end_ns)) for time in times]
        model_poses = to_model_tool(np.stack([pose for pose, _ in samples]), self._rotation)
        model_poses[0] = observation.tool_pose
        drawn = encode(
            matrix_from_pose7(model_poses),
            np.array([openness for _, openness in samples]),
            observation.K,
            observation.world_from_camera,
            observation.images.shape[1:3],
        )
        return Prediction.from_images(observation, self.card.dt, to_uint8(drawn.images))


def load_oracle(options: PolicyOptions) -> OraclePolicy:
    """The oracle with the image size, frames and dt of the graph's model."""
    if options.card is None:
        raise ValueError("policy is 'oracle'; it runs in the graph of the cell alone: action-images up --policy oracle")
    return OraclePolicy(options.card, options.robot_tool_from_model_tool)


def _nearest_time(plan: Chunk, pose: np.ndarray, until_ns: int) -> int:
    """The time in the plan, not after `until_ns`, at which the arm was to be where it is: it may have waited."""
    times = np.unique(np.append(np.arange(plan.stamp_ns, until_ns, 20_000_000, dtype=np.int64), until_ns))
    poses = np.stack([plan.sample(int(time))[0] for time in times])
    angle = 2 * np.arccos(np.clip(np.abs(poses[:, 3:] @ pose[3:]), 0.0, 1.0))
    return int(times[np.argmin(np.linalg.norm(poses[:, :3] - pose[:3], axis=1) + 0.1 * angle)])
