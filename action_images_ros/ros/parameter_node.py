"""A node whose parameters are declared by classes, checked as a whole, and set live where the node allows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter

from ..parameter import Parameters, refuse_unknown, specs
from .guarded_node import GuardedNode
from .node_parameters import NODE_PARAMETERS, allowed_names
from .parameters import ParameterError, checked, declare_parameters, typed

__all__ = ["ParameterNode"]

Declared = TypeVar("Declared", bound=Parameters)


class ParameterNode(GuardedNode):
    """A node calls `parameters(Class)` in configure() for each of its classes (`node_parameters`).

    Setting one later is checked as a whole, the class made anew of all its values. Names in `live_parameters` may be
    set while the node is configured, and `parameters_changed` then acts on them; others are refused until cleanup.
    """

    live_parameters: frozenset[str] = frozenset()

    def __init__(self, name: str, **kwargs: Any) -> None:
        self._declared: list[type[Parameters]] = []
        self._state = "unconfigured"
        super().__init__(name, **kwargs)

    def parameters(self, kind: type[Declared]) -> Declared:
        """Declare the parameters of a class and return their values. Raises ParameterError."""
        values = declare_parameters(self, kind)
        if kind not in self._declared:
            if not self._declared:
                self.add_pre_set_parameters_callback(self._typed_parameters)
                self.add_on_set_parameters_callback(self._judge_parameters)
                self.add_post_set_parameters_callback(self._apply_parameters)
            self._declared.append(kind)
        return values

    def refuse_parameters(self, given: Mapping[str, Any]) -> None:
        """Raise ValueError with the reason when these live parameters, right by themselves, cannot be set now."""

    def parameters_changed(self, names: set[str]) -> None:
        """Act on live parameters that were set; their values are checked. Called outside of any lock."""

    def _typed_parameters(self, parameters: list[Parameter]) -> list[Parameter]:
        known = {spec.name: spec for kind in self._declared for spec in specs(kind)}
        return [typed(given, known[given.name]) if given.name in known else given for given in parameters]

    def _judge_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        given = {parameter.name: parameter.value for parameter in parameters}
        for kind in self._declared:
            own = {spec.name for spec in specs(kind)}
            if not own & set(given):
                continue
            fixed = (own & set(given)) - self.live_parameters
            if fixed and self._state in ("inactive", "active"):
                name = min(fixed)
                return SetParametersResult(
                    successful=False,
                    reason=f"{name} is fixed while the node is configured; set it in the parameter file, or clean the "
                    f"node up first (ros2 lifecycle set {self.get_fully_qualified_name()} cleanup)",
                )
            try:
                checked(kind, {name: self.get_parameter(name).value for name in own} | given)
            except ParameterError as error:
                return SetParametersResult(successful=False, reason=str(error))
        try:
            if self._state in ("inactive", "active"):
                self.refuse_parameters(given)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _apply_parameters(self, parameters: list[Parameter]) -> None:
        names = {parameter.name for parameter in parameters} & self.live_parameters
        if names and self._state in ("inactive", "active"):
            self.guarded("parameters", self.parameters_changed)(names)

    def _refuse_undeclared(self) -> None:
        """Refuse a parameter given to this node that no node of the graph has: it would be ignored in silence."""
        if self.get_name() in NODE_PARAMETERS:
            given = [name for name in self._parameter_overrides if "." not in name]
            unknown = [name for name in given if name not in allowed_names()]  # a /** section is for all nodes
            refuse_unknown(unknown, allowed_names(self.get_name()), self.get_name())
