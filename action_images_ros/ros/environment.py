"""Where the package's files lie and what a process of the graph needs in its environment.

Installed by colcon or pip the files lie in `share/action_images_ros`; in a checkout beside the package.
"""

from __future__ import annotations

import json
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CardFacts", "graph_environment", "isolated_environment", "model_directory", "read_card_facts",
           "share_directory", "share_file"]

PACKAGE = "action_images_ros"


def share_directory() -> Path:
    """The directory that holds config/, launch/ and models/; FileNotFoundError when there is none."""
    tried = [Path(__file__).resolve().parents[2]]
    try:
        from ament_index_python.packages import get_package_share_directory
        tried.append(Path(get_package_share_directory(PACKAGE)))
    except (ImportError, LookupError, OSError):   # no ament, package not in its index, AMENT_PREFIX_PATH not set
        pass
    tried.append(Path(sys.prefix) / "share" / PACKAGE)
    for directory in tried:
        if (directory / "config" / "policy.yaml").is_file():
            return directory
    raise FileNotFoundError(f"config/policy.yaml is in none of {[str(d) for d in tried]}; install the package "
                            "(make install, or colcon build) or run from a checkout")


def share_file(*parts: str) -> Path:
    """A file of the package, e.g. `share_file("config", "fastdds.xml")`; FileNotFoundError when it is missing."""
    path = share_directory().joinpath(*parts)
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; the package is not installed completely")
    return path


def model_directory(model: str) -> Path:
    """Directory of a model: a path, or a name in the package's models/."""
    given = Path(model).expanduser()
    named = share_directory() / "models" / model
    for directory in (given, named):
        if (directory / "model_card.json").is_file():
            return directory.resolve()
    raise FileNotFoundError(f"model is {model!r}: neither {given} nor {named} holds a model_card.json; give the "
                            "directory of a model or one of the names in models/")


@dataclass(frozen=True)
class CardFacts:
    """What the nodes beside the policy need of a model: image size (H, W), frames T, seconds between them."""

    image_size: tuple[int, int]
    frames: int
    dt: float


def read_card_facts(model: str) -> CardFacts:
    """The facts from a model's card, without loading the model (or torch)."""
    path = model_directory(model) / "model_card.json"
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
    environment.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(share_file("config", "fastdds.xml")))
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
