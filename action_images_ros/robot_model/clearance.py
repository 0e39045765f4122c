"""Distances of an arm's links from keep-outs and from each other, for many joint positions at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..control.chunk_check import KeepOuts
from ..control.settings import RobotSettings
from .capsules import hull_distance, segment_box_distances, segment_distances
from .model import RobotModel

__all__ = ["Clearance"]

Array = npt.NDArray[np.float64]
_CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])


class Clearance:
    """All pairs that are watched: (link, keep-out) and (link, link), the nearest shapes of each deciding.

    names: `[P]` pairs of names; wanted `[P]`: the distance each must keep (m). Links that no joint moves against each
    other, and neighbours, are no pair; nor are shapes that already touch at `home` (`left_out` names them).
    """

    def __init__(self, model: RobotModel, settings: RobotSettings) -> None:
        self._model, self._keep_outs = model, KeepOuts(settings)
        shapes, links = model.shapes, model.links
        self._link_of = np.array([shape.link for shape in shapes], dtype=int)
        self._segments = np.array([shape.segment for shape in shapes]).reshape(-1, 2, 3)
        self._radii = np.array([shape.radius for shape in shapes])
        self._moved = [index for index, shape in enumerate(shapes) if links[shape.link].level > 0]
        level = np.array([links[shape.link].level for shape in shapes], dtype=int)
        a, b = np.triu_indices(len(shapes), k=1)
        apart = np.abs(level[a] - level[b]) > 1
        self._a, self._b = a[apart], b[apart]
        self.names: list[tuple[str, str]] = []
        wanted: list[float] = []
        for index in self._moved:
            link = links[shapes[index].link]
            for keep_out in self._keep_outs.names:
                self.names.append((link.name, keep_out))
                wanted.append(settings.finger_clearance if link.finger else settings.link_clearance)
        touching = self._between_links(*self._placed(model.home[None]))[0] < settings.self_clearance
        pairs = [
            (links[shapes[i].link].name, links[shapes[j].link].name) for i, j in zip(self._a, self._b, strict=True)
        ]
        self.left_out = sorted({pair for pair, out in zip(pairs, touching, strict=True) if out})
        self._a, self._b = self._a[~touching], self._b[~touching]
        self.names += [pair for pair, out in zip(pairs, touching, strict=True) if not out]
        self.wanted: Array = np.array(wanted + [settings.self_clearance] * len(self._a))

    def distances(self, positions: Array) -> Array:
        """`[S, P]` m, negative inside, at joint positions `[S, n]`."""
        rotations, places = self._placed(positions)
        return np.concatenate([self._to_keep_outs(rotations, places), self._between_links(rotations, places)], axis=1)

    def refined(self, q: Array, pair: int, capsules: float, wanted: float) -> float:
        """The distance of one pair at joint positions q `[n]` by the hulls, where their capsules are too near."""
        keep_outs, boxes = len(self._keep_outs.names), self._keep_outs.boxes
        rotations, places = self._model.placements(q)
        first = len(self._moved) * keep_outs
        if pair >= first:
            a, b = int(self._a[pair - first]), int(self._b[pair - first])
            other, thickness = self._hull(b, rotations, places), self._model.shapes[b].thickness
        else:
            a, which = self._moved[pair // keep_outs], pair % keep_outs
            if which >= len(boxes):
                return capsules  # planes are held against the hulls anyway
            other, thickness = boxes[which][_CORNERS, [0, 1, 2]], 0.0
        thickness += self._model.shapes[a].thickness
        return max(capsules, hull_distance(self._hull(a, rotations, places), other, wanted + thickness) - thickness)

    def _hull(self, shape: int, rotations: Array, places: Array) -> Array:
        link = self._model.shapes[shape].link
        return np.asarray(self._model.shapes[shape].points @ rotations[link].T + places[link])

    def _placed(self, positions: Array) -> tuple[Array, Array]:
        placed = [self._model.placements(q) for q in positions]
        return np.array([rotation for rotation, _ in placed]), np.array([place for _, place in placed])

    def _capsules(self, rotations: Array, places: Array) -> Array:
        """Segments `[S, C, 2, 3]` in base."""
        turned: Array = np.einsum("scij,ckj->scki", rotations[:, self._link_of], self._segments)
        return turned + places[:, self._link_of, None]

    def _between_links(self, rotations: Array, places: Array) -> Array:
        segments = self._capsules(rotations, places)
        return np.asarray(
            segment_distances(segments[:, self._a], segments[:, self._b]) - self._radii[self._a] - self._radii[self._b]
        )

    def _to_keep_outs(self, rotations: Array, places: Array) -> Array:
        """`[S, M K]`: planes by the hull's corners, boxes by the capsules."""
        boxes, normals = self._keep_outs.boxes, self._keep_outs.normals
        found = np.empty((len(rotations), len(self._moved), len(boxes) + len(normals)))
        if len(boxes):
            segments = self._capsules(rotations, places)[:, self._moved]
            for index, box in enumerate(boxes):
                found[:, :, index] = segment_box_distances(segments, box) - self._radii[self._moved]
        for row, shape_index in enumerate(self._moved):
            shape = self._model.shapes[shape_index]
            local = np.einsum("sij,ki->skj", rotations[:, shape.link], normals)
            lowest = (local @ shape.points.T).min(axis=-1, initial=np.inf)
            heights = places[:, shape.link] @ normals.T - self._keep_outs.heights
            found[:, row, len(boxes) :] = lowest + heights - shape.thickness
        return found.reshape(len(rotations), -1)
