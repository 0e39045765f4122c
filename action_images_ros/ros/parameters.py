"""Parameters of nodes: declared with description and range, read with a message that says what to change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node

from ..geometry.pose import matrix_from_pose7

__all__ = ["ParameterError", "choice", "declare", "names", "rotation"]


class ParameterError(ValueError):
    """A parameter whose value makes no sense; the message names it, its value and the remedy."""


def declare(
    node: Node, name: str, default: Any, what: str, *, low: float | None = None, high: float | None = None
) -> Any:
    """Declare a parameter and return its value; `low` and `high` are inclusive. Raises ParameterError.

    An integer given for a float parameter is taken as a float, since YAML files are written by people.
    """
    descriptor = ParameterDescriptor(description=what)
    if low is not None or high is not None:
        lowest, highest = -1e9 if low is None else low, 1e9 if high is None else high
        if isinstance(default, float):
            descriptor.floating_point_range = [FloatingPointRange(from_value=float(lowest), to_value=float(highest))]
        else:
            descriptor.integer_range = [IntegerRange(from_value=int(lowest), to_value=int(highest), step=1)]
    descriptor.dynamic_typing = isinstance(default, float | list)
    if node.has_parameter(name):
        return _typed(name, node.get_parameter(name).value, default, what)
    try:
        value = node.declare_parameter(name, default, descriptor).value
    except InvalidParameterTypeException as error:
        raise ParameterError(f"{name}: {error}; {what}") from None
    except InvalidParameterValueException as error:
        limits = (
            f"between {low} and {high}"
            if None not in (low, high)
            else f"at least {low}"
            if high is None
            else f"at most {high}"
        )
        raise ParameterError(f"{name} must be {limits} ({what}): {error}") from None
    return _typed(name, value, default, what, low, high)


def _typed(name: str, value: Any, default: Any, what: str, low: float | None = None, high: float | None = None) -> Any:
    if isinstance(default, float):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(f"{name} is {value!r}; give a number: {what}")
        value = float(value)
        if not np.isfinite(value) or (low is not None and value < low) or (high is not None and value > high):
            raise ParameterError(f"{name} is {value}; give a number from {low} to {high}: {what}")
        return value
    if isinstance(default, list):
        if isinstance(value, str | int | float) or value is None:
            raise ParameterError(f"{name} is {value!r}; give a list: {what}")
        return list(value)
    return value


def names(parameter: str, value: Sequence[str]) -> tuple[str, ...]:
    """A list of distinct, non-empty names; an empty string stands for an empty list (YAML cannot write one)."""
    result = tuple(str(name) for name in value if str(name))
    if len(set(result)) != len(result):
        raise ParameterError(f"{parameter} is {list(value)}; give every name once")
    return result


def choice(parameter: str, value: str, allowed: Sequence[str]) -> str:
    """One of the allowed words."""
    if value not in allowed:
        raise ParameterError(f"{parameter} is {value!r}; choose one of {', '.join(allowed)}")
    return value


def rotation(parameter: str, value: Sequence[float]) -> np.ndarray:
    """Rotation `[3, 3]` of a quaternion xyzw."""
    try:
        quaternion = np.array(value, dtype=np.float64)
        if quaternion.shape != (4,):
            raise ValueError("it needs four numbers")
        return matrix_from_pose7(np.concatenate([np.zeros(3), quaternion]))[:3, :3]
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{parameter} is {list(value)}; give a quaternion x y z w of length 1: {error}") from None
