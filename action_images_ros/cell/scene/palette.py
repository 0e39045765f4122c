"""The colours an instruction can name, and how an object gets one."""

import numpy as np

from .randomise import hsv

PALETTE = {
    "red": (0.0, 0.92, 0.85),
    "green": (0.36, 0.85, 0.62),
    "blue": (0.61, 0.9, 0.85),
    "yellow": (0.145, 0.92, 0.95),
    "purple": (0.79, 0.7, 0.62),
}
"""Name: hue, saturation, value, each in [0, 1]."""


def draw_colours(rng: np.random.Generator, count: int) -> list[str]:
    """`count` different colour names."""
    return [str(name) for name in rng.permutation(list(PALETTE))[:count]]


def shade(rng: np.random.Generator, name: str) -> np.ndarray:
    """RGB [3] of a named colour with a little jitter."""
    hue, saturation, value = PALETTE[name]
    return hsv(
        (hue + rng.uniform(-0.015, 0.015)) % 1.0,
        np.clip(saturation + rng.uniform(-0.08, 0.08), 0, 1),
        np.clip(value + rng.uniform(-0.08, 0.05), 0, 1),
    )


def paint(model, geom: str, rgb: np.ndarray) -> None:
    """Gives a geom an opaque colour."""
    index = model.geom(geom).id
    model.geom_rgba[index, :3] = rgb
    model.geom_rgba[index, 3] = 1.0


def paint_body(model, body: str, rgb: np.ndarray) -> None:
    """Gives all geoms of a body an opaque colour."""
    first = model.body(body).geomadr[0]
    for index in range(first, first + model.body(body).geomnum[0]):
        model.geom_rgba[index] = [*rgb, 1.0]


def hide(model, geom: str) -> None:
    """Makes a geom invisible (MuJoCo does not draw what is wholly transparent)."""
    model.geom_rgba[model.geom(geom).id, 3] = 0.0
