"""The world model: one video model over a canvas of video and action-image segments.

`load_model` loads it for torch or for onnxruntime; what needs torch is imported on first use.
"""

__all__ = ["RUNTIMES", "WorldModel", "load_model"]

_HOME = {"RUNTIMES": "load", "WorldModel": "nano.model", "load_model": "load"}


def __getattr__(name: str):
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
