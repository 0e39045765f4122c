"""Sources of chunks in an evaluation: the policy, the blind baseline, the replayed poses of the expert.

A source is called as `source(cell)` at the moment of an observation and returns a Chunk stamped with the cell's time.
"""

from __future__ import annotations

import time

import numpy as np

from ..cell.cell import Cell
from ..codec.encode import encode, to_uint8
from ..control.chunk import Chunk
from ..data.episode import Episode
from ..environments.protocol import Environment
from ..geometry.camera import resize_intrinsics
from ..geometry.pose import matrix_from_pose7, to_robot_tool
from ..policy.decoding import chunk_from_prediction
from ..policy.observation import Observation, observe
from ..policy.prediction import Prediction
from ..policy.protocol import Policy, Sampled, check_prediction, require

__all__ = ["BlindSource", "CodecReplaySource", "ModelSource", "ReplaySource", "draw_views", "observe_cell"]


def draw_views(seed: int, cameras: int, used: int = 2) -> tuple[int, ...]:
    """Which of the cell's cameras are used with this seed; the same for every model, so that runs are paired."""
    rng = np.random.default_rng([seed, 0x5EED])
    return tuple(sorted(int(view) for view in rng.choice(cameras, size=used, replace=False)))


def observe_cell(
    cell: Cell | Environment, views: tuple[int, ...], size: tuple[int, int], *, scene: Cell | Environment | None = None
) -> Observation:
    """Observation of the cell. `scene`: another cell that provides images and cameras (blind baseline).

    Camera poses are those of the cell's calibration, which a condition may have displaced. The openness is the
    commanded one, as in the demonstrations: a block between the fingers keeps them half open.
    """
    shown = scene or cell
    images = shown.render()
    names = [shown.camera_names[view] for view in views]
    return observe(
        cell.time_ns,
        {name: images[view] for name, view in zip(names, views, strict=True)},
        {name: shown.K[view] for name, view in zip(names, views, strict=True)},
        {name: shown.calibration[view] for name, view in zip(names, views, strict=True)},
        cell.tcp_pose,
        cell.commanded_openness,
        cell.instruction,
        size=size,
        robot_tool_from_model_tool=cell.robot_tool_from_model_tool,
    )


class ModelSource:
    """Chunks of a policy. `seconds` lists the wall time of each, decoding included.

    steps: sampling steps, the policy's own where None; ValueError where it has none to choose.
    """

    def __init__(self, model: Policy, views: tuple[int, ...], seed: int = 0, steps: int | None = None) -> None:
        self.model = model if steps is None else require(model, Sampled, "choose its sampling steps").with_steps(steps)
        self.views, self.seed = views, seed
        self.dt = float(model.card.dt)
        self.seconds: list[float] = []
        self.hold = ""

    def __call__(self, cell: Cell | Environment) -> Chunk | None:
        begin = time.perf_counter()
        observation = observe_cell(cell, self.views, self.model.card.image_size, scene=self._scene())
        return self.predict(observation, begin, cell.robot_tool_from_model_tool)

    def predict(self, observation: Observation, begin: float, robot_tool_from_model_tool: np.ndarray) -> Chunk:
        """The chunk of an observation; begin: when work on it began (`time.perf_counter`)."""
        # Another noise for every chunk: a misreading is not repeated until the time is over.
        seed = self.seed + len(self.seconds)
        prediction = self.model.predict(observation, seed=seed)
        check_prediction(prediction, observation, self.model.card)
        chunk = chunk_from_prediction(prediction, robot_tool_from_model_tool)
        self.seconds.append(time.perf_counter() - begin)
        return chunk

    def _scene(self) -> Cell | Environment | None:
        return None

    def moved(self, pose: np.ndarray, openness: float, seconds: float) -> None:
        """Called with every command sent to the cell."""


class BlindSource(ModelSource):
    """The blind baseline: the true pose and instruction, but images of the same motion in another seed's scene."""

    def __init__(
        self, model: Policy, views: tuple[int, ...], other: Cell | Environment, seed: int = 0, steps: int | None = None
    ) -> None:
        super().__init__(model, views, seed, steps)
        self.other = other

    def _scene(self) -> Cell | Environment:
        return self.other

    def moved(self, pose, openness, seconds) -> None:
        self.other.step(pose, openness, seconds)


class ReplaySource:
    """The expert's poses, an episode recorded of the same seed, as chunks of `frames`; the controller's ceiling."""

    def __init__(self, episode: Episode, robot_tool_from_model_tool: np.ndarray, frames: int = 9) -> None:
        self.dt, self.frames = float(episode.dt), frames
        self.expert_succeeded = bool(episode.success)
        self.seconds: list[float] = []
        self.hold = ""
        self._poses = to_robot_tool(episode.poses, robot_tool_from_model_tool)
        self._model_poses, self._openness = episode.poses, episode.openness
        self._begin_ns: int | None = None

    def _frames_now(self, cell: Cell | Environment) -> np.ndarray:
        if self._begin_ns is None:
            self._begin_ns = cell.time_ns
        first = round((cell.time_ns - self._begin_ns) * 1e-9 / self.dt)
        return np.minimum(np.arange(first, first + self.frames), len(self._openness) - 1)

    def __call__(self, cell: Cell | Environment) -> Chunk:
        frames = self._frames_now(cell)
        covariance = np.repeat(1e-8 * np.eye(6)[None], self.frames, axis=0)
        return Chunk(
            cell.time_ns,
            self.dt,
            self._poses[frames],
            self._openness[frames],
            covariance,
            np.ones(self.frames, dtype=bool),
        )

    def moved(self, pose: np.ndarray, openness: float, seconds: float) -> None:
        """Called with every command sent to the cell."""


class CodecReplaySource(ReplaySource):
    """The same poses encoded as 8-bit action images at model resolution and decoded: the ceiling of the codec.

    Under a calibration error the images are encoded with the true camera poses, as a perfect model would, and decoded
    with the calibrated ones.
    """

    def __init__(
        self,
        episode: Episode,
        robot_tool_from_model_tool: np.ndarray,
        views: tuple[int, ...],
        size: tuple[int, int] = (96, 96),
        frames: int = 9,
    ) -> None:
        super().__init__(episode, robot_tool_from_model_tool, frames)
        self.views, self.size = views, size

    def __call__(self, cell: Cell | Environment) -> Chunk:
        frames = self._frames_now(cell)
        views = list(self.views)
        K = resize_intrinsics(cell.K[views], self.size[1] / cell.image_size[1], self.size[0] / cell.image_size[0])
        true = cell.world_from_camera[views]
        drawn = encode(matrix_from_pose7(self._model_poses[frames]), self._openness[frames], K, true, self.size)
        prediction = Prediction(
            stamp_ns=cell.time_ns,
            dt=self.dt,
            camera_names=tuple(cell.camera_names[view] for view in views),
            K=K,
            world_from_camera=cell.calibration[views],
            action_images=to_uint8(drawn.images),
        )
        begin = time.perf_counter()
        chunk = chunk_from_prediction(prediction, cell.robot_tool_from_model_tool)
        self.seconds.append(time.perf_counter() - begin)
        return chunk
