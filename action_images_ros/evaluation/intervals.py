"""Confidence intervals of success rates."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

__all__ = ["wilson"]


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
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
