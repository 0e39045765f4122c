"""Random faults around the executor: clocks, measured poses, chunks and operator calls.

Everything is a generator over ticks with a seed, without ROS. The true arm follows what is commanded, one tick late.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from ..control.chunk import Chunk
from ..control.settings import Limits

__all__ = ["Clock", "Perception", "random_chunk", "random_limits", "random_pose"]

Array = npt.NDArray[np.float64]
Generator = np.random.Generator

_CLOCKS = (*("regular",) * 6, "jitter", "late", "pieces", "frozen", "back", "ahead", "double")
_POSES = (
    *("true",) * 20,
    *("noise", "antipode", "offset", "walk", "frozen", "jump", "nan", "none", "zero", "long", "old", "future", "mm"),
    *("half turn", "short", "repeated"),
)
_CHUNKS = (
    *("good",) * 12,
    *("antipodes", "half turns", "late", "future", "repeated", "reordered", "nan", "jump", "fast", "outside", "zero"),
    *("uncertain", "nan covariance", "one frame", "openness", "gap", "tiny dt", "long dt", "spiral", "still"),
)


class Clock:
    """ROS time (ns) and steady time (s) of the ticks; its mood changes every few dozen ticks."""

    def __init__(self, rng: Generator, period_s: float) -> None:
        self._rng, self._period = rng, period_s
        self.now_ns, self.steady_s = int(rng.integers(10**9, 10**18)), float(rng.uniform(0, 1000))
        self._mood, self._left = "regular", 100

    def tick(self) -> None:
        """Let the time of one tick pass."""
        if self._left == 0:
            self._mood = str(self._rng.choice(_CLOCKS))
            self._left = int(self._rng.integers(1, 120)) * (3 if self._mood == "regular" else 1)
        self._left -= 1
        passed = steady = self._period
        rng, mood = self._rng, self._mood
        if mood == "jitter":
            passed = steady = self._period * rng.uniform(0, 2)
        elif mood == "late" and rng.random() < 0.1:
            passed = steady = rng.uniform(0.01, 0.6)
        elif mood == "pieces":
            passed = 0.0 if rng.random() < 0.8 else 5 * self._period
        elif mood == "frozen":
            passed = 0.0
        elif mood == "double":
            passed = 2 * self._period
        elif mood in ("back", "ahead") and rng.random() < 0.05:
            passed = float(rng.choice([0.001, 0.05, 1.0, 100.0]) * (1 if mood == "ahead" else -1))
        self.now_ns = max(self.now_ns + round(passed * 1e9), 0)
        self.steady_s += steady


class Perception:
    """What `current_pose` says of the true pose; its mood changes every few dozen ticks."""

    def __init__(self, rng: Generator) -> None:
        self._rng, self._mood, self._left = rng, "true", 60
        self._offset = np.zeros(3)
        self._last: np.ndarray | None = None
        self._last_ns = 0

    def _change_mood(self) -> None:
        if self._left == 0:
            self._mood = str(self._rng.choice(_POSES))
            self._left = int(self._rng.integers(1, 60)) * (6 if self._mood == "true" else 1)
            self._offset = self._rng.normal(0, 0.1, 3)
        self._left -= 1

    def look(self, true: Array, now_ns: int) -> tuple[Array | None, int | None]:
        """The measured pose (not always `[7]`) and its stamp."""
        rng = self._rng
        self._change_mood()
        pose, stamp_ns, mood = true.copy(), now_ns, self._mood
        if mood in ("offset", "walk"):
            if mood == "walk":
                self._offset = self._offset + rng.normal(0, 2e-3, 3)
            pose[:3] += self._offset
        elif mood == "noise":
            pose[:3] += rng.normal(0, rng.choice([1e-4, 2e-3, 2e-2]), 3)
        elif mood == "antipode":
            pose[3:] *= rng.choice([-1, 1])
        elif mood == "jump" and rng.random() < 0.1:
            pose[:3] += rng.normal(0, 0.5, 3)
        elif mood == "mm":
            pose[:3] *= 1000
        elif mood == "half turn":
            pose[3:] = (Rotation.from_rotvec([0, 0, np.pi]) * Rotation.from_quat(pose[3:])).as_quat()
        elif mood == "zero":
            pose[3:] = 0
        elif mood == "long":
            pose[3:] *= 3
        elif mood == "nan":
            pose[int(rng.integers(7))] = rng.choice([np.nan, np.inf, -np.inf, 1e300])
        elif mood == "short":
            pose = pose[:6]
        elif mood in ("old", "future"):
            stamp_ns += round(rng.uniform(0, 2) * 1e9) * (1 if mood == "future" else -1)
        elif mood == "none":
            return None, None
        elif mood in ("frozen", "repeated") and self._last is not None:
            return self._last, now_ns if mood == "frozen" else self._last_ns
        self._last, self._last_ns = pose, stamp_ns
        return pose, stamp_ns


def random_limits(rng: Generator) -> Limits:
    """The default limits, or others from a tenth to three times of them in a box of another size."""
    default = Limits()
    if rng.random() < 0.5:
        return default
    names = [f"max_{kind}_{what}" for kind in ("linear", "angular") for what in ("speed", "acceleration", "jerk")]
    low = rng.uniform([0.2, -0.4, 0.0], [0.4, -0.1, 0.2])
    return Limits(
        tuple(low),
        tuple(low + rng.uniform(0.15, 0.6, 3)),
        **{name: float(getattr(default, name) * 10 ** rng.uniform(-1, 0.5)) for name in names},
    )


def random_pose(rng: Generator, limits: Limits) -> Array:
    """A pose in the workspace or, now and then, a little outside."""
    low, high = np.array(limits.workspace_min), np.array(limits.workspace_max)
    margin = -0.05 if rng.random() < 0.1 else 0.0
    return np.concatenate([rng.uniform(low + margin, high - margin), Rotation.random(rng=rng).as_quat()])


def random_chunk(rng: Generator, pose: Array, now_ns: int, limits: Limits, earlier: list[Chunk]) -> Chunk:
    """A chunk that begins about at `pose`, good or spoilt in one way. earlier: those sent before, appended to."""
    kind = str(rng.choice(_CHUNKS))
    if kind in ("repeated", "reordered") and earlier:
        return earlier[int(rng.integers(len(earlier)))] if kind == "reordered" else earlier[-1]
    frames, dt = (1 if kind == "one frame" else int(rng.choice([2, 9, 16, 40]))), 0.2
    dt = float({"tiny dt": 10 ** rng.uniform(-9, -2), "long dt": 10 ** rng.uniform(0, 8)}.get(kind, 0.2))
    seconds = np.arange(frames) * 0.2
    poses = np.tile(pose, (frames, 1))
    speed = rng.choice([0.02, 0.2, 0.6]) * (20 if kind == "fast" else 0 if kind == "still" else 1)
    poses[:, :3] += rng.normal(0, 0.01, 3) + np.outer(seconds, rng.normal(0, speed, 3))
    turn = rng.normal(0, rng.choice([0.1, 1.0, 3.0]), 3)
    if kind == "half turns":
        turn = np.array([0, 0, np.pi / 0.2 * rng.uniform(0.1, 1.0)])
    poses[:, 3:] = (Rotation.from_rotvec(np.outer(seconds, turn)) * Rotation.from_quat(pose[3:])).as_quat()
    openness, valid = np.full(frames, rng.random()), np.ones(frames, dtype=bool)
    covariance = np.tile(rng.choice([1e-6, 1e-4]) * np.eye(6), (frames, 1, 1))
    frame = int(rng.integers(frames))
    if kind == "antipodes":
        poses[:, 3:] *= rng.choice([-1, 1], (frames, 1))
    elif kind == "nan":
        poses[frame, int(rng.integers(7))] = rng.choice([np.nan, np.inf, -1e300])
    elif kind == "jump":
        poses[frame:, :3] += rng.normal(0, 0.3, 3)
    elif kind == "outside":
        poses[:, :3] = pose[:3] + np.outer(seconds, rng.choice([-1, 1], 3) * 0.5)
    elif kind == "zero":
        poses[frame, 3:] *= rng.choice([0, 2])
    elif kind == "uncertain":
        covariance[frame:] *= 10 ** rng.uniform(2, 12)
    elif kind == "nan covariance":
        covariance[frame, 0, 0] = np.nan
    elif kind == "openness":
        openness[frame] = rng.choice([np.nan, -1.0, 2.0, 1e300])
    elif kind == "gap":
        valid[frame : frame + int(rng.integers(1, 5))] = False
        poses[~valid] = np.nan
    elif kind == "spiral":
        angle = seconds * rng.uniform(0, 20)
        poses[:, :3] = pose[:3] + 0.1 * np.stack([np.cos(angle) - 1, np.sin(angle), 0.1 * angle], axis=1)
    late = {"late": rng.uniform(0, 6), "future": -rng.uniform(0, 2)}.get(kind, rng.uniform(0, 0.3))
    chunk = Chunk(now_ns - round(late * 1e9), dt, poses, openness, covariance, valid)
    earlier.append(chunk)
    del earlier[:-8]
    return chunk
