"""The executor of the `arm_command` node, made from the same parameter files, for runs without ROS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..paths import share_path
from ..safe_files import load_yaml
from .chunk_check import ChunkCheck
from .executor import ChunkExecutor
from .settings import AcceptanceRules, ExecutorSettings, GripperSettings, Limits

__all__ = ["arm_parameters", "make_executor"]


def arm_parameters(files: list[Path] | None = None) -> dict[str, Any]:
    """Parameters of `arm_command`, later files win; default: config/policy.yaml, then config/robots/cell.yaml."""
    merged: dict[str, Any] = {}
    for file in files or [share_path("config/policy.yaml"), share_path("config/robots/cell.yaml")]:
        content = load_yaml(file) or {}
        merged.update(content.get("/**/arm_command", {}).get("ros__parameters", {}))
    return merged


def make_executor(
    parameters: dict[str, Any] | None = None, *, period_s: float, check: ChunkCheck | None = None
) -> ChunkExecutor:
    """A ChunkExecutor with these parameters of `arm_command` (default: `arm_parameters()`).

    Parameters that concern only the node (rates, topics, approval) are left out. period_s: the cell's control period;
    check: see `ChunkExecutor`.
    """
    parameters = arm_parameters() if parameters is None else parameters
    return ChunkExecutor(
        Limits.of(parameters),
        period_s=period_s,
        settings=ExecutorSettings.of(parameters),
        rules=AcceptanceRules.of(parameters),
        gripper=GripperSettings.of(parameters),
        check=check,
    )
