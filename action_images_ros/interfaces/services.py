"""The services of the ROS graph's nodes, beside the table of topics. Importing this needs no ROS."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["COMMON_SERVICES", "SERVICES", "services_of"]

SERVICES: Mapping[str, tuple[str, ...]] = {
    "arm_command": ("enable", "approve", "reject", "stop"),
    "cell": ("reset",),
    "view": ("controls/get_interactive_markers",),
}
"""What a user calls, below the node's name."""
COMMON_SERVICES = (
    "describe_parameters",
    "get_parameter_types",
    "get_parameters",
    "list_parameters",
    "set_parameters",
    "set_parameters_atomically",
    "get_type_description",
    "change_state",
    "get_state",
    "get_available_states",
    "get_available_transitions",
    "get_transition_graph",
)
"""Of parameters and lifecycle, which every node has."""


def services_of(node: str) -> tuple[str, ...]:
    """Names of all services of a node, relative to it."""
    return (*SERVICES.get(node, ()), *COMMON_SERVICES)
