"""Exported models: file names beside the weights, and metadata.

A graph takes, for V views, n frames to generate and images of H x W px,

    images   uint8 [V, H, W, 3]       the observation
    actions  float32 [V, T, H, W, 3]  action images in [0, 1]; T = 1 for policy
    rays     float32 [V, 6, H/4, W/4] rays.coarse_rays
    text     float32 [L, 384]         text.TextEncoder
    noised   float32 [1, n, 12, H/4, W/4]
    level    float32 []               the noise level in (0, 1]

and gives ``frames``, uint8 [V, T, H, W, 3], the first of which is the known one, and ``clean``, shaped as ``noised``,
from which a further sampling step continues.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...policy.card import WEIGHTS, ModelCard

__all__ = ["FORMAT", "GRAPHS", "INPUTS", "OUTPUTS", "check_export", "export_name", "facts", "weights_hash"]

FORMAT = "1"  # raised when graphs of older versions can no longer be run
GRAPHS = ("policy", "world")
INPUTS = ("images", "actions", "rays", "text", "noised", "level")
OUTPUTS = ("frames", "clean")


def export_name(mode: str, views: int, int8: bool = False) -> str:
    """File name of one graph: policy_2views.onnx, policy_2views_int8.onnx."""
    return f"{mode}_{views}views{'_int8' if int8 else ''}.onnx"


def weights_hash(folder: Path) -> str | None:
    """SHA-256 of the folder's weights, None where it holds none (a folder of exports alone)."""
    path = folder / WEIGHTS
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def facts(card: ModelCard, mode: str, views: int, int8: bool, weights: str | None) -> dict[str, str]:
    """Metadata of an exported graph."""
    return {
        "format": FORMAT,
        "mode": mode,
        "views": str(views),
        "frames": str(card.frames),
        "image_size": "x".join(map(str, card.image_size)),
        "int8": str(int8),
        "weights_sha256": weights or "",
    }


def check_export(path: Path, found: dict[str, str], wanted: dict[str, str]) -> None:
    """Raise ValueError, with the remedy, where a file's metadata is not that of this model.

    Weights are compared where there are any to compare with.
    """
    remedy = f"`action-images export {path.parent} --views {wanted['views']}` writes it anew"
    if "weights_sha256" not in found:
        raise ValueError(f"{path} is not an export of a world model: {remedy}")
    wrong = [key for key in wanted if found.get(key) != wanted[key] and (key != "weights_sha256" or wanted[key])]
    if "weights_sha256" in wrong:
        raise ValueError(f"{path} was exported from other weights than those in {path.parent}: {remedy}")
    if wrong:
        said = ", ".join(f"{key} = {found.get(key)} instead of {wanted[key]}" for key in wrong)
        raise ValueError(f"{path} does not fit the model card ({said}): {remedy}")
