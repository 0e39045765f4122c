"""Who paints and who acts: the model in one of its modes, and the trivial guesses it has to beat."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ..codec.decode import DecodedActions, decode
from ..codec.encode import encode, to_uint8
from ..metrics.actions import constant_actions
from .held_out import Window, as_clips

__all__ = ["OPEN_MODES", "Guess", "canvas_mode", "constant_guess", "given_frames", "guesses"]

OPEN_MODES = ("joint", "world", "label", "label-unknown", "video")
"""Modes that are judged on recorded episodes, without a robot: what is predicted is compared with what happened."""


@dataclass
class Guess:
    """One contender's answer for one window: video and action_images uint8 [V, T, H, W, 3], actions decoded from the
    latter; None where there are none. judged_on: the window whose actions these are, where it is not the one asked."""

    video: np.ndarray | None = None
    actions: DecodedActions | None = None
    action_images: np.ndarray | None = None
    judged_on: Window | None = None


def canvas_mode(mode: str) -> str:
    """The world model's mode behind an evaluated one."""
    return "label" if mode == "label-unknown" else mode


def given_frames(mode: str) -> int:
    """How many frames of a window the model is given and is therefore not judged on: all but label-unknown know one."""
    return 0 if mode == "label-unknown" else 1


def guesses(model, windows: list[Window], mode: str, seeds: list[int], steps: int = 1) -> tuple[list[dict], float]:
    """Every contender's guess for each window, {name: Guess}, and the seconds the model took for the mode itself.

    "model" is the mode itself. Its rivals: "repeat first frame" (video), "hold first pose" (actions), and "codec", the
    true actions drawn as 8-bit images and read back, which no labeller can beat.

    A labeller that knows the first frame and the instruction may plan what the expert will do instead of reading what
    it does. So label modes are also shown a "frozen video" (the first frame throughout: what planning alone gives) and
    the recording "backwards" (which cannot be planned). In world mode the label mode reads the arm off each
    video backwards, off the "true video" too: whether what is painted does what was commanded, beside how well it can
    be read at all.
    """
    begin = time.perf_counter()
    pictures = model.generate(
        as_clips(windows, known_pose=mode != "label-unknown"), canvas_mode(mode), steps=steps, seed=seeds
    )
    seconds = time.perf_counter() - begin
    answers = [{"model": _guess(window, pictures, i)} for i, window in enumerate(windows)]
    still = [np.repeat(window.images[:, :1], window.images.shape[1], axis=1) for window in windows]
    backwards = [window.backwards() for window in windows]

    def read(name: str, shown: list[Window], videos: list[np.ndarray]) -> None:
        """Adds what label mode reads off these videos, which show (or should show) these windows."""
        clips = as_clips(shown, known_pose=mode != "label-unknown", images=np.stack(videos))
        drawn = model.generate(clips, "label", steps=steps, seed=seeds).action_images
        for answer, window, images in zip(answers, shown, drawn, strict=True):
            guess = answer.setdefault(name, Guess())
            guess.actions, guess.judged_on = decode(images, window.K, window.world_from_camera), window

    for i, (window, answer) in enumerate(zip(windows, answers, strict=True)):
        if pictures.video is not None:
            answer["repeat first frame"] = Guess(still[i])
        if mode in ("joint", "label"):
            answer["hold first pose"] = constant_guess(window.poses[0], window.openness[0], window)
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
