"""Accuracy of the decoder on synthetic frames, with the Cramer-Rao bound.

The frames are encoded exactly and then degraded in one of several ways (`codec.synthetic`).

The bound (`codec.bound`) is that of three full Gaussians per view in stationary noise of the generator's spectrum plus
the rounding to 8 bits. It ignores the clipping and that the blue blob is cut off at its pedestal; the cut is a contour
that can carry more information about the position than the missing foot of the Gaussian, so ratios slightly below 1 are
possible.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np

from ..codec.bound import blob_information, pose_bound
from ..codec.decode import decode
from ..codec.published import decode_published
from ..codec.synthetic import GARBAGE, KINDS, Kind, generate, noise_length
from ..geometry.arrays import Array
from ..metrics.poses import pose_errors

__all__ = ["Scores", "decoder_table", "evaluate_kind"]


class Scores(NamedTuple):
    """Errors of one kind, one entry per frame; `summary` makes plain numbers of them."""

    position: np.ndarray
    rotation: np.ndarray
    nees: np.ndarray
    openness_right: np.ndarray
    valid: np.ndarray
    bound_position: np.ndarray
    bound_rotation: np.ndarray
    published_position: np.ndarray
    published_axis: np.ndarray
    published_openness_right: np.ndarray
    seconds: np.ndarray

    def summary(self) -> dict:
        """Medians and 95th percentiles in mm and degrees, their ratio to the bound, shares, NEES of
        valid frames, milliseconds of processor time."""
        row: dict[str, Any] = {}
        for name, values, unit in (("position_mm", self.position, 1e3), ("rotation_deg", self.rotation, 180 / np.pi)):
            bound = getattr(self, "bound_" + name.split("_")[0]) * unit
            values = values * unit
            row[f"{name}_median"], row[f"{name}_p95"] = np.nanmedian(values), np.nanpercentile(values, 95)
            row[f"{name}_bound_median"], row[f"{name}_bound_p95"] = np.median(bound), np.percentile(bound, 95)
            row[f"{name}_median_ratio"] = row[f"{name}_median"] / row[f"{name}_bound_median"]
            row[f"{name}_p95_ratio"] = row[f"{name}_p95"] / row[f"{name}_bound_p95"]
        row["nees"] = np.mean(self.nees[self.valid]) if self.valid.any() else float("nan")
        row["openness_right"] = self.openness_right.mean()
        row["valid"] = self.valid.mean()
        row["published_position_mm_median"] = np.median(self.published_position) * 1e3
        row["published_axis_deg_median"] = np.degrees(np.median(self.published_axis))
        row["published_openness_right"] = self.published_openness_right.mean()
        row["ms_per_frame"] = 1e3 * np.median(self.seconds)
        return {key: float(value) for key, value in row.items()}


def evaluate_kind(
    kind: Kind | str, frames: int = 500, seed: int = 0, chunk: int = 20, draws: int = 40, published: bool = True
) -> Scores:
    """Decode `frames` generated frames in chunks of `chunk`, each before another rig, and compare with the truth."""
    rng = np.random.default_rng(seed)
    kind = KINDS[kind] if isinstance(kind, str) and kind in KINDS else kind
    columns: list[list[Array]] = [[] for _ in Scores._fields]
    for _ in range(-(-frames // chunk)):
        data = generate(kind, chunk, rng)
        start = time.process_time()
        decoded = decode(data.images, data.K, data.E)
        seconds = (time.process_time() - start) / chunk
        position, rotation, nees = pose_errors(decoded, data.world_from_tool)
        bound_position, bound_rotation = np.ones(chunk), np.ones(chunk)
        if isinstance(kind, Kind):
            seen = (data.images.max((1, 2, 3)) > 0.3 * 255 * kind.fade) if kind.missing else None
            covariance = pose_bound(
                data.world_from_tool,
                data.K,
                data.E,
                blob_information(kind.size, kind.noise, noise_length(kind), kind.fade),
                seen,
            )
            sample = np.linalg.cholesky(covariance) @ rng.standard_normal((chunk, 6, draws))
            bound_position = np.linalg.norm(sample[:, :3], axis=1).ravel()
            bound_rotation = np.linalg.norm(sample[:, 3:], axis=1).ravel()
        other = np.full(chunk, np.nan), np.full(chunk, np.nan), np.zeros(chunk, bool)
        if published:
            theirs = decode_published(data.images, data.K, data.E)
            cosine = np.sum(theirs.x_axis * data.world_from_tool[:, :3, 0], axis=1)
            other = (
                np.linalg.norm(theirs.position - data.world_from_tool[:, :3, 3], axis=1),
                np.arccos(np.clip(cosine, -1, 1)),
                (theirs.openness > 0.5) == (data.openness > 0.5),
            )
        row = (
            position,
            rotation,
            nees,
            (decoded.openness > 0.5) == (data.openness > 0.5),
            decoded.valid,
            bound_position,
            bound_rotation,
            *other,
            np.array([seconds]),
        )
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return Scores(*(np.concatenate(column) for column in columns))


def decoder_table(frames: int = 500, seed: int = 0, kinds=None, progress=None) -> list[dict]:
    """Rows of the decoder table: one dict per kind (see `Scores.summary`), garbage kinds with `valid` only.

    progress: called with each kind's name before it is computed.
    """
    rows = []
    for name in (*KINDS, *GARBAGE) if kinds is None else kinds:
        if progress is not None:
            progress(name)
        scores = evaluate_kind(name, frames, seed)
        if name in GARBAGE:
            rows.append(
                {
                    "kind": name,
                    "label": GARBAGE[name],
                    "garbage": True,
                    "frames": len(scores.valid),
                    "valid": float(scores.valid.mean()),
                    "ms_per_frame": float(1e3 * np.median(scores.seconds)),
                }
            )
        else:
            kind = KINDS[name]
            rows.append(
                {
                    "kind": name,
                    "label": kind.label,
                    "garbage": False,
                    "frames": len(scores.valid),
                    "views": kind.views,
                    "size": list(kind.size),
                    **scores.summary(),
                }
            )
    return rows
