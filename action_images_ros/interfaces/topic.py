"""One topic of the ROS graph, its name for a camera and its message class. Importing this needs no ROS."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

__all__ = ["Topic", "message_type", "topic_name"]


@dataclass(frozen=True)
class Topic:
    """One topic. `<cam>` in the name stands for every camera; names are relative unless they begin with `/`.

    qos: a name of `ros.qos.PROFILES`. publishers and subscribers: nodes of this package, besides those in
    `outside` ("driver", "user", "rviz"). robot_bridge stands in the driver's place wherever "driver" is named.
    instead: nodes that publish in the publishers' place, such as `policy` where its model predicts poses.
    """

    name: str
    type: str
    qos: str
    publishers: tuple[str, ...]
    subscribers: tuple[str, ...]
    stamp: str = ""
    outside: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()

    @property
    def said_by_user(self) -> bool:
        """Whether a person publishes it, perhaps with a tool that offers volatile messages only."""
        return self.qos == "latched" and "user" in self.outside and not self.publishers


def topic_name(name: str, camera: str | None = None) -> str:
    """The topic's name for one camera."""
    if ("<cam>" in name) != (camera is not None):
        raise ValueError(f"topic {name!r} with camera {camera!r}; give a camera exactly where the name has <cam>")
    return name.replace("<cam>", camera) if camera is not None else name


def message_type(name: str) -> type:
    """The message class of e.g. `sensor_msgs/msg/Image`."""
    package, kind, message = name.split("/")
    found: type = getattr(importlib.import_module(f"{package}.{kind}"), message)
    return found
