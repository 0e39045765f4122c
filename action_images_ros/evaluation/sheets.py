"""Contact sheets of predictions: what happened and what was predicted, frame under frame, to be looked at."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..codec.encode import encode, to_uint8
from .baselines import Estimate
from .held_out import HeldOutWindow

__all__ = ["sheet", "write_sheet"]

MARGIN = 64
"""Width of the column that names the rows, px before enlargement."""


def sheet(pairs: list[tuple[HeldOutWindow, Estimate]], scale: int = 2) -> np.ndarray:
    """One picture, uint8 RGB. Per window and view one row each: true video, predicted video, their difference (three
    times as strong, grey = none), true action images, predicted ones; predicted rows only where there are any."""
    rows = []
    for window, estimate in pairs:
        drawn = to_uint8(
            encode(
                window.matrices, window.openness, window.K, window.world_from_camera, window.images.shape[2:4]
            ).images
        )
        for view in range(len(window.K)):
            rows.append(_row(f"{window.task} {window.seed}", window.images[view], scale))
            if estimate.video is not None:
                error = estimate.video[view].astype(np.int16) - window.images[view]
                rows.append(_row("predicted", estimate.video[view], scale))
                rows.append(_row("difference x 3", np.clip(128 + 3 * error, 0, 255).astype(np.uint8), scale))
            rows.append(_row("true actions", drawn[view], scale))
            if estimate.action_images is not None:
                rows.append(_row("predicted", estimate.action_images[view], scale))
            rows.append(np.full((8, rows[-1].shape[1], 3), 255, np.uint8))
    return np.concatenate(rows)


def write_sheet(path: str | Path, pairs: list[tuple[HeldOutWindow, Estimate]], scale: int = 2) -> None:
    """`sheet` as a PNG file."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), sheet(pairs, scale)[..., ::-1]):
        raise ValueError(f"sheets: {path} cannot be written; give a folder that can")


def _row(name: str, frames: np.ndarray, scale: int) -> np.ndarray:
    """frames: [T, H, W, 3] side by side behind their name, enlarged without smoothing."""
    strip = np.concatenate(list(frames), axis=1)
    strip = cv2.resize(strip, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    title = np.full((len(strip), MARGIN * scale, 3), 255, np.uint8)
    cv2.putText(title, name, (6, len(title) // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.22 * scale, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([title, strip], axis=1)
