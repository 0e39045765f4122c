"""Joins a recording over time: one frame every dt with a picture of every camera, the tool's pose and the openness.

One pass, and memory that does not grow with the recording: pictures wait, undecoded, only until the topics have caught
up with the frame they belong to.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ...geometry.camera import normalise_signs
from ...interfaces.images import rgb_from_file, rgb_from_pixels
from .bag import Bag, BagError, BagMessage, header_of, stamp_of
from .state import RecordedState
from .topics import BagSetup, CameraTopics, find_topics

__all__ = ["Frame", "FrameStream"]


@dataclass
class Frame:
    """What was seen and measured at one moment, `stamp_ns` (the first camera's header stamp).

    images: uint8 RGB `[h, w, 3]` by camera, only those within image_tolerance. K `[3, 3]` px and world_from_camera
    `[4, 4]` by camera (signs normalised), where known. tool_pose: `[7]` of the MODEL tool frame in base_frame,
    interpolated at stamp_ns, None where not recorded or no robot was named. openness: 0..1, the newest gripper_command
    until then, else from the finger joints; None where neither is there. status: the cell's newest report. gap_s:
    seconds missing between this frame and the one before it, beyond dt (0: none). problems: what is missing, as
    (what, details); empty for a whole frame. log_ns: when the first camera's picture was recorded.
    """

    stamp_ns: int
    images: dict[str, np.ndarray]
    K: dict[str, np.ndarray]
    world_from_camera: dict[str, np.ndarray]
    tool_pose: np.ndarray | None
    openness: float | None
    instruction: str
    status: dict
    gap_s: float = 0.0
    problems: list[tuple[str, str]] = field(default_factory=list)
    log_ns: int = 0


class FrameStream:
    """Iterate it once. Raises BagError naming topic, value and remedy for what no frame could be made from.

    dt: seconds between frames. Each frame is the first camera's picture nearest to dt after the one before, if it is
    within spacing_tolerance; else there is a gap and the next picture begins anew.
    Attributes: topics (what was found); out_of_order: topic to number of messages left out.
    """

    def __init__(self, bag: Bag, setup: BagSetup, dt: float) -> None:
        if not 0.001 <= dt <= 3600:
            raise ValueError(f"dt is {dt}; give the seconds between frames, 0.001 to 3600")
        self.bag, self.setup, self.dt_ns = bag, setup, round(dt * 1e9)
        self.topics = find_topics(bag, setup)
        self.out_of_order: Counter[str] = Counter()
        self._spacing = self.dt_ns // 4 if setup.spacing_tolerance is None else round(setup.spacing_tolerance * 1e9)
        self._tolerance = round(setup.image_tolerance * 1e9)
        self._patience = round(setup.patience * 1e9)
        self._keep = self.dt_ns + 2 * self._patience + self._spacing + self._tolerance
        self._state = RecordedState(
            bag, setup, self.topics, max(10_000_000_000, 2 * self._keep + 2 * round(setup.pose_tolerance * 1e9))
        )
        self._cameras = {camera.name: camera for camera in self.topics.cameras}
        self._reference = self.topics.cameras[0].name
        self._pictures: dict[str, deque[tuple[int, BagMessage]]] = {name: deque() for name in self._cameras}
        self._handlers = dict(self._state.handlers)
        for name, camera in self._cameras.items():
            self._handlers[camera.image] = (lambda m, s, now, n=name: self._pictures[n].append((s, m)), True)
        self._timed = [topic for topic, (_, stamped) in self._handlers.items() if stamped]
        self._newest: dict[str, int] = {}
        self._now = 0
        self._previous: int | None = None
        self._expected: int | None = None
        self._look: dict[str, tuple[str, tuple[int, int]]] = {}

    def __iter__(self) -> Iterator[Frame]:
        for message in self.bag.messages(self._handlers):
            handler, stamped = self._handlers[message.topic]
            stamp = 0
            if stamped:
                stamp = message.log_ns if self.setup.log_time else stamp_of(message.data)
                if not self._in_order(message, stamp):
                    continue
            handler(message, stamp, self._now)
            if stamped:
                yield from self._complete(False)
        for camera in self.topics.cameras:
            if camera.image not in self._newest:
                raise BagError(f"{self.bag.path}: {camera.image} holds no picture; leave out {camera.name} (--cameras)")
        yield from self._complete(True)

    def _in_order(self, message: BagMessage, stamp: int) -> bool:
        topic, path = message.topic, self.bag.path
        if stamp == 0:
            raise BagError(
                f"{path}: {topic} has an empty header stamp (0); let the driver fill it in, or take the "
                "time of recording with --log-time"
            )
        newest = self._newest.get(topic, stamp)
        if stamp < newest - self.setup.order_tolerance * 1e9:
            raise BagError(
                f"{path}: the stamps of {topic} run backwards by {(newest - stamp) * 1e-9:.3f} s at "
                f"{stamp} ns (order_tolerance is {self.setup.order_tolerance:g} s): a clock was set or a "
                "simulation reset; cut the recording there, or take the time of recording with --log-time"
            )
        if stamp < newest:
            self.out_of_order[topic] += 1
            return False
        self._newest[topic] = stamp
        self._now = max(self._now, stamp)
        return True

    def _complete(self, end: bool) -> Iterator[Frame]:
        """Frames for which everything has come, or will not come any more."""
        while self._expected is not None or self._begin(end):
            stamp = self._next_stamp(end)
            if stamp is None or not self._arrived(stamp, end):
                break
            gap = 0 if self._previous is None or stamp <= self._expected + self._spacing else stamp - self._expected
            yield self._frame(stamp, gap * 1e-9)
            self._previous, self._expected = stamp, stamp + self.dt_ns
            self._forget(stamp)
        self._forget(max(self._previous or 0, self._now - self._keep))

    def _begin(self, end: bool) -> bool:
        """Frames begin when every camera has begun."""
        reference = self._pictures[self._reference]
        if not all(self._pictures.values()) and not (end and reference):
            return False
        first = max(queue[0][0] for queue in self._pictures.values() if queue) - self._tolerance
        self._expected = next((stamp for stamp, _ in reference if stamp >= first), None)
        return self._expected is not None

    def _next_stamp(self, end: bool) -> int | None:
        """The stamp of the first camera's picture that is to be the next frame; None: not known yet."""
        stamps = [stamp for stamp, _ in self._pictures[self._reference]]
        later = bisect_left(stamps, self._expected)
        if later == len(stamps) and not end and self._now <= self._expected + self._patience:
            return None
        near = [s for s in stamps[max(later - 1, 0) : later + 1] if abs(s - self._expected) <= self._spacing]
        if near:
            return min(near, key=lambda s: abs(s - self._expected))
        return stamps[later] if later < len(stamps) else None

    def _arrived(self, stamp: int, end: bool) -> bool:
        if end or self._now > stamp + self._patience:
            return True
        return self._now > stamp and all(self._newest.get(topic, 0) >= stamp for topic in self._timed)

    def _frame(self, stamp: int, gap_s: float) -> Frame:
        problems: list[tuple[str, str]] = []
        frame = Frame(
            stamp,
            {},
            {},
            {},
            self._state.tool_pose(stamp, problems),
            self._state.openness(stamp, problems),
            self._state.instruction(stamp),
            self._state.status(stamp),
            gap_s,
            problems,
        )
        frame.log_ns = next(m.log_ns for s, m in self._pictures[self._reference] if s == stamp)
        for name, camera in self._cameras.items():
            self._add_view(frame, name, camera, stamp)
        return frame

    def _add_view(self, frame: Frame, name: str, camera: CameraTopics, stamp: int) -> None:
        nearest = min(self._pictures[name], key=lambda entry: abs(entry[0] - stamp), default=None)
        if nearest is None or abs(nearest[0] - stamp) > self._tolerance:
            away = "none is left" if nearest is None else f"the nearest is {abs(nearest[0] - stamp) * 1e-9:.3f} s away"
            frame.problems.append(
                (f"{camera.image}: no picture", f"{away} (image_tolerance {self.setup.image_tolerance:g} s)")
            )
            return
        known = self._state.intrinsics(name)
        if known is None:
            frame.problems.append((f"{camera.info}: nothing yet", "the picture's intrinsics are not known"))
            return
        image, (K, size) = self._decode(camera, nearest[1]), known
        if image.shape[:2] != size:
            raise BagError(
                f"{self.bag.path}: {camera.info} is for {size[1]}x{size[0]}, the picture of {camera.image} "
                f"is {image.shape[1]}x{image.shape[0]}; record the calibration of this resolution"
            )
        frame.images[name], frame.K[name] = image, K
        try:
            E = self._state.camera_pose(camera, header_of(nearest[1].data)[1], stamp)
        except ValueError as error:
            frame.problems.append((f"{name}: its pose is not known", str(error)))
            return
        try:
            frame.K[name], frame.world_from_camera[name] = normalise_signs(K, E)
        except ValueError as error:
            raise BagError(f"{self.bag.path}: camera {name}: {error}") from None

    def _decode(self, camera: CameraTopics, message: BagMessage) -> np.ndarray:
        content = self.bag.read(message)
        try:
            image = (
                rgb_from_file(content.data, content.format)
                if camera.compressed
                else rgb_from_pixels(content.encoding, content.height, content.width, content.step, content.data)
            )
        except ValueError as error:
            raise BagError(f"{self.bag.path}: {camera.image}: {error}") from None
        look = (content.format if camera.compressed else content.encoding, image.shape[:2])
        before = self._look.setdefault(camera.name, look)
        if look != before:
            raise BagError(
                f"{self.bag.path}: {camera.image} changes from {before[0]} {before[1][1]}x{before[1][0]} to "
                f"{look[0]} {look[1][1]}x{look[1][0]} at {stamp_of(message.data)} ns; cut it there"
            )
        return image

    def _forget(self, past: int) -> None:
        """What no frame later than `past` can need."""
        for name, queue in self._pictures.items():
            limit = past if name == self._reference else past - self._tolerance
            while queue and queue[0][0] <= limit:
                queue.popleft()
        self._state.forget(past)
