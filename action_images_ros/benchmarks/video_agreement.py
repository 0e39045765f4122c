"""How well certainty and the agreement of the video foresee that a chunk is wrong; a third of the chunks is spoilt.

Chunks are predicted of scenes of the cell, two of each: at its start, and where the expert is a chunk later. The truth
is the expert's motion from the same state. A spoilt chunk is predicted of an observation with one fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..cell.cell import ROBOT_TOOL_FROM_MODEL_TOOL, Cell
from ..evaluation.chunk_sources import observe_cell
from ..geometry.arrays import Bools, Floats
from ..policy.agreement import video_agreement
from ..policy.decoding import chunk_from_prediction
from ..policy.observation import Observation
from ..policy.protocol import Labels, PaintsVideo, Policy, require

__all__ = ["SPOILS", "area_under_roc", "measure", "summarise"]

WRONG_M = 0.03
"""Median distance to the expert (m) from which on a chunk counts as wrong."""


def _occluded(seen: Observation, rng: np.random.Generator) -> Observation:
    """Something grey stands before one camera."""
    images = seen.images.copy()
    height, width = images.shape[1:3]
    y, x = rng.integers(0, height // 2), rng.integers(0, width // 2)
    images[rng.integers(len(images)), y : y + height // 2, x : x + width // 2] = 128
    return replace(seen, images=images)


def _moved(seen: Observation, rng: np.random.Generator) -> Observation:
    """One camera stands 10 cm beside where it is said to be."""
    poses = seen.world_from_camera.copy()
    poses[rng.integers(len(poses)), :3, 3] += 0.1 * _direction(rng)
    return replace(seen, world_from_camera=poses)


def _exchanged(seen: Observation, rng: np.random.Generator) -> Observation:
    """Two cameras are taken for each other."""
    return replace(seen, images=seen.images[::-1].copy())


def _misplaced(seen: Observation, rng: np.random.Generator) -> Observation:
    """The measured pose of the arm is 10 cm wrong."""
    pose = np.array(seen.tool_pose)
    pose[:3] += 0.1 * _direction(rng)
    return replace(seen, tool_pose=pose)


def _direction(rng: np.random.Generator) -> Floats:
    direction = rng.normal(size=3)
    return np.asarray(direction / np.linalg.norm(direction))


SPOILS: dict[str, Callable[[Observation, np.random.Generator], Observation]] = {
    "occluded": _occluded,
    "camera moved": _moved,
    "cameras exchanged": _exchanged,
    "arm misplaced": _misplaced,
}


def measure(policy: Policy, tasks: Sequence[str], count: int, *, seed: int = 0) -> Iterator[dict[str, object]]:
    """Yield a row per chunk: spoil (or ""); medians of its frames: error_m against the expert, sigma_m, agreement_m.

    What cannot be decoded has an infinite figure. Raises ValueError for a policy that paints no video or reads none.
    """
    painter = require(policy, PaintsVideo, "paint videos")
    reader = require(policy, Labels, "read the arm off videos")
    kinds = list(SPOILS)
    for number in range(0, count, 2):
        with Cell(tasks[number // 2 % len(tasks)], seed + number // 2, cameras=2) as cell:
            for half in range(min(2, count - number)):
                rng = np.random.default_rng([seed, number + half])
                kind = kinds[(number + half) // 3 % len(kinds)] if (number + half) % 3 == 0 else ""
                seen = observe_cell(cell, (0, 1), policy.card.image_size)
                shown = SPOILS[kind](seen, rng) if kind else seen
                filmed = painter.paint_video(policy.predict(shown, seed=number + half))
                chunk = chunk_from_prediction(filmed, ROBOT_TOOL_FROM_MODEL_TOOL)
                agreement = video_agreement(reader, filmed, shown, seed=number + half).median_m
                truth = _expert(cell, len(chunk), chunk.dt)
                good = chunk.valid[1:]
                apart = np.linalg.norm(chunk.poses[1:, :3] - truth[1:], axis=1)[good]
                yield {
                    "task": cell.task,
                    "spoil": kind,
                    "error_m": _median(apart),
                    "sigma_m": _median(chunk.sigma_position[1:][good]),
                    "agreement_m": agreement if np.isfinite(agreement) else float("inf"),
                }


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else float("inf")


def _expert(cell: Cell, frames: int, dt: float) -> Floats:
    """Positions `[frames, 3]` m of the tool under the expert from now on; the cell is then at the last."""
    expert, ticks = cell.expert(), round(dt / cell.control_period)
    positions = [np.array(cell.tcp_pose[:3])]
    for _ in range(frames - 1):
        for _ in range(ticks):
            cell.step(*expert.target(cell), cell.control_period)
        positions.append(np.array(cell.tcp_pose[:3]))
    return np.array(positions)


def area_under_roc(score: Floats, positive: Bools) -> float:
    """Probability that a positive `[N]` has a higher score `[N]` than a negative one; ties count half. NaN without
    either."""
    high, low = score[positive][:, None], score[~positive][None]
    if not high.size or not low.size:
        return float("nan")
    return float(np.mean((high > low) + 0.5 * (high == low)))


def summarise(rows: Sequence[dict[str, object]]) -> dict[str, object]:
    """Areas under the ROC of sigma, agreement and the mean of their ranks, for wrong chunks and for spoilt ones."""
    error, sigma, agreement = (
        np.array([float(str(row[key])) for row in rows]) for key in ("error_m", "sigma_m", "agreement_m")
    )
    ranks = [np.searchsorted(np.sort(values), values) for values in (sigma, agreement)]
    scores = {"sigma": sigma, "agreement": agreement, "both": np.mean(ranks, axis=0)}
    spoilt = np.array([bool(row["spoil"]) for row in rows])
    wrong = error > WRONG_M
    return {
        "chunks": len(rows),
        "spoilt": int(spoilt.sum()),
        "wrong": int(wrong.sum()),
        "wrong_of_spoilt": int((wrong & spoilt).sum()),
        **{f"auc_wrong_{name}": round(area_under_roc(score, wrong), 3) for name, score in scores.items()},
        **{f"auc_spoilt_{name}": round(area_under_roc(score, spoilt), 3) for name, score in scores.items()},
    }
