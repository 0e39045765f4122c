"""Small pictures and how two of them compare; what `picture_health` judges cameras by.

A thumbnail is about 96 px wide, averaged over whole blocks of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ..geometry.arrays import Bools, Images

__all__ = ["BLOCK", "Thumbnail", "block_agreement", "block_counts", "edges", "roughness", "thumbnail"]

WIDTH = 96
BLOCK = 8
"""Thumbnail px on a side of the blocks that pictures are compared in."""
_LINES = 10
_ROUGH_VARIANCE = 36.0

Grey = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """colour: uint8 RGB `[h, w, 3]`. scale: pixels of the picture per pixel of it. rough: share of lines of the picture
    whose neighbouring pixels do not belong together (noise)."""

    colour: Images
    scale: int
    rough: float

    @property
    def key(self) -> int:
        """Equal for equal pictures."""
        return hash(self.colour.tobytes())


def thumbnail(image: Images) -> Thumbnail:
    """The thumbnail of a uint8 RGB picture `[H, W, 3]`."""
    height, width = image.shape[:2]
    scale = max(1, min(round(width / WIDTH), height, width))
    small = image
    if scale > 1:
        small = np.asarray(
            cv2.resize(
                image[: height // scale * scale, : width // scale * scale],
                (width // scale, height // scale),
                interpolation=cv2.INTER_AREA,
            ),
            np.uint8,
        )
    return Thumbnail(np.ascontiguousarray(small), scale, roughness(image))


def roughness(image: Images) -> float:
    """Share of sampled rows and columns of a picture in which neighbouring pixels are hardly correlated."""
    rows = image[np.linspace(0, image.shape[0] - 1, _LINES).astype(int), :, 1].astype(np.float32)
    columns = image[:, np.linspace(0, image.shape[1] - 1, _LINES).astype(int), 1].T.astype(np.float32)
    return float(np.mean([*_rough_lines(rows), *_rough_lines(columns)]))


def _rough_lines(lines: Grey) -> Bools:
    if lines.shape[1] < 4:
        return np.zeros(len(lines), bool)
    centred = lines - lines.mean(1, keepdims=True)
    variance = np.mean(centred**2, axis=1)
    together = np.mean(centred[:, 1:] * centred[:, :-1], axis=1)
    return np.asarray((variance > _ROUGH_VARIANCE) & (together < 0.35 * variance), dtype=bool)


def edges(grey: Grey) -> Grey:
    """Size of the brightness step across every pixel `[h, w]`."""
    step = np.zeros_like(grey)
    step[:, 1:-1] = np.abs(grey[:, 2:] - grey[:, :-2])
    step[1:-1] = np.maximum(step[1:-1], np.abs(grey[2:] - grey[:-2]))
    return step


def _blocks(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    rows, columns = values.shape[0] // BLOCK, values.shape[1] // BLOCK
    cut = values[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return cut.transpose(0, 2, 1, 3).reshape(rows, columns, BLOCK * BLOCK)


def block_counts(mask: Bools) -> npt.NDArray[np.int64]:
    """How many pixels of each block are set."""
    return np.asarray(_blocks(mask).sum(-1), np.int64)


def block_agreement(first: Grey, second: Grey, texture: float = 6.0, least: float = 0.8) -> float:
    """Share of the textured blocks that show the same pattern, whatever the light; nan without texture."""
    one, two = (np.asarray(_blocks(grey), np.float32) for grey in (first, second))
    one, two = one - one.mean(-1, keepdims=True), two - two.mean(-1, keepdims=True)
    spread_one, spread_two = one.std(-1), two.std(-1)
    textured = np.maximum(spread_one, spread_two) > texture
    if not textured.any():
        return float("nan")
    pattern = (one * two).mean(-1) / np.maximum(spread_one * spread_two, 1e-6)
    return float(np.mean(pattern[textured] > least))
