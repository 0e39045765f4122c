"""Sample sheets: conditioning, generated and target images in one image."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from .batches import action_images
from .validate import Samples


def _strip(frames: np.ndarray, columns: list[int]) -> np.ndarray:
    return np.concatenate([frames[c] for c in columns], axis=1)


def write_sheet(path: str | Path, samples: Samples, rows: int = 4) -> None:
    """One block per chunk and view: first image, target action images, generated ones, generated video."""
    batch = samples.batch
    blocks = []
    for i in range(min(rows, len(batch.windows))):
        window = batch.windows[i]
        size = window.images.shape[2:4]
        truth = action_images(
            window.poses[None], window.openness[None], window.K[None], window.world_from_camera[None], size
        )[0]
        columns = list(range(0, truth.shape[1], 2))
        for v in range(len(window.K)):
            strips = [window.images[v][0]]
            strips.append(_strip((truth[v] * 255).round().astype(np.uint8), columns))
            if samples.action is not None:
                strips.append(_strip(samples.action[i, v], columns))
            if samples.video is not None:
                strips.append(_strip(samples.video[i, v], columns))
            blocks.append(np.concatenate(strips, axis=1))
    sheet = np.concatenate(blocks, axis=0)
    sheet = cv2.resize(sheet, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_NEAREST)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), sheet[..., ::-1])
