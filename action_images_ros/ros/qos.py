"""Quality of service by meaning, as rclpy's profiles: what a stream is decides how it is delivered (qos_table)."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from ..interfaces.qos import QOS, Delivery

__all__ = ["CLOCK", "COMMAND", "EVENTS", "LATCHED", "PROFILES", "SENSOR", "STATE", "deeper", "volatile"]


def _profile(delivery: Delivery) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=delivery.depth,
        reliability=ReliabilityPolicy.RELIABLE if delivery.reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if delivery.latched else DurabilityPolicy.VOLATILE,
    )


PROFILES = {name: _profile(delivery) for name, delivery in QOS.items()}
"""The profiles by the name used in the table of topics."""
SENSOR, STATE, LATCHED = PROFILES["sensor"], PROFILES["state"], PROFILES["latched"]
COMMAND, EVENTS, CLOCK = PROFILES["command"], PROFILES["events"], PROFILES["clock"]


def deeper(profile: QoSProfile, depth: int) -> QoSProfile:
    """The same delivery for a listener that must not miss anything while it is busy."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=profile.reliability, durability=profile.durability
    )


def volatile(profile: QoSProfile) -> QoSProfile:
    """The same delivery for a listener that matches publishers of both durabilities, late ones' old messages apart."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=profile.depth,
        reliability=profile.reliability,
        durability=DurabilityPolicy.VOLATILE,
    )
