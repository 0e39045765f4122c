"""Two models on the same observations and the same noise: how far their decoded poses and their pictures are apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from ..codec.decode import decode
from ..geometry.pose import matrix_from_pose7, rotation_angle
from ..policy.observation import Observation
from ..policy.prediction import Prediction
from ..policy.protocol import PaintsVideo, Policy, require

__all__ = ["POSITION_LIMIT_M", "Parity", "compare", "expert_observations"]

POSITION_LIMIT_M = 1e-3
LEVEL_LIMIT = 2
_MOMENTS = 3  # of one episode, equally far apart


@dataclass(frozen=True)
class Parity:
    """frames: predicted frames compared (the known first ones left out); decoded: those that both decode as valid;
    verdicts_differ: those that only one does. Position in mm, rotation in degrees, levels of 8 bits."""

    frames: int
    decoded: int
    verdicts_differ: int
    position_mm_median: float
    position_mm_max: float
    rotation_deg_median: float
    rotation_deg_max: float
    levels_mean: float
    levels_max: int

    @property
    def same(self) -> bool:
        """Whether both compute the same: poses within 1 mm, or images within two levels where no pose decodes."""
        if self.decoded == 0:
            return self.levels_max <= LEVEL_LIMIT
        return self.position_mm_max <= POSITION_LIMIT_M * 1e3

    def row(self) -> dict:
        """The figures as one row of a table."""
        return asdict(self)


def _predict(model: Policy, observation: Observation, seed: int, video: bool) -> Prediction:
    prediction = model.predict(observation, seed=seed)
    return require(model, PaintsVideo, "paint video").paint_video(prediction) if video else prediction


def compare(reference: Policy, other: Policy, observations: list[Observation], *, video: bool = False) -> Parity:
    """Predictions of two models, with noise of the same seeds. video: compare the pictures of the videos instead."""
    position: list[float] = []
    rotation: list[float] = []
    all_levels: list[np.ndarray] = []
    differ = 0
    for seed, observation in enumerate(observations):
        first, second = (_predict(model, observation, seed, video) for model in (reference, other))
        images = [(p.drawn if p.video is None or not video else p.video)[:, 1:] for p in (first, second)]
        all_levels.append(np.abs(images[0].astype(int) - images[1]))
        if video or len(observation.images) < 2:
            continue
        a, b = (decode(shown, first.K, first.world_from_camera) for shown in images)
        both = a.valid & b.valid
        differ += int((a.valid != b.valid).sum())
        position += list(np.linalg.norm(a.poses[both, :3] - b.poses[both, :3], axis=1) * 1e3)
        if both.any():
            turned = (matrix_from_pose7(p.poses[both])[:, :3, :3] for p in (a, b))
            rotation += list(np.degrees(rotation_angle(*turned)))
    levels = np.stack(all_levels)
    return Parity(
        levels.shape[0] * levels.shape[2],
        len(position),
        differ,
        *_spread(position),
        *_spread(rotation),
        float(levels.mean()),
        int(levels.max()),
    )


def expert_observations(count: int, size: tuple[int, int], views: int = 2, seed: int = 7_000_000) -> list[Observation]:
    """What a model sees while the experts of the cell work: `count` observations, a few of each episode, tasks in turn.

    size: (H, W) px. Raises ValueError for a number of views that the cell does not have.
    """
    if not 2 <= views <= 4:
        raise ValueError(f"views is {views}; the simulated cell has 2 to 4 cameras")
    from ..cell.demonstrate import demonstrate
    from ..cell.tasks.registry import TASKS

    observations: list[Observation] = []
    for index in range(-(-count // _MOMENTS)):
        episode = demonstrate(list(TASKS)[index % len(TASKS)], seed + index, size=size, cameras=views)
        for moment in range(_MOMENTS):
            frame = moment * episode.frames // _MOMENTS
            observations.append(
                Observation(
                    0,
                    episode.camera_names,
                    episode.images[:, frame],
                    episode.K,
                    episode.world_from_camera,
                    episode.poses[frame],
                    float(episode.openness[frame]),
                    episode.instruction,
                )
            )
    return observations[:count]


def _spread(values: list[float]) -> tuple[float, float]:
    return (float(np.median(values)), float(np.max(values))) if values else (0.0, 0.0)
