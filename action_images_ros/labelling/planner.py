"""Cut a stream of synchronised frames into the overlapping windows of label mode."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..data.rosbag2.frames import Frame
from ..policy.observation import prepare_image

__all__ = ["MAX_GAP", "Unlabelled", "Window", "WindowPlanner"]

MAX_GAP = 2
"""So many frames in a row that lack a camera's picture are bridged by the one before; such a frame gets no label."""
_STILL = 1e-3  # m and rad (as matrix entries), px: a camera that moves further within a window has a pose per frame
_VIEWS = 2  # cameras that decoding needs


@dataclass(frozen=True)
class Window:
    """T frames, dt apart, seen by V cameras; what `Labeller.label` takes.

    stamps_ns, logs_ns: int [T], header stamp and time of recording of the first camera. images: uint8 [V, T, H, W, 3].
    K: [V, 3, 3] px and world_from_camera [V, 4, 4] of these images ([V, T, 4, 4] where a camera moves).
    tool_pose: [T, 7] of the MODEL tool and openness [T] as measured, NaN where not known. fresh: bool [T], whether two
    cameras or more have a picture of their own.
    """

    stamps_ns: np.ndarray
    logs_ns: np.ndarray
    cameras: tuple[str, ...]
    images: np.ndarray
    K: np.ndarray
    world_from_camera: np.ndarray
    instruction: str
    tool_pose: np.ndarray
    openness: np.ndarray
    fresh: np.ndarray


@dataclass(frozen=True)
class Unlabelled:
    """A frame that no window holds, and why."""

    stamp_ns: int
    log_ns: int
    reason: str


@dataclass
class _Moment:
    stamp_ns: int
    log_ns: int
    images: dict[str, np.ndarray]
    K: dict[str, np.ndarray]
    E: dict[str, np.ndarray]
    tool_pose: np.ndarray | None = None
    openness: float | None = None
    held: dict[str, int] = field(default_factory=dict)  # camera -> for how many frames its picture has been held
    covered: bool = False

    @property
    def fresh(self) -> bool:
        return len(self.images) - len(self.held) >= _VIEWS


class WindowPlanner:
    """Feed frames in order; `add` and `finish` return the windows that have become complete.

    frames: T of the model. stride: frames from one window's begin to the next one's, 1 .. T - 1. dt: seconds. size:
    (H, W) of the model. corrupt: changes a prepared picture (to measure what that does). A stretch of frames ends where
    the instruction or scene changes, at a gap of more than `max_gap` frames and where fewer than two cameras see; its
    last window ends with it. `take_unlabelled` returns frames in no window.
    """

    def __init__(
        self,
        frames: int,
        stride: int,
        dt: float,
        size: tuple[int, int],
        *,
        max_gap: int = MAX_GAP,
        corrupt: Callable[[np.ndarray, str, int], np.ndarray] | None = None,
    ) -> None:
        if not 1 <= stride < frames:
            raise ValueError(f"stride is {stride}; give 1 to {frames - 1} frames, the model's windows hold {frames}")
        self.frames, self.stride, self.dt_ns, self.size, self.max_gap = frames, stride, round(dt * 1e9), size, max_gap
        self._corrupt = corrupt
        self._key: tuple | None = None
        self._moments: deque[_Moment] = deque()  # from index self._base of the stretch on
        self._base, self._next = 0, 0
        self._unlabelled: list[Unlabelled] = []

    def add(self, frame: Frame) -> list[Window]:
        """Take a frame; the windows it completes."""
        windows: list[Window] = []
        key = (frame.instruction, frame.status.get("episode"))
        missing = self._missing(frame.gap_s)
        if self._moments and (key != self._key or missing is None):
            windows += self.finish()
        moment = self._moment(frame)
        before = self._bridge(missing or 0) if self._moments else []
        previous = before[-1] if before else (self._moments[-1] if self._moments else None)
        self._hold(moment, previous)
        if not frame.instruction or len(moment.images) < _VIEWS or any(len(m.images) < _VIEWS for m in before):
            windows += self.finish()
            why = "; ".join(what for what, _ in frame.problems) or "one camera only"
            self._leave(
                moment,
                "no instruction yet: record one or give --instruction"
                if not frame.instruction
                else f"fewer than two cameras see: {why}",
            )
            return windows
        self._key = key
        for one in (*before, moment):
            self._moments.append(one)
            windows += self._ready()
        return windows

    def finish(self) -> list[Window]:
        """End the stretch: its last window, where frames are left over."""
        windows: list[Window] = []
        end = self._base + len(self._moments)
        if end >= self.frames and any(not m.covered for m in self._moments):
            windows += self._cut(end - self.frames)
        short = end < self.frames
        for moment in self._moments:
            if not moment.covered:
                self._leave(moment, f"stretch of {end} frames, the model needs {self.frames}" if short else _NO_WINDOW)
        self._moments.clear()
        self._base = self._next = 0
        return windows

    def take_unlabelled(self) -> list[Unlabelled]:
        """Frames found to be in no window since the last call."""
        taken, self._unlabelled = self._unlabelled, []
        return taken

    def _missing(self, gap_s: float) -> int | None:
        """Frames missing in a gap; None where it cannot be bridged."""
        count = round(gap_s * 1e9 / self.dt_ns)
        if gap_s <= 0:
            return 0
        return count if 1 <= count <= self.max_gap and abs(gap_s * 1e9 - count * self.dt_ns) <= self.dt_ns / 4 else None

    def _moment(self, frame: Frame) -> _Moment:
        pose, openness = frame.tool_pose, frame.openness
        moment = _Moment(frame.stamp_ns, frame.log_ns or frame.stamp_ns, {}, {}, {}, pose, openness)
        for name in frame.images:
            if name in frame.world_from_camera:
                image, moment.K[name] = prepare_image(frame.images[name], frame.K[name], self.size)
                if self._corrupt is not None:
                    image = self._corrupt(image, name, frame.stamp_ns)
                moment.images[name], moment.E[name] = image, frame.world_from_camera[name]
        return moment

    def _bridge(self, count: int) -> list[_Moment]:
        """Moments without any picture of their own in place of missing frames."""
        last = self._moments[-1]
        made: list[_Moment] = []
        for i in range(1, count + 1):
            moment = _Moment(last.stamp_ns + i * self.dt_ns, last.log_ns + i * self.dt_ns, {}, {}, {})
            self._hold(moment, made[-1] if made else last)
            made.append(moment)
        return made

    def _hold(self, moment: _Moment, previous: _Moment | None) -> None:
        """The cameras that the moment lacks, as they were in the previous one."""
        if previous is None:
            return
        for name in previous.images:
            held = previous.held.get(name, 0) + 1
            if name not in moment.images and held <= self.max_gap:
                moment.images[name], moment.K[name] = previous.images[name], previous.K[name]
                moment.E[name], moment.held[name] = previous.E[name], held

    def _ready(self) -> list[Window]:
        if self._base + len(self._moments) < self._next + self.frames:
            return []
        windows = self._cut(self._next)
        self._next += self.stride
        while self._base <= self._next - self.stride:  # a last window begins later than the newest regular one
            moment = self._moments.popleft()
            self._base += 1
            if not moment.covered:
                self._leave(moment, _NO_WINDOW)
        return windows

    def _cut(self, start: int) -> list[Window]:
        moments = [self._moments[i] for i in range(start - self._base, start - self._base + self.frames)]
        seeing = [
            name
            for name in sorted(moments[0].images)
            if all(name in m.images for m in moments) and _still([m.K[name] for m in moments])
        ]
        still = [name for name in seeing if _still([m.E[name] for m in moments])]
        if len(still) < len(seeing) and len(still) >= _VIEWS:
            seeing = still  # a camera that moves is read worse than it helps two that stand still
        cameras = tuple(seeing)
        if len(cameras) < _VIEWS:
            return []
        every = np.stack([np.stack([m.E[name] for m in moments]) for name in cameras])
        for moment in moments:
            moment.covered = True
        instruction = "" if self._key is None else self._key[0]
        return [
            Window(
                np.array([m.stamp_ns for m in moments]),
                np.array([m.log_ns for m in moments]),
                cameras,
                np.stack([np.stack([m.images[name] for m in moments]) for name in cameras]),
                np.stack([moments[0].K[name] for name in cameras]),
                every[:, 0] if len(still) == len(seeing) else every,
                instruction,
                np.stack([np.full(7, np.nan) if m.tool_pose is None else m.tool_pose for m in moments]),
                np.array([np.nan if m.openness is None else m.openness for m in moments]),
                np.array([m.fresh for m in moments]),
            )
        ]

    def _leave(self, moment: _Moment, reason: str) -> None:
        self._unlabelled.append(Unlabelled(moment.stamp_ns, moment.log_ns, reason))


_NO_WINDOW = "in no window do two cameras see all the time"


def _still(matrices: list[np.ndarray]) -> bool:
    return max(np.abs(matrix - matrices[0]).max() for matrix in matrices) <= _STILL
