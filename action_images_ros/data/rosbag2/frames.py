"""Joins a recording over time: one frame every dt with a picture of every camera, the tool's pose and the openness.

One pass, and memory that does not grow with the recording: pictures wait, undecoded, only until the topics have caught
up with the frame they belong to.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from ...geometry.camera import normalise_signs
from ...interfaces.camera_model import CameraModel
from ...interfaces.images import TornPicture
from ...interfaces.views import camera_offsets
from .bag import Bag, BagError, BagMessage, header_of, stamp_of
from .frame import Frame
from .pictures import decoded, rectified
from .state import RecordedState, read_setup_calibration
from .topics import BagSetup, CameraTopics, find_topics

__all__ = ["Frame", "FrameStream"]

_SLIP_FRAMES = 25  # a camera up to 4 % slower than 1 / dt has no gap: so often one dt may be a period longer


class FrameStream:
    """Iterate it once. Raises BagError naming topic, value and remedy for what no frame could be made from.

    dt: seconds between frames. Frames lie on a grid of times, dt apart from the first one on: each is the first
    camera's picture nearest to its time, within spacing_tolerance, and carries that picture's own stamp. A time without
    a picture is a gap.
    Attributes: topics (what was found); out_of_order: topic to messages that came too late to be used; torn: topic to
    pictures that are cut off or empty; unstamped, repeated: to messages without a stamp of
    their own; notes: what else the user should know.
    """

    def __init__(self, bag: Bag, setup: BagSetup, dt: float) -> None:
        if not 0.001 <= dt <= 3600:
            raise ValueError(f"dt is {dt}; give the seconds between frames, 0.001 to 3600")
        self.bag, self.setup, self.dt_ns = bag, setup, round(dt * 1e9)
        self.topics = find_topics(bag, setup, read_setup_calibration(bag, setup).infos)
        self.out_of_order: Counter[str] = Counter()
        self.torn: Counter[str] = Counter()
        self.unstamped: Counter[str] = Counter()
        self.repeated: Counter[str] = Counter()
        self._tolerance = round(setup.image_tolerance * 1e9)
        self._patience = round(setup.patience * 1e9)
        self._keep = 2 * self.dt_ns + 2 * self._patience + self._tolerance
        self._state = RecordedState(
            bag, setup, self.topics, max(10_000_000_000, 2 * self._keep + 2 * round(setup.pose_tolerance * 1e9))
        )
        self._cameras = {camera.name: camera for camera in self.topics.cameras}
        self._reference = self.topics.cameras[0].name
        self._pictures: dict[str, list[tuple[int, BagMessage]]] = {name: [] for name in self._cameras}
        self._handlers = dict(self._state.handlers)
        for name, camera in self._cameras.items():
            self._handlers[camera.image] = partial(self._take_picture, name), True
        self._timed = [topic for topic, (_, stamped) in self._handlers.items() if stamped]
        self._newest: dict[str, int] = {}
        self._now = 0
        self._periods: list[int] = []
        self._origin: int | None = None  # stamp of the grid's slot 0
        self._slot = 0
        self._missed = 0
        self._previous = -1
        self._since_slip = 0
        self._sizes: dict[str, tuple[int, int]] = {}
        self._decoded: dict[str, tuple[BagMessage, npt.NDArray[np.uint8]]] = {}

    @property
    def notes(self) -> list[str]:
        """What was chosen, passed over or odd, in sentences."""
        return list(dict.fromkeys([*self.bag.notes, *self.topics.notes, *self.faults]))

    @property
    def doubtful_gripper(self) -> str:
        """Why gripper_command cannot be what it seems; empty where nothing is wrong."""
        return self._state.gripper.doubt

    @property
    def faults(self) -> list[str]:
        """Those of the notes that tell of something wrong with the recording."""
        texts = [*self._state.notes, *filter(None, [self._state.gripper.fault])]
        skipped = self._state.skipped + self._state.arm.skipped
        for counts, words in (
            (self.torn, "pictures of {} are empty or cut off and count as missing"),
            (self.out_of_order, "messages of {} were out of order and left out"),
            (
                self.unstamped,
                "messages of {} have no header stamp and were left out (--log-time takes the time of recording)",
            ),
            (self.repeated, "pictures of {} carry the stamp of another one and were left out"),
            (skipped, "messages of {} say nothing and were left out"),
        ):
            texts += [f"{count} {words.format(topic)}" for topic, count in counts.items()]
        return texts

    @property
    def period_s(self) -> float | None:
        """Median seconds between pictures of the first camera; None below two."""
        return float(np.median(self._periods)) * 1e-9 if self._periods else None

    def __iter__(self) -> Iterator[Frame]:
        for message in self.bag.messages(self._handlers):
            handler, stamped = self._handlers[message.topic]
            stamp = 0
            if stamped:
                stamp = message.log_ns if self.setup.log_time else stamp_of(message.data)
                if not self._in_time(message, stamp):
                    continue
            handler(message, stamp, self._now)
            if stamped:
                yield from self._complete(False)
        for camera in self.topics.cameras:
            if camera.image not in self._newest:
                if self.unstamped[camera.image]:
                    raise BagError(
                        f"{self.bag.path}: {camera.image} has an empty (0) or negative header stamp in every message; "
                        "let the driver fill it in, or take the time of recording with --log-time"
                    )
                raise BagError(f"{self.bag.path}: {camera.image} holds no picture; leave out {camera.name} (--cameras)")
        yield from self._complete(True)

    # Taking messages in.

    def _in_time(self, message: BagMessage, stamp: int) -> bool:
        topic, path = message.topic, self.bag.path
        newest = self._newest.get(topic, 0)
        if stamp == 0 or stamp < 0 >= newest:
            self.unstamped[topic] += 1
            return False
        if stamp < newest - self.setup.order_tolerance * 1e9:
            raise BagError(
                f"{path}: the stamps of {topic} run backwards by {(newest - stamp) * 1e-9:.3f} s at "
                f"{stamp} ns (order_tolerance is {self.setup.order_tolerance:g} s): a clock was set or a "
                "simulation reset; cut the recording there, or take the time of recording with --log-time"
            )
        if stamp <= self._previous:
            self.out_of_order[topic] += 1
            return False
        self._newest[topic] = max(newest, stamp)
        self._now = max(self._now, stamp)
        return True

    def _take_picture(self, name: str, message: BagMessage, stamp: int, now: int) -> None:
        queue = self._pictures[name]
        if name == self._reference and queue and stamp > queue[-1][0]:
            self._periods.append(stamp - queue[-1][0])
            del self._periods[:-50]
        at = bisect_left(queue, stamp, key=lambda entry: entry[0])
        if at < len(queue) and queue[at][0] == stamp:
            self.repeated[message.topic] += 1
            return
        insort(queue, (stamp, message), key=lambda entry: entry[0])

    # Frames in their order.

    @property
    def _spacing(self) -> int:
        """How far a picture may be from its place in the grid: half a period of the camera, or a quarter of dt."""
        if self.setup.spacing_tolerance is not None:
            return round(self.setup.spacing_tolerance * 1e9)
        half = 0.55 * float(np.median(self._periods)) if self._periods else 0.0
        return round(max(self.dt_ns / 4, min(half, 0.6 * self.dt_ns)))

    def _complete(self, end: bool) -> Iterator[Frame]:
        """Frames for which everything has come, or will not come any more."""
        while self._origin is not None or self._begin(end):
            stamp = self._next_stamp(end)
            if stamp is None or not self._arrived(stamp, end):
                break
            if not self._decodes(self._reference, stamp):
                continue  # as if it had not been recorded: another one may be near enough
            self._place(stamp)
            yield self._frame(stamp)
            self._slot, self._missed, self._previous = self._slot + 1, 0, stamp
            self._since_slip += 1
            self._forget(stamp)
        self._forget(max(self._previous, self._now - self._keep))

    def _begin(self, end: bool) -> bool:
        """Frames begin when every camera has begun."""
        reference = self._pictures[self._reference]
        if not all(self._pictures.values()) and not (end and reference):
            return False
        first = max(queue[0][0] for queue in self._pictures.values() if queue) - self._tolerance
        self._origin = next((stamp for stamp, _ in reference if stamp >= first), None)
        return self._origin is not None

    @property
    def _expected(self) -> int:
        return (self._origin or 0) + self._slot * self.dt_ns

    def _next_stamp(self, end: bool) -> int | None:
        """The stamp of the first camera's picture that is to be the next frame; None: not known yet."""
        stamps = [stamp for stamp, _ in self._pictures[self._reference] if stamp > self._previous]
        expected = self._expected
        later = bisect_left(stamps, expected)
        if later == len(stamps) and not end and self._now <= expected + self._patience:
            return None
        near = [s for s in stamps[max(later - 1, 0) : later + 1] if abs(s - expected) <= self._spacing]
        if near:
            return min(near, key=lambda s: abs(s - expected))
        return stamps[later] if later < len(stamps) else None

    def _place(self, stamp: int) -> None:
        """Find the picture's place in the grid: the times before it that have none are missed."""
        away = stamp - self._expected
        if abs(away) <= self._spacing:
            return
        slow = away <= 1.25 * self.dt_ns and stamp - self._previous <= self.dt_ns + self._spacing
        if slow and self._previous >= 0 and self._since_slip >= _SLIP_FRAMES:
            self._since_slip, self._origin = 0, (self._origin or 0) + away
            return
        missed = max(1, round(away / self.dt_ns))
        self._slot, self._missed = self._slot + missed, missed

    def _arrived(self, stamp: int, end: bool) -> bool:
        if end or self._now > stamp + self._patience:
            return True
        return self._now > stamp and all(self._newest.get(topic, 0) >= stamp for topic in self._timed)

    # One frame.

    def _frame(self, stamp: int) -> Frame:
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
            self._missed * self.dt_ns * 1e-9,
            problems,
        )
        frame.log_ns = next(m.log_ns for s, m in self._pictures[self._reference] if s == stamp)
        models: dict[str, CameraModel] = {}
        shown: dict[str, tuple[int, str]] = {}
        for name, camera in self._cameras.items():
            nearest = self._nearest(name, stamp)
            if nearest is None:
                self._miss(frame, camera, stamp)
                continue
            try:
                models[name] = self._state.model(camera)
            except ValueError as error:
                problems.append((f"{name}: its intrinsics are not known", str(error)))
                continue
            frame.images[name] = rectified(
                self.bag, camera, models[name], self._decoded[name][1], self._sizes, stamp_of(nearest[1].data)
            )
            frame.K[name] = models[name].K
            shown[name] = nearest[0], header_of(nearest[1].data)[1]
        offsets = camera_offsets(models, {name: frame_id for name, (_, frame_id) in shown.items()})
        for name, (taken, frame_id) in shown.items():
            self._add_pose(frame, self._cameras[name], frame_id, taken, offsets[name])
        return frame

    def _nearest(self, name: str, stamp: int) -> tuple[int, BagMessage] | None:
        """The whole picture nearest in time, within the tolerance."""
        while True:
            near = [entry for entry in self._pictures[name] if abs(entry[0] - stamp) <= self._tolerance]
            best = min(near, key=lambda entry: abs(entry[0] - stamp), default=None)
            if best is None or self._decodes(name, best[0]):
                return best

    def _miss(self, frame: Frame, camera: CameraTopics, stamp: int) -> None:
        nearest = min((abs(s - stamp) for s, _ in self._pictures[camera.name]), default=None)
        away = "none is left" if nearest is None else f"the nearest is {nearest * 1e-9:.3f} s away"
        torn = f"; {self.torn[camera.image]} are torn until then" if self.torn[camera.image] else ""
        frame.problems.append(
            (f"{camera.image}: no picture", f"{away} (image_tolerance {self.setup.image_tolerance:g} s){torn}")
        )

    def _add_pose(
        self, frame: Frame, camera: CameraTopics, frame_id: str, stamp: int, offset: npt.NDArray[np.float64]
    ) -> None:
        try:
            E = self._state.camera_pose(camera, frame_id, stamp) @ offset
        except ValueError as error:
            frame.problems.append((f"{camera.name}: its pose is not known", str(error)))
            return
        try:
            frame.K[camera.name], frame.world_from_camera[camera.name] = normalise_signs(frame.K[camera.name], E)
        except ValueError as error:
            raise BagError(f"{self.bag.path}: camera {camera.name}: {error}") from None

    def _decodes(self, name: str, stamp: int) -> bool:
        """Whether the picture of that stamp is whole; it is thrown away otherwise."""
        queue, topic = self._pictures[name], self._cameras[name].image
        index = next(i for i, entry in enumerate(queue) if entry[0] == stamp)
        message = queue[index][1]
        if name in self._decoded and self._decoded[name][0] is message:
            return True
        try:
            self._decoded[name] = message, decoded(self.bag, self._cameras[name], message)
        except TornPicture:
            self.torn[topic] += 1
            del queue[index]
            return False
        return True

    def _forget(self, past: int) -> None:
        """What no frame later than `past` can need."""
        for name, queue in self._pictures.items():
            limit = past if name == self._reference else past - self._tolerance
            while queue and queue[0][0] <= limit:
                queue.pop(0)
        self._state.forget(past)
