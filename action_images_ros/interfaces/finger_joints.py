"""Openness of the gripper from the positions of its finger joints in joint_states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["joint_sum", "openness_from_joints"]


def joint_sum(message: Any, names: Sequence[str]) -> float:
    """Sum of the positions of the named joints (m or rad); ValueError when one is missing or not finite."""
    positions = dict(zip(message.name, message.position, strict=False))
    missing = [name for name in names if name not in positions]
    if missing:
        raise ValueError(f"joint_states lacks {missing} (finger_joints); it has {sorted(positions)}")
    total = float(sum(positions[name] for name in names))
    if not np.isfinite(total):
        raise ValueError(f"joint_states gives {[positions[name] for name in names]} for {list(names)}; not finite")
    return total


def openness_from_joints(total: float, closed: float, opened: float) -> float:
    """Openness 0..1 of the finger joints' sum; up to 10 % beyond the range is taken as its end, ValueError further out.

    closed, opened: that sum for the closed and the open gripper (finger_closed, finger_open).
    """
    openness = (total - closed) / (opened - closed)
    if not -0.1 <= openness <= 1.1:
        raise ValueError(
            f"the finger joints sum up to {total:.4f}, far outside finger_closed {closed:g}"
            f" to finger_open {opened:g}; set both to what the gripper reports"
        )
    return float(np.clip(openness, 0.0, 1.0))
