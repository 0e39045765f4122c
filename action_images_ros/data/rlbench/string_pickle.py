"""Reads a list of strings from a pickle without executing anything in it.

A pickle is a program: unpickling one from a stranger runs what it likes. Here its instructions are only looked at, and
all but the few that a list of strings is made of are refused.
"""

from __future__ import annotations

import pickletools
from pathlib import Path
from typing import Any

from ...safe_files import read_bytes

__all__ = ["read_strings"]

_MARK = object()
_LIMIT = 1_000_000  # bytes; descriptions take hundreds
_STRINGS = {"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"}
_PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}


def read_strings(path: str | Path) -> list[str]:
    """The strings; ValueError naming the file when it is no pickle of a plain list of strings."""
    path = Path(path)
    data = read_bytes(path)
    if len(data) > _LIMIT:
        raise ValueError(f"{path} has {len(data)} bytes, instructions take less than {_LIMIT}; is it another file?")
    try:
        result = _interpret(data)
    except (IndexError, KeyError, TypeError, AttributeError, StopIteration, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged ({type(error).__name__}: {error}); copy it again") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}; only a pickled list of strings is read, nothing is executed") from None
    if not isinstance(result, list) or not all(isinstance(item, str) for item in result):
        raise ValueError(f"{path} holds {type(result).__name__}, not a list of strings; nothing in it was executed")
    return result


def _interpret(data: bytes) -> Any:
    """The value that the instructions describe, made of lists and strings only."""
    stack: list[Any] = []
    memory: dict[int, object] = {}
    for opcode, argument, _ in pickletools.genops(data):
        name = opcode.name
        if name in ("PROTO", "FRAME"):
            continue
        if name in _STRINGS:
            stack.append(argument)
        elif name == "EMPTY_LIST":
            stack.append([])
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "APPEND":
            item = stack.pop()
            stack[-1].append(item)
        elif name in ("APPENDS", "LIST"):
            start = next(i for i in reversed(range(len(stack))) if stack[i] is _MARK)
            items = stack[start + 1 :]
            del stack[start:]
            stack[-1].extend(items) if name == "APPENDS" else stack.append(items)
        elif name == "MEMOIZE":
            memory[len(memory)] = stack[-1]
        elif name in _PUTS:
            memory[int(argument or 0)] = stack[-1]
        elif name in _GETS:
            stack.append(memory[int(argument or 0)])
        elif name == "STOP":
            return stack.pop()
        else:
            raise ValueError(f"it contains the instruction {name}" + (f" {argument!r}" if argument else ""))
    raise ValueError("it ends in the middle")
