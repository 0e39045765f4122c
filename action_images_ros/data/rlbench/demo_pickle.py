"""Reads RLBench's low_dim_obs.pkl without executing anything in it and without RLBench.

A pickle names functions and classes, which unpickling calls. Here every name stands for something inert: arrays are
put together from their bytes, RLBench's own classes become bags of attributes, and any other name is refused.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from ...safe_files import read_bytes

__all__ = ["Record", "read_demo"]

_LIMIT = 256_000_000  # bytes; a demonstration has some 100 kB
_NUMBERS = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}
_OWN = ("rlbench.", "pyrep.")
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")


class Record:
    """An object of a class of RLBench: its attributes, and nothing that they could do."""

    def __init__(self, *_: Any) -> None:
        self.fields: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
            raise ValueError("an object's state is no names with values")
        self.fields = state


class _Dtype:
    """A type of numbers, as numpy pickles it."""

    def __init__(self, text: Any, *_: Any) -> None:
        if not isinstance(text, str) or text not in _NUMBERS:
            raise ValueError(f"it holds an array of {str(text)[:20]!r}, no numbers")
        self.text, self.order = text, "="

    def __setstate__(self, state: Any) -> None:
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else "="
        self.order = order if order in ("<", ">") else "="

    def plain(self) -> np.dtype[Any]:
        return np.dtype(self.order + self.text)


class _Array:
    """An array, once its state has come."""

    def __init__(self, *_: Any) -> None:
        self.value: np.ndarray[Any, Any] = np.zeros(0)

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        if not isinstance(dtype, _Dtype) or not isinstance(data, bytes):
            raise ValueError("an array is not made of bytes")
        self.value = np.frombuffer(data, dtype.plain()).reshape(shape, order="F" if fortran else "C")


def _scalar(dtype: Any, data: Any) -> Any:
    if not isinstance(dtype, _Dtype) or not isinstance(data, bytes):
        raise ValueError("a number is not made of bytes")
    return np.frombuffer(data, dtype.plain())[0].item()


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    """How protocol 5 writes arrays."""
    if not isinstance(dtype, _Dtype) or not isinstance(data, bytes | bytearray):
        raise ValueError("an array is not made of bytes")
    array = _Array()
    array.value = np.frombuffer(data, dtype.plain()).reshape(shape, order="F" if order == "F" else "C")
    return array


def _encode(text: Any, coding: Any = "latin1") -> bytes:
    """How older pickles write bytes."""
    if not isinstance(text, str) or coding not in ("latin1", "latin-1"):
        raise ValueError("bytes are written in another way than pickles do")
    return text.encode("latin-1")


def _named(module: str, name: str) -> Any:
    """What a name in the pickle stands for. Made anew for each, so that no pickle can change it for the next one."""
    if module in _MULTIARRAY and name == "_reconstruct":
        return lambda *_: _Array()
    if module in _MULTIARRAY and name == "scalar":
        return lambda *arguments: _scalar(*arguments)
    if module in ("numpy.core.numeric", "numpy._core.numeric") and name == "_frombuffer":
        return lambda *arguments: _from_buffer(*arguments)
    if (module, name) == ("numpy", "ndarray"):
        return type("ndarray", (_Array,), {})
    if (module, name) == ("numpy", "dtype"):
        return lambda *arguments: _Dtype(*arguments)
    if (module, name) == ("_codecs", "encode"):
        return lambda *arguments: _encode(*arguments)
    if (module, name) in (("copyreg", "_reconstructor"), ("copy_reg", "_reconstructor")):
        return lambda *_: Record()
    if (module, name) in (("builtins", "object"), ("__builtin__", "object")):
        return type("object", (Record,), {})
    if module.startswith(_OWN):
        return type("Record", (Record,), {})
    raise ValueError(f"it names {module}.{name}")


class _Reader(pickle._Unpickler):  # the one in Python: its memory cannot be blown up
    def find_class(self, module: str, name: str) -> Any:
        return _named(module, name)

    def persistent_load(self, pid: Any) -> Any:
        raise ValueError("it refers to things outside")

    def get_extension(self, code: int) -> Any:
        raise ValueError("it refers to registered extensions")


def read_demo(path: str | Path) -> list[dict[str, Any]]:
    """The observations of a demonstration, as names with values; ValueError naming the file when it is none."""
    data = read_bytes(path, _LIMIT)
    try:
        content = _Reader(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:  # whatever the instructions of a stranger lead to: nothing outside was touched
        what = str(error) if isinstance(error, ValueError) else f"it is damaged ({type(error).__name__}: {error})"
        raise ValueError(f"{path}: {what[:200]}; only RLBench's observations are read, nothing is executed") from None
    if isinstance(content, Record):
        content = content.fields.get("_observations", content.fields.get("observations"))
    if not isinstance(content, list) or not content or not all(isinstance(entry, Record | dict) for entry in content):
        raise ValueError(f"{path} holds no list of observations; is it RLBench's low_dim_obs.pkl?")
    return [_plain(entry.fields if isinstance(entry, Record) else entry) for entry in content]


def _plain(values: dict[Any, Any]) -> dict[str, Any]:
    return {
        str(key): value.value if isinstance(value, _Array) else _plain(value) if isinstance(value, dict) else value
        for key, value in values.items()
    }
