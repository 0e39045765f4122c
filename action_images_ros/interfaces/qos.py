"""Quality of service by meaning, as numbers and without ROS: what a stream is decides how it is delivered."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["QOS", "Delivery"]


class Delivery(NamedTuple):
    """History KEEP_LAST of that depth; reliable or best effort; latched (transient local) or volatile."""

    depth: int
    reliable: bool
    latched: bool = False


QOS = {
    "sensor": Delivery(2, reliable=False),  # camera images: the newest counts, a lost one is not sent again
    "state": Delivery(10, reliable=False),  # joint states and the measured pose: frequent and small
    "latched": Delivery(1, reliable=True, latched=True),  # true until said otherwise: late joiners get it too
    "command": Delivery(1, reliable=True),  # commands to the arm: every one, but never an old one
    "events": Delivery(10, reliable=True),  # diagnostics and heartbeats
    "clock": Delivery(1, reliable=False),  # simulated time, as in rclcpp's ClockQoS
}
"""By the name used in the table of topics."""
