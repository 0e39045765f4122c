"""ROS parameters of nodes: declaration with description and range, errors that name value and remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from ..geometry.pose import matrix_from_pose7
from ..parameter import Parameters, Spec, specs

__all__ = ["ParameterError", "checked", "declare_parameters", "rotation", "typed"]


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
            given = node._parameter_overrides.get(spec.name)
            if given is not None:
                node._parameter_overrides[spec.name] = typed(given, spec)
            try:
                node.declare_parameter(spec.name, _plain(spec.default, spec), _descriptor(spec))
            except (InvalidParameterTypeException, InvalidParameterValueException) as error:
                try:
                    spec.checked(given.value if given is not None else None)
                except ValueError as why:
                    raise ParameterError(str(why)) from None
                raise ParameterError(f"{spec.name}: {error}; {spec.description}") from None
        values[spec.name] = node.get_parameter(spec.name).value
    return checked(kind, values)


def typed(given: Parameter, spec: Spec) -> Parameter:
    """The parameter with whole numbers as floats where it has such: people write `1` for `1.0`."""
    value = given.value
    if spec.kind is float and isinstance(value, int) and not isinstance(value, bool):
        return Parameter(given.name, value=float(value))
    if spec.kind is list and spec.item is float and given.type_ == Parameter.Type.INTEGER_ARRAY:
        return Parameter(given.name, value=[float(entry) for entry in value])
    return given


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


def rotation(parameter: str, value: Sequence[float]) -> np.ndarray:
    """Rotation `[3, 3]` of a quaternion xyzw."""
    try:
        quaternion = np.array(value, dtype=np.float64)
        if quaternion.shape != (4,):
            raise ValueError("it needs four numbers")
        return matrix_from_pose7(np.concatenate([np.zeros(3), quaternion]))[:3, :3]
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{parameter} is {list(value)}; give a quaternion x y z w of length 1: {error}") from None
