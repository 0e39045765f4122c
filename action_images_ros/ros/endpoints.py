"""Who else publishes a topic."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node

__all__ = ["other_publishers"]

UNKNOWN = "_NODE_NAME_UNKNOWN_"
PARTICIPANT = 12
"""Bytes of an endpoint's id that name its DDS participant, here a process."""


def other_publishers(node: Node, topic: str) -> list[Any]:
    """Publishers of the resolved topic besides one of this node, as `get_publishers_info_by_topic` describes them.

    This node must publish the topic. The graph loses the name of a node when another of the same name ends in this
    process: where none is named like this node, the first one without a name is its own. A publisher of this process
    without a node is one that was just destroyed. One without a node anywhere else counts: whatever it is, it commands.
    """
    found = node.get_publishers_info_by_topic(topic)
    name = (node.get_namespace(), node.get_name())
    own = [info for info in found if (info.node_namespace, info.node_name) == name]
    own = own or [info for info in found if info.node_name == UNKNOWN][:1]
    processes = {bytes(info.endpoint_gid[:PARTICIPANT]) for info in own}
    others = [
        info
        for info in found
        if info not in own and not (info.node_name == UNKNOWN and bytes(info.endpoint_gid[:PARTICIPANT]) in processes)
    ]
    return others + own[1:]
