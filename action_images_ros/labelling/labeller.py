"""Run the model's label mode on windows and decode its action images; used offline and in the live graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..control.chunk import Chunk
from ..policy.clips import Clips
from ..policy.decoding import chunk_from_prediction
from ..policy.prediction import Prediction
from ..policy.protocol import Labels, require
from .planner import Window

__all__ = ["KNOWN_POSE", "Labeller", "WindowLabels", "camera_groups"]

KNOWN_POSE = ("auto", "yes", "no")


@dataclass(frozen=True)
class WindowLabels:
    """Labels of one window.

    chunk: poses of the ROBOT tool, openness, covariance, valid. prediction: the action images uint8 [V, T, H, W, 3]
    with cameras and calibration. given: whether frame 0 is a conditioning pose (its label is then no reading).
    measured: [T, 7] robot tool and measured_openness [T] of the recording, NaN where it has none. logs_ns: [T].
    """

    chunk: Chunk
    prediction: Prediction
    given: bool
    stamps_ns: np.ndarray
    logs_ns: np.ndarray
    measured: np.ndarray
    measured_openness: np.ndarray


class Labeller:
    """model: what `Labels`; ValueError where it cannot. turn: robot_tool_from_model_tool [3, 3].

    known_pose: "auto" conditions on the measured pose and openness of a window's first frame where both exist,
    "no" never does, "yes" insists on them (ValueError otherwise). steps: sampling steps. seed: of the noise; a window's
    depends on its first stamp alone, so that it gives the same labels in whatever batch and wherever it is run.
    """

    def __init__(self, model, turn: np.ndarray, *, known_pose: str = "auto", steps: int = 1, seed: int = 0) -> None:
        if known_pose not in KNOWN_POSE:
            raise ValueError(f"known_pose is {known_pose!r}; choose one of {', '.join(KNOWN_POSE)}")
        if steps < 1 or seed < 0:
            raise ValueError(f"steps is {steps} and seed {seed}; give steps of 1 or more, a seed of 0 or more")
        self.model = require(model, Labels, "label recordings")
        self.turn, self.known_pose, self.steps, self.seed = turn, known_pose, steps, seed
        views = [int(count) for count in dict(model.card.recipe.get("views") or {})]
        self.views = max(max(views), 2) if views else None  # as many cameras at once as the model was trained with

    def label(self, windows: Sequence[Window]) -> list[WindowLabels]:
        """The labels of each window, in their order."""
        given = [self._given(window) for window in windows]
        jobs: dict[tuple, list[tuple[int, list[int]]]] = defaultdict(list)
        for index, window in enumerate(windows):
            for group in camera_groups(len(window.cameras), self.views):
                jobs[len(group), given[index], window.world_from_camera.ndim].append((index, group))
        drawn = [np.zeros(window.images.shape, np.uint8) for window in windows]
        for (_, known, _), parts in jobs.items():
            pictures = self._generate([(windows[i], group) for i, group in parts], known)
            for (index, group), images in zip(parts, pictures, strict=True):
                drawn[index][group] = images
        return [self._lifted(*parts) for parts in zip(windows, drawn, given, strict=True)]

    def _given(self, window: Window) -> bool:
        known = bool(np.isfinite(window.tool_pose[0]).all() and np.isfinite(window.openness[0]))
        if self.known_pose == "yes" and not known:
            raise ValueError(
                f"known_pose is 'yes' and nothing was measured at {window.stamps_ns[0]} ns; it needs "
                "current_pose, the gripper and a named robot (--robot); or use --known-pose auto"
            )
        return known and self.known_pose != "no"

    def _generate(self, parts: list[tuple[Window, list[int]]], known: bool) -> np.ndarray:
        clips = Clips(
            np.stack([window.images[group] for window, group in parts]),
            np.stack([window.K[group] for window, group in parts]),
            np.stack([window.world_from_camera[group] for window, group in parts]),
            [window.instruction for window, _ in parts],
            np.stack([window.tool_pose[:1] for window, _ in parts]) if known else None,
            np.stack([window.openness[:1] for window, _ in parts]) if known else None,
        )
        seeds = [int(window.stamps_ns[0] // 1000 * 1009 + group[0] + self.seed) % 2**31 for window, group in parts]
        return self.model.label(clips, steps=self.steps, seed=seeds)

    def _lifted(self, window: Window, images: np.ndarray, given: bool) -> WindowLabels:
        images[:, ~window.fresh] = 0  # nobody saw these moments: nothing is drawn, nothing can be lifted
        prediction = Prediction(
            stamp_ns=int(window.stamps_ns[0]),
            dt=self.model.card.dt,
            camera_names=tuple(window.cameras),
            K=window.K,
            world_from_camera=window.world_from_camera,
            action_images=images,
        )
        chunk = chunk_from_prediction(prediction, self.turn)
        measured = window.tool_pose.copy()
        there = np.isfinite(measured).all(axis=1)
        if there.any():
            from ..geometry.pose import to_robot_tool

            measured[there] = to_robot_tool(measured[there], self.turn)
        valid = chunk.valid & window.fresh
        return WindowLabels(
            replace(chunk, valid=valid), prediction, given, window.stamps_ns, window.logs_ns, measured, window.openness
        )


def camera_groups(cameras: int, most: int | None) -> list[list[int]]:
    """Cameras in groups of at most `most`; the last group is filled up with earlier ones, which are read twice."""
    if most is None or cameras <= most:
        return [list(range(cameras))]
    starts = [*range(0, cameras - most, most), cameras - most]
    return [list(range(start, start + most)) for start in reversed(starts)]  # who is in two keeps the earlier reading
