"""Unseen surfaces: coloured patterns and images, used only under the condition `textures`.

The training bank (`scene.surface_texture`) is grey, fine and faint; these have colours, strong contrast and, in the
last ones, the statistics of photographs: "dead leaves", opaque discs of power-law sizes one upon another (Lee, Mumford
and Huang, "Occlusion models for natural images", 2001).
"""

import numpy as np

UNSEEN_SURFACES = 6
"""Number of precompiled textures beside the training bank (`unseen_0` ..)."""
_MAX_SATURATION = 0.4
"""Paler than the objects that an instruction names, so that no patch of a surface passes for one."""


def _pale(rng: np.random.Generator, low: float, high: float, count: int) -> np.ndarray:
    """`count` colours [count, 3] in [0, 1] with brightness in `low`..`high` and limited saturation."""
    value = rng.uniform(low, high, (count, 1))
    return value * (1 - _MAX_SATURATION * rng.random((count, 3)))


def _checks(rng, x, y):
    tiles = ((x * 5).astype(int) + (y * 5).astype(int)) % 2
    return _pale(rng, 0.35, 1.0, 2)[tiles]


def _stripes(rng, x, y):
    angle = rng.uniform(0.2, 1.3)
    phase = (np.cos(angle) * np.round(7 * np.cos(angle)) * x + np.sin(angle) * np.round(7 * np.sin(angle)) * y) % 1
    return _pale(rng, 0.4, 1.0, 4)[(phase * 4).astype(int)]


def _grain(rng, x, y):
    """Long fibres, as of wood."""
    fibres = sum(np.sin(2 * np.pi * (k * x + rng.random() + 0.15 * np.sin(2 * np.pi * y))) / k for k in (3, 7, 17, 31))
    dark, light = np.array([0.42, 0.3, 0.22]), np.array([0.85, 0.7, 0.52])
    return dark + (light - dark) * np.clip(0.5 + 0.5 * fibres, 0, 1)[..., None]


def _leaves(rng, x, y):
    """Opaque discs, radii distributed as r^-3, periodic."""
    picture = np.broadcast_to(_pale(rng, 0.3, 1.0, 1), (*x.shape, 3)).copy()
    radii = 0.03 / np.sqrt(1 - rng.random(300) * (1 - (0.03 / 0.25) ** 2))
    axis = x[0]
    for radius, centre, colour in zip(radii, rng.random((300, 2)), _pale(rng, 0.25, 1.0, 300), strict=True):
        dx, dy = (((axis - c + 0.5) % 1 - 0.5) ** 2 for c in centre)
        picture[dx + dy[:, None] < radius * radius] = colour
    return picture


_PATTERNS = (_checks, _stripes, _grain, _leaves, _leaves, _leaves)


def unseen_texture(index: int, size: int = 128) -> np.ndarray:
    """One of the unseen textures, [size, size, 3] uint8; the seed is the index, so the bank is fixed."""
    rng = np.random.default_rng([907, index])
    y, x = np.mgrid[0:size, 0:size] / size
    return np.clip(_PATTERNS[index](rng, x, y) * 255, 0, 255).astype(np.uint8)
