"""Confidence intervals of success rates, and of medians and means over episodes."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from ..geometry.arrays import Array

__all__ = ["bootstrap", "wilson"]


def wilson(successes: float, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a rate, as (low, high) in [0, 1].

    Unlike the normal approximation it stays honest near 0 and 1 and for few trials (Wilson 1927; Brown, Cai and
    DasGupta, "Interval estimation for a binomial proportion", 2001). Raises ValueError on impossible counts.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"successes is {successes} of {trials} trials; give at least 1 trial and 0..trials successes")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; give a number between 0 and 1, usually 0.95")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = successes / trials
    centre = (rate + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap(
    values: npt.ArrayLike,
    episodes: npt.ArrayLike,
    statistic: str = "mean",
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval (low, high) of the "mean" or "median" of values [N].

    Whole episodes are drawn with replacement, not values: the frames of one episode err together. episodes: [N] labels.
    NaN values are left out; (NaN, NaN) where none is left. Deterministic for a seed (Efron 1979; cluster bootstrap).
    """
    samples, of_episode = np.asarray(values, float), np.asarray(episodes)
    if samples.shape != of_episode.shape or samples.ndim != 1:
        raise ValueError(f"values has shape {samples.shape} and episodes {of_episode.shape}; give one label per value")
    if statistic not in ("mean", "median"):
        raise ValueError(f"statistic is {statistic!r}; give mean or median")
    keep = ~np.isnan(samples)
    if not keep.any():
        return float("nan"), float("nan")
    order = np.argsort(samples[keep])
    ordered, labels = samples[keep][order], np.unique(of_episode[keep], return_inverse=True)[1][order]
    number = int(labels.max()) + 1
    times = np.random.default_rng(seed).multinomial(number, np.full(number, 1 / number), size=resamples)
    if statistic == "mean":  # times: how often each episode was drawn, [resamples, episodes]
        drawn = (times @ np.bincount(labels, ordered)) / (times @ np.bincount(labels))
    else:
        drawn = np.concatenate([_weighted_medians(ordered, some[:, labels]) for some in np.array_split(times, 20)])
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _weighted_medians(ordered: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Medians [R] of ordered values [N], each counted as often as weights [R, N] say."""
    below = np.cumsum(weights, axis=1)
    half = below[:, -1:] / 2
    medians: Array = (ordered[(below < half).sum(axis=1)] + ordered[(below <= half).sum(axis=1)]) / 2
    return medians
