"""What a process of the graph needs to know before it starts: its environment and the facts of the model."""

from __future__ import annotations

import json
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from ..paths import models_path, share_path

__all__ = ["PARENT_VARIABLE", "CardFacts", "graph_environment", "isolated_environment", "read_card_facts"]


PARENT_VARIABLE = "ACTION_IMAGES_PARENT"
"""Process id whose end ends a node too: whoever started it sets it, so that nothing commands an arm unattended."""


@dataclass(frozen=True)
class CardFacts:
    """What the nodes beside the policy need of a model: image size (H, W), frames T, seconds between them."""

    image_size: tuple[int, int]
    frames: int
    dt: float


def read_card_facts(model: str) -> CardFacts:
    """The facts from a model's card, without loading the model (or torch)."""
    path = models_path(model) / "model_card.json"
    if not path.is_file():
        raise FileNotFoundError(f"model is {model!r} and {path} does not exist; give the folder of a trained model")
    try:
        card = json.loads(path.read_text())
        size = card["image_size"]
        frames = card["frames"] if "frames" in card else card["T"]
        facts = CardFacts((int(size[0]), int(size[1])), int(frames), float(card["dt"]))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"{path} is no model card: {error!r}; it needs image_size, frames and dt") from None
    if facts.frames < 2 or not facts.dt > 0 or min(facts.image_size) < 8:
        raise ValueError(f"{path} gives {facts}; frames must be 2 or more, dt above 0")
    return facts


def graph_environment(base: dict[str, str] | None = None) -> dict[str, str]:
    """Environment for the graph's processes: the shared-memory profile, the ament index of this installation.

    Values that the user has set win.
    """
    environment = dict(os.environ if base is None else base)
    environment.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(share_path("config/fastdds.xml")))
    prefixes = environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    if sys.prefix not in prefixes and (Path(sys.prefix) / "share" / "ament_index").is_dir():
        environment["AMENT_PREFIX_PATH"] = os.pathsep.join([*filter(None, prefixes), sys.prefix])
    environment.setdefault("PYTHONUNBUFFERED", "1")
    environment.setdefault("RCUTILS_COLORIZED_OUTPUT", "0")
    root = str(Path(__file__).resolve().parents[2])
    paths = environment.get("PYTHONPATH", "").split(os.pathsep)
    if root not in sys.path or root not in paths:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [*paths, root]))
    return environment


def isolated_environment(domain: int | None = None) -> dict[str, str]:
    """The same with a ROS_DOMAIN_ID of its own and discovery kept on this machine: no real robot can hear it."""
    environment = graph_environment()
    environment["ROS_DOMAIN_ID"] = str(random.randint(120, 220) if domain is None else domain)
    environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    environment.pop("ROS_STATIC_PEERS", None)
    environment.pop("ROS_LOCALHOST_ONLY", None)
    return environment
