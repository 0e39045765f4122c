"""The nodes of the ROS graph. Importing this module needs no ROS.

The launch files and `action-images up` start the same processes from this table; docs/nodes.md is compared with it.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PARENT_VARIABLE", "NODES", "NodeSpec", "nodes_for"]

PARENT_VARIABLE = "ACTION_IMAGES_PARENT"
"""Process id whose end ends a node too: whoever started it sets it, so that nothing commands an arm unattended."""


@dataclass(frozen=True)
class NodeSpec:
    """One process of the graph: `python -m module`, or `executable` of the installed package.

    essential: whether its end ends the graph. control, label: whether it runs when the arm is controlled, and when a
    recording is labelled.
    """

    name: str
    executable: str
    what: str
    cell_only: bool = False
    robot_only: bool = False
    essential: bool = True
    control: bool = True
    label: bool = False

    @property
    def module(self) -> str:
        """The module whose main() is the node."""
        return f"action_images_ros.nodes.{self.executable}"


NODES: tuple[NodeSpec, ...] = (
    NodeSpec("cell", "cell_node", "the simulated cell: cameras, arm and task", cell_only=True),
    NodeSpec("policy", "policy_node", "camera images to action images (the only one that loads torch)"),
    NodeSpec("decoder", "decoder_node", "action images to poses with confidence", label=True),
    NodeSpec("arm_command", "arm_command_node", "poses to limited commands at a fixed rate"),
    NodeSpec(
        "robot_bridge",
        "robot_bridge_node",
        "commands in the type and units of the robot's own drivers, its pose "
        "back; only with a section robot_bridge in the robot's file",
        robot_only=True,
    ),
    NodeSpec("view", "view_node", "plays what the model predicts", label=True, essential=False),
    NodeSpec(
        "label", "label_node", "replayed camera images to labels, in the policy's place", control=False, label=True
    ),
)


def nodes_for(robot: str, label: bool = False) -> tuple[NodeSpec, ...]:
    """The nodes that control `robot`: "cell" has them all, any other name every node but the cell; with `label` those
    that label its recordings."""
    if not robot:
        raise ValueError("robot is empty; give 'cell' or the name of a file in config/robots, e.g. franka")
    if label:
        return tuple(node for node in NODES if node.label)
    in_cell = robot == "cell"
    return tuple(node for node in NODES if node.control and not (node.robot_only if in_cell else node.cell_only))
