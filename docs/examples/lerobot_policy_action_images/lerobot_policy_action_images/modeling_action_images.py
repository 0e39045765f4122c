"""A model of action_images_ros as a LeRobot policy.

Observations and actions are those of a data set that `action-images convert --to lerobot` writes: pictures, state and
action `[8]` (xyz, quaternion xyzw, openness of the model's tool frame in the robot's base), and every camera's
calibration, either as `observation.intrinsics.NAME` and `observation.world_from_camera.NAME` or, from the environment,
below `observation.robot_state`.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import torch
from lerobot.policies.pretrained import PreTrainedPolicy
from torch import Tensor

from action_images_ros import Chunk, Observation, chunk_from_prediction, load_policy, observe

from .configuration_action_images import ActionImagesConfig

__all__ = ["ActionImagesPolicy"]

_IMAGE, _STATE, _EXTRA = "observation.images.", "observation.state", "observation.robot_state"
_CALIBRATION = ("intrinsics", "world_from_camera")


class ActionImagesPolicy(PreTrainedPolicy):
    """One chunk of the model per `n_action_steps` actions, for every environment of a batch."""

    config_class = ActionImagesConfig
    name = "action_images"

    def __init__(self, config: ActionImagesConfig, **_: Any) -> None:
        super().__init__(config)
        self._model = load_policy(config.model, runtime=config.runtime, threads=config.threads)
        self.reset()

    def reset(self) -> None:
        """A new episode begins."""
        self._queue: deque[Tensor] = deque()
        self._chunks = 0

    def select_action(self, batch: dict[str, Any], **_: Any) -> Tensor:
        """Actions `[B, 8]` of this step."""
        if not self._queue:
            chunk = self.predict_action_chunk(batch)
            self._queue.extend(chunk[:, : self.config.n_action_steps].unbind(1))
        return self._queue.popleft()

    def predict_action_chunk(self, batch: dict[str, Any], **_: Any) -> Tensor:
        """Actions `[B, T - 1, 8]`; where the model is not sure of a frame the tool stays at the last sure one."""
        rows = []
        for row in range(len(batch[_STATE])):
            observation = self._observation(batch, row)
            prediction = self._model.predict(observation, seed=self.config.seed + self._chunks)
            rows.append(_actions(chunk_from_prediction(prediction, np.eye(3)), observation))
        self._chunks += 1
        return torch.from_numpy(np.stack(rows)).float()

    def _observation(self, batch: dict[str, Any], row: int) -> Observation:
        names = [key.removeprefix(_IMAGE) for key in batch if key.startswith(_IMAGE)]
        images = {name: _picture(batch[_IMAGE + name][row]) for name in names}
        K, world_from_camera = ({name: _calibration(batch, kind, name, row) for name in names} for kind in _CALIBRATION)
        state = batch[_STATE][row].cpu().numpy().astype(np.float64)
        if state.shape != (8,):
            raise ValueError(f"{_STATE} is {list(state.shape)}; give xyz, quaternion xyzw and openness, [8]")
        pose = np.append(state[:3], state[3:7] / np.linalg.norm(state[3:7]))
        task = batch["task"]
        return observe(
            0,
            images,
            K,
            world_from_camera,
            pose,
            float(np.clip(state[7], 0.0, 1.0)),
            task if isinstance(task, str) else task[row],
            size=self._model.card.image_size,
            robot_tool_from_model_tool=np.eye(3),
        )

    def forward(self, batch: dict[str, Any]) -> tuple[Tensor, dict | None]:
        """Models are trained with `action-images train`."""
        raise NotImplementedError("action_images is not trained by LeRobot; use `action-images train`")

    def get_optim_params(self) -> dict:
        """None: see `forward`."""
        return {}


def _picture(image: Tensor) -> np.ndarray:
    return (image.cpu().numpy().transpose(1, 2, 0) * 255).round().astype(np.uint8)


def _calibration(batch: dict[str, Any], kind: str, name: str, row: int) -> np.ndarray:
    """K `[3, 3]` or world_from_camera `[4, 4]` of a camera; ValueError where the batch lacks it."""
    given = batch.get(f"observation.{kind}.{name}")
    if given is None:
        given = batch.get(_EXTRA, {}).get(kind, {}).get(name)
    if given is None:
        raise ValueError(
            f"observation.{kind}.{name} is missing; the model sees through calibrated cameras: use "
            "--env.type=action_images, or give the calibration with every observation"
        )
    side = 3 if kind == _CALIBRATION[0] else 4
    return np.asarray(given[row], dtype=np.float64).reshape(side, side)


def _actions(chunk: Chunk, observation: Observation) -> np.ndarray:
    """Actions `[T - 1, 8]`: the pose of the next frame and the openness of this one."""
    poses, openness = chunk.poses.copy(), chunk.openness.copy()
    last = 0
    while last + 1 < len(chunk) and chunk.valid[last + 1]:
        last += 1
    poses[0] = observation.tool_pose if not chunk.valid[0] else poses[0]
    openness[0] = observation.openness if not chunk.valid[0] else openness[0]
    poses[last + 1 :], openness[last + 1 :] = poses[last], openness[last]
    return np.hstack([poses[1:], openness[:-1, None]])
