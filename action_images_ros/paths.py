"""Where the files beside the code are: config, launch files and models, in the source tree and wherever installed."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

__all__ = ["model_names", "models_path", "share_path"]

PACKAGE = "action_images_ros"


@cache
def _share() -> Path:
    """The source tree's root, or `<prefix>/share/action_images_ros` of the prefix this package is installed under."""
    here = Path(__file__).resolve().parent
    if (here.parent / "package.xml").is_file() and (here.parent / "setup.py").is_file():
        return here.parent
    prefixes = list(here.parents)
    prefixes += [Path(prefix) for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if prefix]
    for prefix in prefixes:
        share = prefix / "share" / PACKAGE
        if (share / "package.xml").is_file():
            return share
    raise FileNotFoundError(
        f"no share/{PACKAGE} above {here} or in AMENT_PREFIX_PATH; install the package with "
        "`make install` or `colcon build` (an editable pip install leaves these files out)"
    )


def share_path(relative: str = "") -> Path:
    """A file or folder of the package's share directory, such as `share_path("config/policy.yaml")`.

    Raises FileNotFoundError, naming the place searched, when it is not there.
    """
    path = _share() / relative
    if not path.exists():
        raise FileNotFoundError(f"{relative} is not in {_share()}; reinstall the package (`make install`)")
    return path


def model_names() -> list[str]:
    """Names of the folders under `models/`."""
    return sorted(path.name for path in (_share() / "models").glob("*") if path.is_dir())


def models_path(name: str | os.PathLike) -> Path:
    """The folder of a model: a name under `models/` ("nano") or a path to a folder.

    Raises FileNotFoundError that lists the names there are.
    """
    given = Path(name).expanduser()
    if given.is_dir() and (given.is_absolute() or len(given.parts) > 1 or not (_share() / "models" / given).is_dir()):
        return given
    folder = _share() / "models" / given
    if not folder.is_dir():
        if len(given.parts) == 2 and not given.is_absolute():
            raise FileNotFoundError(
                f"model {os.fspath(name)!r} is no folder here; if it is a name on a model hub: "
                "nothing is downloaded by itself, download it first and give the folder"
            )
        known = model_names()
        raise FileNotFoundError(
            f"model {os.fspath(name)!r} is neither a folder nor one of "
            f"{', '.join(known) or 'none'}; give a name of models/ or the path of a trained run"
        )
    return folder
