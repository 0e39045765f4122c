"""Estimates of held-out windows: the model in one of its modes, and the baselines it has to beat."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ..codec.decode import DecodedActions, decode
from ..codec.encode import encode, to_uint8
from ..metrics.actions import constant_actions
from .held_out import HeldOutWindow, as_clips

__all__ = ["OPEN_MODES", "Estimate", "canvas_mode", "constant_estimate", "conditioning_frames", "estimates"]

OPEN_MODES = ("joint", "world", "label", "label-unknown", "video")
"""Modes that are judged on recorded episodes, without a robot: what is predicted is compared with what happened."""


@dataclass
class Estimate:
    """What one method predicts for one window.

    video, action_images: uint8 `[V, T, H, W, 3]`; actions: decoded from the latter; None where there are none.
    judged_on: the window whose actions these are, where it is another one.
    """

    video: np.ndarray | None = None
    actions: DecodedActions | None = None
    action_images: np.ndarray | None = None
    judged_on: HeldOutWindow | None = None


def canvas_mode(mode: str) -> str:
    """The world model's mode behind an evaluated one."""
    return "label" if mode == "label-unknown" else mode


def conditioning_frames(mode: str) -> int:
    """Frames of a window that condition the model and are not scored: one, in label-unknown none."""
    return 0 if mode == "label-unknown" else 1


def estimates(
    model, windows: list[HeldOutWindow], mode: str, seeds: list[int], steps: int = 1
) -> tuple[list[dict], float]:
    """Estimates of every method for each window, {name: Estimate}, and the seconds that the model took for the mode.

    Methods: "model" is the mode itself. Baselines are "repeat first frame" (video) and "hold first pose" (actions).
    "codec", the true actions as decoded 8-bit images, is the ceiling of every labeller.

    A labeller that knows the first frame and the instruction may plan the expert's motion instead of reading it. Two
    inputs separate the two: "frozen video" (the first frame throughout) shows what planning alone gives; the reversed
    recording, "backwards", cannot be planned. In world mode the labeller reads each predicted video reversed, which
    measures whether it shows the commanded motion; "true video" is the same for the recording.
    """
    begin = time.perf_counter()
    pictures = model.generate(
        as_clips(windows, known_pose=mode != "label-unknown"), canvas_mode(mode), steps=steps, seed=seeds
    )
    seconds = time.perf_counter() - begin
    answers = [{"model": _estimate(window, pictures, i)} for i, window in enumerate(windows)]
    still = [np.repeat(window.images[:, :1], window.images.shape[1], axis=1) for window in windows]
    backwards = [window.backwards() for window in windows]

    def read(name: str, shown: list[HeldOutWindow], videos: list[np.ndarray]) -> None:
        """Add the labels of these videos, which show (or should show) these windows."""
        clips = as_clips(shown, known_pose=mode != "label-unknown", images=np.stack(videos))
        drawn = model.generate(clips, "label", steps=steps, seed=seeds).action_images
        for answer, window, images in zip(answers, shown, drawn, strict=True):
            estimate = answer.setdefault(name, Estimate())
            estimate.actions, estimate.judged_on = decode(images, window.K, window.world_from_camera), window

    for i, (window, answer) in enumerate(zip(windows, answers, strict=True)):
        if pictures.video is not None:
            answer["repeat first frame"] = Estimate(still[i])
        if mode in ("joint", "label"):
            answer["hold first pose"] = constant_estimate(window.poses[0], window.openness[0], window)
        if mode in ("joint", "label", "label-unknown"):
            answer["codec"] = _through_the_codec(window)
    if canvas_mode(mode) == "label":
        read("frozen video", windows, still)
        read("backwards", backwards, [window.images for window in backwards])
    if mode == "world":
        for name in ("model", "repeat first frame"):
            read(name, backwards, [np.asarray(answer[name].video)[:, ::-1] for answer in answers])
        read("true video", backwards, [window.images for window in backwards])
    return answers, seconds


def constant_estimate(pose: np.ndarray, openness: float, window: HeldOutWindow) -> Estimate:
    """The same pose in every frame."""
    return Estimate(actions=constant_actions(pose, openness, len(window.poses)))


def _estimate(window: HeldOutWindow, pictures, i: int) -> Estimate:
    video = None if pictures.video is None else pictures.video[i]
    if pictures.action_images is None:
        return Estimate(video)
    images = pictures.action_images[i]
    return Estimate(video, decode(images, window.K, window.world_from_camera), images)


def _through_the_codec(window: HeldOutWindow) -> Estimate:
    drawn = encode(window.matrices, window.openness, window.K, window.world_from_camera, window.images.shape[2:4])
    images = to_uint8(drawn.images)
    return Estimate(None, decode(images, window.K, window.world_from_camera), images)
