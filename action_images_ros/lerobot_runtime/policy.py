"""A policy trained with LeRobot on a data set that `action-images convert --to lerobot` wrote, as a `Policy`.

Its folder is LeRobot's `pretrained_model` with a `model_card.json` beside it: backend "lerobot", output "poses",
image_size and dt as in the data set, frames up to its chunk and one more. Names and meanings of inputs and actions are
those of `data.lerobot`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..child_process.child import Child, find_python
from ..policy.card import ModelCard
from ..policy.observation import Observation
from ..policy.prediction import Prediction
from ..policy.registry import PolicyOptions

__all__ = ["INSTALL_LINE", "SIGMA_POSITION_M", "SIGMA_ROTATION_RAD", "LeRobotPolicy", "lerobot_python", "load_lerobot"]

INSTALL_LINE = "make lerobot"
"""What installs LeRobot's environment."""
SIGMA_POSITION_M, SIGMA_ROTATION_RAD = 0.01, 0.1
"""A LeRobot policy does not say how sure it is; each frame is given this standard deviation."""
_IMAGE, _K, _E = "observation.images.", "observation.intrinsics.", "observation.world_from_camera."
_STATE, _POSE, _ACTION = "observation.state", "observation.tool_pose", "action"
_SIZE = 8  # xyz, quaternion xyzw, openness
_SERVER = Path(__file__).resolve().parent / "server.py"


class Server(Protocol):
    """The child process, or what stands in for it."""

    def call(self, method: str, **arguments: object) -> object:
        """The result of a method of `server.LeRobotServer`."""
        ...


def lerobot_python() -> Path:
    """The interpreter of LeRobot's environment; see `find_python`.

    The environment variable ACTION_IMAGES_LEROBOT_PYTHON names it, else it is that of `.venv-lerobot`.
    """
    return find_python("lerobot", folder=".venv-lerobot", variable="ACTION_IMAGES_LEROBOT_PYTHON", install=INSTALL_LINE)


def load_lerobot(options: PolicyOptions) -> LeRobotPolicy:
    """Start LeRobot in its own environment and load the folder there.

    Raises NotInstalledError where that environment is missing, ValueError where the folder is no LeRobot policy or its
    inputs or actions are not those of `action-images convert --to lerobot`.
    """
    folder, card = options.model()
    for name, given in (("settings", dict(options.settings)), ("providers", list(options.providers))):
        if given:
            raise ValueError(f"{name} is {given}; LeRobot's policies have none, leave them out")
    if options.runtime != "torch":
        raise ValueError(f"runtime is {options.runtime!r}; LeRobot's policies run with torch only")
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} has no config.json; give a pretrained_model folder of lerobot-train")
    child = Child(lerobot_python(), _SERVER)
    try:
        return LeRobotPolicy(card, child, folder, options.threads)
    except Exception:
        child.close()
        raise


class LeRobotPolicy:
    """A `Policy`; the child process ends with this one."""

    def __init__(self, card: ModelCard, server: Server, folder: Path, threads: int | None = None) -> None:
        if card.output != "poses":
            raise ValueError(
                f"output of {card.name} is {card.output!r}; a LeRobot policy gives poses, correct the card"
            )
        self.card = card
        self._server = server
        facts = server.call("open", folder=str(folder), threads=threads)
        assert isinstance(facts, dict)
        self._inputs: dict[str, tuple[str, tuple[int, ...]]] = facts["inputs"]
        self.cameras = tuple(name.removeprefix(_IMAGE) for name in self._inputs if name.startswith(_IMAGE))
        self._check(facts["outputs"])

    def _check(self, outputs: dict[str, tuple[str, tuple[int, ...]]]) -> None:
        """ValueError where the policy asks for what an observation has not, or gives other actions."""
        remedy = "train it on a data set that `action-images convert --to lerobot` wrote"
        for name, (_, shape) in self._inputs.items():
            if name.startswith(_IMAGE):
                expected: tuple[int, ...] = (3, *self.card.image_size)
            elif name == _STATE:
                expected = (_SIZE,)
            elif name == _POSE:
                expected = (_SIZE - 1,)
            elif name.startswith(_K):
                expected = (9,)
            elif name.startswith(_E):
                expected = (16,)
            else:
                raise ValueError(f"{self.card.name} asks for {name}, which no observation holds; {remedy}")
            if tuple(shape) != expected:
                raise ValueError(f"{name} of {self.card.name} is {list(shape)}, expected is {list(expected)}; {remedy}")
        shape = outputs.get(_ACTION, ("", ()))[1]
        if tuple(shape) != (_SIZE,):
            raise ValueError(f"{_ACTION} of {self.card.name} is {list(shape)}, expected is [{_SIZE}]; {remedy}")
        if not self.cameras:
            raise ValueError(f"{self.card.name} sees no camera; {remedy}")

    def predict(self, observation: Observation, *, seed: int = 0) -> Prediction:
        """The observation's pose and then the policy's actions, at most ``card.frames`` frames.

        Raises ValueError where a camera of the policy is missing, an action is not finite or has no rotation.
        """
        begin = time.perf_counter()
        actions = np.asarray(
            self._server.call(
                "predict",
                images={_IMAGE + name: observation.images[self._view(observation, name)] for name in self.cameras},
                vectors=self._vectors(observation),
                task=observation.instruction,
                seed=seed,
            ),
            dtype=np.float64,
        )
        poses, openness = self._frames(actions, observation)
        return Prediction.from_poses(
            observation,
            self.card.dt,
            poses,
            openness,
            sigma_position_m=SIGMA_POSITION_M,
            sigma_rotation_rad=SIGMA_ROTATION_RAD,
            stage_seconds={"predict": time.perf_counter() - begin},
        )

    def _view(self, observation: Observation, name: str) -> int:
        if name not in observation.camera_names:
            raise ValueError(
                f"cameras are {', '.join(observation.camera_names)}; {self.card.name} was trained with "
                f"{', '.join(self.cameras)}: name the cameras so"
            )
        return observation.camera_names.index(name)

    def _vectors(self, observation: Observation) -> dict[str, npt.NDArray[np.float64]]:
        vectors = {}
        for name in self._inputs:
            if name == _STATE:
                vectors[name] = np.append(observation.tool_pose, observation.openness)
            elif name == _POSE:
                vectors[name] = observation.tool_pose
            for prefix, values in ((_K, observation.K), (_E, observation.world_from_camera)):
                if name.startswith(prefix):
                    vectors[name] = values[self._view(observation, name.removeprefix(prefix))].reshape(-1)
        return vectors

    def _frames(
        self, actions: npt.NDArray[np.float64], observation: Observation
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Poses `[T, 7]` and openness `[T]`: action k holds the pose of frame k + 1 and the openness of frame k."""
        if actions.ndim != 2 or actions.shape[1] != _SIZE or len(actions) == 0:
            raise ValueError(f"actions of {self.card.name} are {list(actions.shape)}; expected is [N, {_SIZE}]")
        frames = min(self.card.frames, len(actions) + 1)
        actions = actions[:frames]
        if not np.isfinite(actions).all():
            raise ValueError(f"actions of {self.card.name} are not finite; its training failed, or its statistics")
        length = np.linalg.norm(actions[:, 3:7], axis=1, keepdims=True)
        if (length < 0.1).any():
            frame = int(np.argmin(length))
            raise ValueError(
                f"action {frame} of {self.card.name} has a quaternion of length {length[frame, 0]:.3g}; "
                "it is no rotation: train the policy longer"
            )
        moved = np.hstack([actions[:, :3], actions[:, 3:7] / length])[: frames - 1]
        openness = np.append(actions[:, 7], actions[-1, 7])[:frames]
        return np.vstack([observation.tool_pose[None], moved]), np.clip(openness, 0.0, 1.0)
