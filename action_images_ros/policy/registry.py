"""Load a policy by name or folder: `load_policy`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..geometry.arrays import Floats
from ..paths import model_names, models_path
from .card import CARD, ModelCard
from .entries import find_entry, policy_names
from .protocol import Policy

__all__ = ["RUNTIMES", "PolicyOptions", "load_policy", "locate_policy", "policy_card"]

RUNTIMES = ("torch", "torch-bf16", "onnx", "onnx-int8")


@dataclass(frozen=True, kw_only=True)
class PolicyOptions:
    """How to load a policy; an entry point of `action_images_ros.policies` is called with it and takes what it needs.

    folder: the model's, None for a policy without one. card: of the folder; for a policy without one, the card of the
    graph's model if there is any. runtime: one of RUNTIMES. threads: CPU threads, all where None. providers: execution
    providers of onnxruntime in order of preference, the CPU where empty. views, video: number of cameras and whether
    video will be predicted; what the model lacks is an error at load. settings: replace values of a wan
    model's `settings.json`.
    robot_tool_from_model_tool: rotation `[3, 3]`.
    """

    folder: Path | None = None
    card: ModelCard | None = None
    runtime: str = "torch"
    threads: int | None = None
    providers: tuple[str, ...] = ()
    views: int | None = None
    video: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    robot_tool_from_model_tool: Floats = field(default_factory=lambda: np.eye(3))

    def __post_init__(self) -> None:
        if self.runtime not in RUNTIMES:
            raise ValueError(f"runtime is {self.runtime!r}; choose one of {', '.join(RUNTIMES)}")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads is {self.threads}; give at least one, or leave it out to use all")

    def model(self) -> tuple[Path, ModelCard]:
        """The folder and its card, for a policy that needs both; ValueError otherwise."""
        if self.folder is None or self.card is None:
            raise ValueError(f"folder is {self.folder}; this policy is loaded from a model folder")
        return self.folder, self.card


@runtime_checkable
class _HasCard(Protocol):
    @property
    def card(self) -> ModelCard: ...


def load_policy(
    name_or_folder: str | os.PathLike[str],
    *,
    card: ModelCard | None = None,
    runtime: str = "torch",
    threads: int | None = None,
    providers: tuple[str, ...] | list[str] = (),
    views: int | None = None,
    video: bool = False,
    settings: Mapping[str, Any] | None = None,
    robot_tool_from_model_tool: Floats | None = None,
) -> Policy:
    """Load a policy: a model folder, a name under `models/`, or the name of an installed policy.

    A folder is loaded by the entry that its card names as backend. The options are those of `PolicyOptions`.
    Raises FileNotFoundError and ValueError with the remedy.
    """
    folder = _folder(name_or_folder)
    if folder is not None:
        card = ModelCard.load(folder)
    turn = np.eye(3) if robot_tool_from_model_tool is None else robot_tool_from_model_tool
    options = PolicyOptions(
        folder=folder,
        card=card,
        runtime=runtime,
        threads=threads,
        providers=tuple(providers),
        views=views,
        video=video,
        settings=dict(settings or {}),
        robot_tool_from_model_tool=turn,
    )
    name = os.fspath(name_or_folder)
    if folder is not None and card is not None:
        name = "onnx" if card.backend == "nano" and runtime.startswith("onnx") else card.backend
    entry = find_entry(name)
    policy = _target(name)(options)
    if not isinstance(policy, Policy):
        raise ValueError(
            f"policy is {name!r}; its entry point {entry.value} gave {type(policy).__name__}, which lacks "
            "card or predict; return an object that has both"
        )
    return policy


def policy_card(name_or_folder: str | os.PathLike[str]) -> ModelCard:
    """The card of a policy without loading a model folder's weights; raises as `load_policy`.

    A policy without a folder is asked for it: its entry point's target where that has a `card`, else the loaded policy.
    """
    folder = _folder(name_or_folder)
    if folder is not None:
        return ModelCard.load(folder)
    target = _target(os.fspath(name_or_folder))
    card = target.card if isinstance(target, _HasCard) else None  # a class whose card is a property has none yet
    return card if isinstance(card, ModelCard) else load_policy(name_or_folder).card


def locate_policy(name_or_folder: str | os.PathLike[str]) -> str:
    """The model's folder, or the name of an installed policy as it is; raises as `load_policy`."""
    folder = _folder(name_or_folder)
    return os.fspath(name_or_folder) if folder is None else str(folder)


def _target(name: str) -> Any:
    """What an entry point names; an import that fails is told with the package's name."""
    entry = find_entry(name)
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        where = f" of the package {entry.dist.name}" if entry.dist is not None else ""
        raise ValueError(
            f"policy is {name!r}; its entry point {entry.value}{where} cannot be loaded ({error}); "
            "reinstall the package"
        ) from error


def _folder(name_or_folder: str | os.PathLike[str]) -> Path | None:
    """The model's folder, None for the name of an installed policy; a folder of models/ wins."""
    name = os.fspath(name_or_folder)
    if name in policy_names() and name not in model_names() and not (Path(name) / CARD).is_file():
        return None
    try:
        return models_path(name_or_folder)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}, or the name of an installed policy ({', '.join(policy_names())})") from None
