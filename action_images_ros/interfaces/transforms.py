"""Transforms recorded on /tf and /tf_static, with lookup at any time: tf2 without ROS."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

import numpy as np

from ..geometry.arrays import Floats
from ..geometry.pose import interpolate, inverse, matrix_from_pose7

__all__ = ["TransformHistory"]


_STILL = 1e-6  # m, and of a rotation's entries


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(matrix_from_pose7(one) - matrix_from_pose7(other)).max() < _STILL)


class TransformHistory:
    """Keeps `keep_ns` nanoseconds of every moving transform and all fixed ones.

    Feed `add` in the order of recording; `lookup` interpolates between the two neighbours in time. parents: frames that
    were given two, the newer one counts.
    """

    def __init__(self, keep_ns: int = 10_000_000_000) -> None:
        self._keep = keep_ns
        self._parent: dict[str, str] = {}
        self.parents: dict[str, tuple[str, str]] = {}
        self._fixed: dict[str, np.ndarray] = {}
        self._moving: dict[str, deque[tuple[int, np.ndarray]]] = {}

    def add(self, parent: str, child: str, stamp_ns: int, pose7: np.ndarray, *, fixed: bool = False) -> None:
        """A transform: `pose7` `[7]` is parent_from_child. Older than the newest of its child: put in its place."""
        parent, child = parent.lstrip("/"), child.lstrip("/")
        before = self._parent.get(child, parent)
        if before != parent:
            self.parents.setdefault(child, (before, parent))
        self._parent[child] = parent
        if fixed:
            self._fixed[child] = np.asarray(pose7, dtype=np.float64)
            self._moving.pop(child, None)
            return
        if child in self._fixed:
            return  # tf2 too lets a static transform win
        history = self._moving.setdefault(child, deque())
        if history and stamp_ns < history[-1][0]:
            history.insert(bisect_left(history, stamp_ns, key=lambda entry: entry[0]), (stamp_ns, pose7))
        else:
            history.append((stamp_ns, pose7))
        while history[-1][0] - history[0][0] > self._keep:
            history.popleft()

    def fixed(self, child: str) -> np.ndarray | None:
        """The fixed transform `[7]` of a frame, if it has one."""
        return self._fixed.get(child.lstrip("/"))

    def parent(self, child: str) -> str | None:
        """The frame that a frame's transform is given in."""
        return self._parent.get(child.lstrip("/"))

    def lookup(self, target: str, source: str, stamp_ns: int, tolerance_ns: int) -> np.ndarray:
        """`target_from_source` `[4, 4]` at that time.

        Raises ValueError when the frames are not connected, or the neighbours in time of a moving transform are further
        than the tolerance away, or there is but one and it is further than a quarter of that.
        """
        to_root = self._chain(source)
        from_root = self._chain(target)
        meeting = next((frame for frame in to_root if frame in from_root), None)
        if meeting is None:
            known = sorted({*self._parent, *self._parent.values()})
            raise ValueError(f"no transform from {source!r} to {target!r}; /tf and /tf_static have the frames {known}")
        target_from_source: Floats = inverse(self._up(target, meeting, stamp_ns, tolerance_ns)) @ self._up(
            source, meeting, stamp_ns, tolerance_ns
        )
        return target_from_source

    def _chain(self, frame: str) -> list[str]:
        chain = [frame.lstrip("/")]
        while chain[-1] in self._parent:
            chain.append(self._parent[chain[-1]])
            if len(chain) > 1000:
                raise ValueError(f"the transforms above {frame!r} form a loop: {chain[:4]}...; repair /tf")
        return chain

    def _up(self, frame: str, ancestor: str, stamp_ns: int, tolerance_ns: int) -> np.ndarray:
        """ancestor_from_frame."""
        result = np.eye(4)
        frame = frame.lstrip("/")
        while frame != ancestor:
            result = matrix_from_pose7(self._at(frame, stamp_ns, tolerance_ns)) @ result
            frame = self._parent[frame]
        return result

    def _at(self, frame: str, stamp_ns: int, tolerance_ns: int) -> np.ndarray:
        if frame in self._fixed:
            return self._fixed[frame]
        history = self._moving[frame]
        index = bisect_left(history, stamp_ns, key=lambda entry: entry[0])
        if 0 < index < len(history) and _same(history[index - 1][1], history[index][1]):
            return history[index][1]  # it stood still in between, however seldom it is said
        near = [
            history[i]
            for i in (index - 1, index)
            if 0 <= i < len(history) and abs(history[i][0] - stamp_ns) <= tolerance_ns
        ]
        if not near or (len(near) == 1 and abs(near[0][0] - stamp_ns) > tolerance_ns // 4):
            gap = min(abs(stamp - stamp_ns) for stamp, _ in history) * 1e-9
            raise ValueError(
                f"the transform of {frame!r} is {gap:.2f} s away (pose_tolerance is "
                f"{tolerance_ns * 1e-9:g} s for one before and one after, a quarter for one alone); record /tf at a "
                "higher rate, or on /tf_static where it does not move"
            )
        if len(near) == 1 or near[0][0] == near[1][0] or near[1][0] == stamp_ns:
            return near[-1][1]
        return interpolate(near[0][1], near[1][1], (stamp_ns - near[0][0]) / (near[1][0] - near[0][0]))
