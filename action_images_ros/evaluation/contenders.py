"""Who paints and who acts: the model in one of its modes, and the trivial guesses it has to beat."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ..codec.decode import DecodedActions, decode
from ..codec.encode import encode, to_uint8
from .actions import constant_actions
from .held_out import Window, as_clips

__all__ = ["OPEN_MODES", "Guess", "canvas_mode", "constant_guess", "given_frames", "guesses"]

OPEN_MODES = ("joint", "world", "label", "label-unknown", "video")
"""Modes that are judged on recorded episodes, without a robot: what is predicted is compared with what happened."""


@dataclass
class Guess:
    """One contender's answer for one window: video and action_images uint8 [V, T, H, W, 3], actions decoded from the
    latter; None where there are none."""

    video: np.ndarray | None = None
    actions: DecodedActions | None = None
    action_images: np.ndarray | None = None


def canvas_mode(mode: str) -> str:
    """The world model's mode behind an evaluated one."""
    return "label" if mode == "label-unknown" else mode


def given_frames(mode: str) -> int:
    """How many frames of a window the model is given and is therefore not judged on: all but label-unknown know one."""
    return 0 if mode == "label-unknown" else 1


def guesses(model, windows: list[Window], mode: str, seeds: list[int], steps: int = 1) -> tuple[list[dict], float]:
    """Every contender's guess for each window, {name: Guess}, and the seconds the model took for all of them.

    "model" is the mode itself. Its rivals: "repeat first frame" (video), "hold first pose" (actions), and "codec", the
    true actions drawn as 8-bit images and read back, which no labeller can beat. In world mode the model's own label
    mode reads the arm off the generated video ("model"), off the repeated frame, and off the true video ("true video"):
    whether what is painted does what was commanded, beside how well it can be read at all.
    """
    begin = time.perf_counter()
    pictures = model.generate(as_clips(windows, known_pose=mode != "label-unknown"), canvas_mode(mode), steps=steps,
                              seed=seeds)
    seconds = time.perf_counter() - begin
    answers = [{"model": _guess(window, pictures, i)} for i, window in enumerate(windows)]
    for window, answer in zip(windows, answers, strict=True):
        frames = window.images.shape[1]
        if pictures.video is not None:
            answer["repeat first frame"] = Guess(np.repeat(window.images[:, :1], frames, axis=1))
        if mode in ("joint", "label"):
            answer["hold first pose"] = Guess(actions=constant_actions(window.poses[0], window.openness[0], frames))
        if mode in ("joint", "label", "label-unknown"):
            answer["codec"] = _through_the_codec(window)
    if mode == "world":
        _read_back(model, windows, answers, seeds, steps)
    return answers, seconds


def constant_guess(pose: np.ndarray, openness: float, window: Window) -> Guess:
    """The same pose in every frame."""
    return Guess(actions=constant_actions(pose, openness, len(window.poses)))


def _guess(window: Window, pictures, i: int) -> Guess:
    video = None if pictures.video is None else pictures.video[i]
    if pictures.action_images is None:
        return Guess(video)
    images = pictures.action_images[i]
    return Guess(video, decode(images, window.K, window.world_from_camera), images)


def _through_the_codec(window: Window) -> Guess:
    drawn = encode(window.matrices, window.openness, window.K, window.world_from_camera, window.images.shape[2:4])
    images = to_uint8(drawn.images)
    return Guess(None, decode(images, window.K, window.world_from_camera), images)


def _read_back(model, windows: list[Window], answers: list[dict], seeds: list[int], steps: int) -> None:
    """Adds the actions that label mode reads off each contender's video."""
    for answer, window in zip(answers, windows, strict=True):
        answer["true video"] = Guess(window.images)
    for name in ("model", "repeat first frame", "true video"):
        shown = as_clips(windows, images=np.stack([answer[name].video for answer in answers]))
        pictures = model.generate(shown, "label", steps=steps, seed=seeds)
        for i, (answer, window) in enumerate(zip(answers, windows, strict=True)):
            answer[name].actions = decode(pictures.action_images[i], window.K, window.world_from_camera)
    for answer in answers:
        answer["true video"].video = None
