"""Chooses MuJoCo's rendering backend, once, before MuJoCo is imported.

MuJoCo reads the environment variable ``MUJOCO_GL`` when it is imported. Every module that
needs MuJoCo imports it from here (``from action_images_ros.gl import mujoco``), so that the choice is
made in one place. A value set by the user is never changed.
"""

import ctypes.util
import os


def choose_backend() -> str | None:
    """Name of a headless backend whose library is present: ``egl``, else ``osmesa``, else None (none found)."""
    for name, library in (("egl", "EGL"), ("osmesa", "OSMesa")):
        if ctypes.util.find_library(library):
            return name
    return None


def _set_default() -> None:
    if os.environ.get("MUJOCO_GL"):
        return
    backend = choose_backend()
    if backend is not None:
        os.environ["MUJOCO_GL"] = backend


_set_default()

import mujoco  # noqa: E402

__all__ = ["choose_backend", "mujoco"]
