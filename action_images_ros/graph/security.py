"""The SROS2 policy of the graph that `action-images up` or the launch file would start."""

from __future__ import annotations

from collections.abc import Sequence

from ..interfaces.security import sros2_policy
from .options import GraphOptions, effective_parameters, processes

__all__ = ["policy_of"]


def policy_of(
    robot: str,
    *,
    namespace: str | None = None,
    cameras: tuple[str, ...] = (),
    params_file: str = "",
    label: bool = False,
) -> str:
    """The policy file's text (XML) for these options. ValueError on a wrong one."""
    specs = processes(
        GraphOptions(robot=robot, namespace=namespace, cameras=cameras, params_file=params_file, label=label)
    )
    parameters = {spec.node.name: effective_parameters(spec) for spec in specs}
    names: Sequence[str] = next(iter(values["cameras"] for values in parameters.values() if "cameras" in values), [])
    return sros2_policy(robot, specs[0].namespace, names, bridge=parameters.get("robot_bridge"), label=label)
