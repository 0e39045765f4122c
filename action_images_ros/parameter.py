"""Parameters declared once, as typed classes: default, meaning, unit and range of every name, without ROS.

    class Rates(Parameters):
        rate: float = parameter(100.0, "commands per second", "Hz", 10.0, 500.0)

An instance is checked when it is made. Nodes declare their ROS parameters from such classes (`ros/parameters.py`),
parameter files and the tables of the documentation are checked against them.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, dataclass_transform

__all__ = ["Parameters", "Spec", "parameter", "refuse_unknown", "shown", "specs"]

_SHOWN = 100  # characters of a wrong value in a message


def shown(value: Any) -> str:
    """A value in a message: as Python writes it, a long one cut short with its length."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}.. ({len(text):,} characters)"


@dataclasses.dataclass(frozen=True)
class Spec:
    """What is declared about one parameter. kind: float, int, bool, str or list; low and high are inclusive."""

    name: str
    kind: type
    default: Any
    what: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    item: type = str

    @property
    def description(self) -> str:
        """Meaning with unit and choices, one line."""
        return (
            self.what
            + (f", {self.unit}" if self.unit else "")
            + (f" ({' or '.join(self.choices)})" if self.choices else "")
        )

    def checked(self, value: Any) -> Any:
        """The value in its own type; ValueError that names the parameter, the value and the remedy."""
        if self.kind is list:
            return self._list(value)
        if self.kind is bool:
            if not isinstance(value, bool):
                raise ValueError(f"{self.name} is {shown(value)}; give true or false: {self.description}")
            return value
        if self.kind is str:
            if not isinstance(value, str):
                raise ValueError(f"{self.name} is {shown(value)}; give text: {self.description}")
            if self.choices and value not in self.choices:
                raise ValueError(f"{self.name} is {shown(value)}; choose one of {', '.join(self.choices)}")
            return value
        return self._number(value)

    def _number(self, value: Any) -> float | int:
        whole = self.kind is int
        good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not good or (whole and value != int(value)):
            raise ValueError(
                f"{self.name} is {shown(value)}; give a {'whole' if whole else 'finite'} number"
                f"{self._range()}: {self.description}"
            )
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise ValueError(f"{self.name} is {shown(value)}; give a number{self._range()}: {self.description}")
        return self.kind(value)

    def _range(self) -> str:
        if self.low is not None and self.high is not None:
            return f" from {self.low:g} to {self.high:g}"
        return (
            f" of at least {self.low:g}"
            if self.low is not None
            else f" of at most {self.high:g}"
            if self.high is not None
            else ""
        )

    def _list(self, value: Any) -> tuple[Any, ...]:
        if isinstance(value, str | bytes | int | float | Mapping) or value is None or not isinstance(value, Iterable):
            raise ValueError(f"{self.name} is {shown(value)}; give a list: {self.description}")
        items = [entry.item() if hasattr(entry, "item") else entry for entry in value]
        if items == [""]:  # YAML cannot write an empty list: an empty name stands for it
            items = []
        if self.item is float:
            bad = [
                entry
                for entry in items
                if isinstance(entry, bool) or not isinstance(entry, int | float) or not math.isfinite(entry)
            ]
        else:
            bad = [entry for entry in items if not isinstance(entry, self.item)]
        if bad:
            raise ValueError(
                f"{self.name} is {shown(items)}; give a list of "
                f"{'finite numbers' if self.item is float else 'names'}: {self.description}"
            )
        if self.item is str:
            items = [entry for entry in items if entry]
            if len(set(items)) != len(items):
                raise ValueError(f"{self.name} is {shown(items)}; give every name once")
        return tuple(self.item(entry) for entry in items)


def parameter(
    default: Any,
    what: str,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    *,
    choices: Sequence[str] = (),
) -> Any:
    """A field of a `Parameters` class: default, meaning, unit, inclusive range or the words allowed."""
    return dataclasses.field(
        default=tuple(default) if isinstance(default, list) else default,
        metadata={"what": what, "unit": unit, "low": low, "high": high, "choices": tuple(choices)},
    )


@dataclass_transform(frozen_default=True)  # `parameter(..)` is the default of its field
class Parameters:
    """Base of parameter classes: subclasses become frozen dataclasses whose values are checked when made."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(frozen=True)(cls)

    def __post_init__(self) -> None:
        for spec in specs(type(self)):
            object.__setattr__(self, spec.name, spec.checked(getattr(self, spec.name)))
        self.check()

    def check(self) -> None:
        """Refuse values that do not fit together, with a ValueError."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> typing.Self:
        """Made from those of `values` that are its own."""
        return cls(**{spec.name: values[spec.name] for spec in specs(cls) if spec.name in values})


_SPECS: dict[type, tuple[Spec, ...]] = {}


def specs(kind: type) -> tuple[Spec, ...]:
    """The declared parameters of a `Parameters` class, in order."""
    if kind not in _SPECS:
        hints = typing.get_type_hints(kind)
        _SPECS[kind] = tuple(_spec(entry, hints[entry.name]) for entry in dataclasses.fields(kind))
    return _SPECS[kind]


def _spec(entry: dataclasses.Field[Any], hint: Any) -> Spec:
    many = typing.get_origin(hint) is tuple
    item = typing.get_args(hint)[0] if many else str
    return Spec(entry.name, list if many else hint, entry.default, item=item, **entry.metadata)


def refuse_unknown(names: Iterable[str], allowed: Iterable[str], where: str) -> None:
    """ValueError for the first name that is not allowed, with the nearest one that is."""
    allowed = sorted(allowed)
    for name in names:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1, cutoff=0.4)
            remedy = f"did you mean {near[0]}?" if near else f"it has {', '.join(allowed)}"
            raise ValueError(f"{name[:_SHOWN]} is no parameter of {where}; {remedy}")
