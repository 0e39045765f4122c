"""The environment of the graph's processes."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Mapping
from pathlib import Path

from ..paths import share_path

__all__ = ["PROFILE", "cell_environment", "graph_environment", "isolated_environment"]


PROFILE = "FASTRTPS_DEFAULT_PROFILES_FILE"


def graph_environment(base: dict[str, str] | None = None, *, cell: bool = False) -> dict[str, str]:
    """Environment for the graph's processes: the shared-memory profile, the ament index of this installation.

    cell: nothing of it can be reached from another host. Values that the user has set win.
    """
    environment = dict(os.environ if base is None else base)
    environment.setdefault(PROFILE, str(share_path("config/fastdds_cell.xml" if cell else "config/fastdds.xml")))
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


def cell_environment(present: Mapping[str, str]) -> dict[str, str]:
    """Additional environment variables for the processes of a simulated graph, unless the user set them."""
    ours = str(share_path("config/fastdds.xml"))
    return {} if present.get(PROFILE, ours) != ours else {PROFILE: str(share_path("config/fastdds_cell.xml"))}


def isolated_environment(domain: int | None = None) -> dict[str, str]:
    """The same with a ROS_DOMAIN_ID of its own and discovery kept on this machine: no real robot can hear it."""
    environment = graph_environment(cell=True)
    environment["ROS_DOMAIN_ID"] = str(random.randint(120, 220) if domain is None else domain)
    environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    environment.pop("ROS_STATIC_PEERS", None)
    environment.pop("ROS_LOCALHOST_ONLY", None)
    return environment
