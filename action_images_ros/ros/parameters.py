"""Parameters of nodes: declared with description and range, read with a message that says what to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node

from ..geometry.pose import matrix_from_pose7
from ..parameter import Parameters, Spec, specs

__all__ = ["ParameterError", "checked", "choice", "declare", "declare_parameters", "names", "rotation"]


class ParameterError(ValueError):
    """A parameter whose value makes no sense; the message names it, its value and the remedy."""


Declared = TypeVar("Declared", bound=Parameters)


def declare_parameters(node: Node, kind: type[Declared]) -> Declared:
    """Declare every parameter of `kind` on the node and return their checked values. Raises ParameterError.

    An integer given for a float parameter is taken as a float, since YAML files are written by people.
    """
    values = {}
    for spec in specs(kind):
        if not node.has_parameter(spec.name):
            try:
                node.declare_parameter(spec.name, _plain(spec.default, spec), _descriptor(spec))
            except (InvalidParameterTypeException, InvalidParameterValueException) as error:
                given = node._parameter_overrides.get(spec.name)
                try:
                    spec.checked(given.value if given is not None else None)
                except ValueError as why:
                    raise ParameterError(str(why)) from None
                raise ParameterError(f"{spec.name}: {error}; {spec.description}") from None
        values[spec.name] = node.get_parameter(spec.name).value
    return checked(kind, values)


def checked(kind: type[Declared], values: Mapping[str, Any]) -> Declared:
    """An instance made of those of `values` that are its own; ParameterError instead of ValueError."""
    try:
        return kind.of(values)
    except ValueError as error:
        raise ParameterError(str(error)) from None


def _plain(value: Any, spec: Spec) -> Any:
    if spec.kind is list:
        return list(value) or [""]
    return value


def _descriptor(spec: Spec) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=spec.description,
        additional_constraints=", ".join(spec.choices),
        dynamic_typing=spec.kind in (float, list),
    )
    if spec.low is not None or spec.high is not None:
        low, high = -1e9 if spec.low is None else spec.low, 1e9 if spec.high is None else spec.high
        if spec.kind is float:
            descriptor.floating_point_range = [FloatingPointRange(from_value=float(low), to_value=float(high))]
        else:
            descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=1)]
    return descriptor


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
