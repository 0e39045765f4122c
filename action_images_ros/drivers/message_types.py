"""Message, service and action types by name, with the package to install where one is missing.

The types of foreign drivers are looked up when they are used: no module of this package imports them.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["MissingType", "interface_type"]

_APT = {
    "control_msgs": "ros-jazzy-control-msgs",
    "moveit_msgs": "ros-jazzy-moveit-msgs",
    "franka_msgs": "franka_ros2's franka_msgs",
    "xarm_msgs": "xarm_ros2's xarm_msgs",
    "tf2_msgs": "ros-jazzy-tf2-msgs",
}


class MissingType(ImportError):
    """An interface package is not installed; the message names it and how to get it."""


def interface_type(name: str) -> Any:
    """The class of such as `control_msgs/action/GripperCommand`. Raises MissingType or ValueError."""
    package, _, rest = name.partition("/")
    kind, _, message = rest.partition("/")
    if not package or kind not in ("msg", "srv", "action") or not message:
        raise ValueError(f"type is {name!r}; give PACKAGE/msg|srv|action/NAME")
    remedy = _APT.get(package, f"ros-jazzy-{package.replace('_', '-')}")
    try:
        module = importlib.import_module(f"{package}.{kind}")
    except ImportError as error:
        raise MissingType(
            f"{package} cannot be imported ({error}); install {remedy} and source the workspace "
            "before starting the graph"
        ) from None
    try:
        return getattr(module, message)
    except AttributeError:
        raise MissingType(f"{name} does not exist in the installed {package}; install a newer {remedy}") from None
