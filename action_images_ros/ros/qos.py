"""Quality of service by meaning: what a stream is decides how it is delivered."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

__all__ = ["CLOCK", "COMMAND", "EVENTS", "LATCHED", "PROFILES", "SENSOR", "STATE"]


def _profile(depth: int, *, reliable: bool, latched: bool = False) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE)


SENSOR = _profile(2, reliable=False)
"""Camera images: the newest counts, a lost one is not sent again."""
STATE = _profile(10, reliable=False)
"""Joint states and the measured pose: frequent and small."""
LATCHED = _profile(1, reliable=True, latched=True)
"""What stays true until said otherwise (instruction, camera pose, the present chunk): late joiners get it too."""
COMMAND = _profile(1, reliable=True)
"""Commands to the arm: every one, but never an old one."""
EVENTS = _profile(10, reliable=True)
"""Diagnostics and heartbeats."""
CLOCK = _profile(1, reliable=False)
"""Simulated time, as in rclcpp's ClockQoS."""

PROFILES = {"sensor": SENSOR, "state": STATE, "latched": LATCHED, "command": COMMAND, "events": EVENTS,
            "clock": CLOCK}
"""The profiles by the name used in the table of topics."""
