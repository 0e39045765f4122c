"""Action Images on ROS 2: one video model as policy, simulator and labeller of a robot arm.

The public face: what `__all__` names, imported when it is first used. Importing this package loads neither torch nor
rclpy. Every other module is internal and may change between minor versions.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .codec.decode import DecodedActions, decode
    from .codec.encode import encode
    from .control.chunk import Chunk
    from .data.episode import Episode
    from .data.registry import open_dataset
    from .geometry.camera import Camera
    from .policy.card import ModelCard
    from .policy.decoding import chunk_from_prediction
    from .policy.observation import Observation, observe
    from .policy.prediction import Prediction
    from .policy.protocol import Policy
    from .policy.registry import PolicyOptions, load_policy

__all__ = [
    "Camera",
    "Chunk",
    "DecodedActions",
    "Episode",
    "ModelCard",
    "Observation",
    "Policy",
    "PolicyOptions",
    "Prediction",
    "__version__",
    "chunk_from_prediction",
    "decode",
    "encode",
    "load_policy",
    "observe",
    "open_dataset",
]

_MODULES = {
    "Camera": "geometry.camera",
    "Chunk": "control.chunk",
    "DecodedActions": "codec.decode",
    "Episode": "data.episode",
    "ModelCard": "policy.card",
    "Observation": "policy.observation",
    "Policy": "policy.protocol",
    "PolicyOptions": "policy.registry",
    "Prediction": "policy.prediction",
    "chunk_from_prediction": "policy.decoding",
    "decode": "codec.decode",
    "encode": "codec.encode",
    "load_policy": "policy.registry",
    "observe": "policy.observation",
    "open_dataset": "data.registry",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
