"""The world model: one video model over a canvas of video and action-image segments.

`load_model` and `WorldModel` are imported on first use, since they load torch.
"""

__all__ = ["Prediction", "WorldModel", "load_model"]


def __getattr__(name: str):
    if name in __all__:
        from . import model

        return getattr(model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
