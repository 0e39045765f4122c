"""The environment of the graph's processes."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from ..paths import share_path

__all__ = ["graph_environment", "isolated_environment"]


def graph_environment(base: dict[str, str] | None = None) -> dict[str, str]:
    """Environment for the graph's processes: the shared-memory profile, the ament index of this installation.

    Values that the user has set win.
    """
    environment = dict(os.environ if base is None else base)
    environment.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(share_path("config/fastdds.xml")))
    prefixes = environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    if sys.prefix not in prefixes and (Path(sys.prefix) / "share" / "ament_index").is_dir():
        environment["AMENT_PREFIX_PATH"] = os.pathsep.join([*filter(None, prefixes), sys.prefix])
    environment.setdefault("PYTHONUNBUFFERED", "1")
    environment.setdefault("RCUTILS_COLORIZED_OUTPUT", "0")
    root = str(Path(__file__).resolve().parents[2])
    paths = environment.get("PYTHONPATH", "").split(os.pathsep)
    if root not in sys.path or root not in paths:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [*paths, root]))
    return environment


def isolated_environment(domain: int | None = None) -> dict[str, str]:
    """The same with a ROS_DOMAIN_ID of its own and discovery kept on this machine: no real robot can hear it."""
    environment = graph_environment()
    environment["ROS_DOMAIN_ID"] = str(random.randint(120, 220) if domain is None else domain)
    environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    environment.pop("ROS_STATIC_PEERS", None)
    environment.pop("ROS_LOCALHOST_ONLY", None)
    return environment
