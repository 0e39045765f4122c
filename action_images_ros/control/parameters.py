"""The executor of the `arm_command` node, made from the same parameter files, for runs without ROS."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from ..paths import share_path
from .acceptance import AcceptanceRules
from .executor import ChunkExecutor, ExecutorSettings
from .gripper import GripperSwitch
from .limits import Limits

__all__ = ["arm_parameters", "make_executor"]

_GRIPPER = {"gripper_close_below": "close_below", "gripper_open_above": "open_above", "gripper_dwell": "dwell_seconds"}
_RENAMED = {"max_chunk_age": "max_age_seconds"}


def arm_parameters(files: list[Path] | None = None) -> dict[str, Any]:
    """Parameters of `arm_command`, later files win; default: config/policy.yaml, then config/robots/cell.yaml."""
    merged: dict[str, Any] = {}
    for file in files or [share_path("config/policy.yaml"), share_path("config/robots/cell.yaml")]:
        content = yaml.safe_load(Path(file).read_text()) or {}
        merged.update(content.get("/**/arm_command", {}).get("ros__parameters", {}))
    return merged


def make_executor(parameters: dict[str, Any] | None = None) -> ChunkExecutor:
    """A ChunkExecutor with these parameters of `arm_command` (default: `arm_parameters()`).

    Parameters that concern only the node (rates, topics, approval) are left out; the executor's own names are those of
    the dataclasses in `control`, with `max_chunk_age` and `gripper_*` as the node calls them.
    """
    parameters = arm_parameters() if parameters is None else parameters
    parameters = {_RENAMED.get(name, name): value for name, value in parameters.items()}

    def chosen(kind) -> dict[str, Any]:
        names = {field.name for field in fields(kind)}
        return {name: value for name, value in parameters.items() if name in names}

    gripper = {own: parameters[name] for name, own in _GRIPPER.items() if name in parameters}
    return ChunkExecutor(
        Limits(**chosen(Limits)),
        settings=ExecutorSettings(**chosen(ExecutorSettings)),
        rules=AcceptanceRules(**chosen(AcceptanceRules)),
        gripper=GripperSwitch(**gripper),
    )
