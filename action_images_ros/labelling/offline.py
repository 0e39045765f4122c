"""Label a recording: windows through the model into a work folder, then one new recording."""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from ..data.rosbag2.bag import Bag, BagError, BagMessage
from ..data.rosbag2.frames import FrameStream
from ..data.rosbag2.topics import BagSetup, setup_for
from ..data.rosbag2.writer import BagWriter
from ..policy.card import ModelCard
from ..safe_files import disk_errors, write_text
from .compare import Comparison
from .corrupt import CorruptedBag, Corruption
from .labeller import Labeller
from .merge import FrameLabel, Merger
from .partial import PartialLabels
from .planner import MAX_GAP, Unlabelled, Window, WindowPlanner
from .topics import LabelTopics, Written, labels_prefix

__all__ = ["LabelOptions", "label_bag", "report_path"]

Progress = Callable[[float, str], None]
BATCH_BYTES = 64_000_000
MAX_BATCH = 16


@dataclass(frozen=True)
class LabelOptions:
    """robot, setup: as for `rosbag2.setup.setup_for`. stride: frames between the begins of windows, None: half a
    window. batch: windows per call of the model, None: as fit into about 64 MB of pictures, at most 16. max_gap:
    frames without a picture that are bridged. prefix: of the labels' topics. known_pose, steps, seed: as for
    `Labeller`. compression: of the recording written, "" or "zstd"."""

    robot: str = ""
    setup: dict[str, Any] = field(default_factory=dict)
    known_pose: str = "auto"
    stride: int | None = None
    batch: int | None = None
    max_gap: int = MAX_GAP
    steps: int = 1
    seed: int = 0
    prefix: str = "label"
    compression: str = ""
    corruption: Corruption = Corruption()


def report_path(output: str | Path) -> Path:
    """Where the report of a labelled recording is: beside it."""
    output = Path(output)
    return output.with_name(f"{output.name}.labels.json")


def label_bag(
    source: str | Path,
    output: str | Path,
    model,
    options: LabelOptions = LabelOptions(),
    *,
    model_name: str = "",
    progress: Progress = lambda share, doing: None,
    comparison: Comparison | None = None,
) -> dict:
    """Label one recording; returns the report, which is also written to `report_path(output)`.

    output: the folder to create, with every message of the source and the labels. model: a WorldModel. The
    source is only read. Until it is done the labels are in `.NAME.labels` beside the output; called again after a crash
    with the same recording, model and options, it goes on there. progress: called with the share done, 0 .. 1, and the
    stage. comparison: one that other recordings were compared in already; the report's figures are then of all
    together. Raises BagError for recordings that cannot be labelled, ValueError for wrong options.
    """
    source, output = Path(source), Path(output)
    if output.exists():
        raise ValueError(f"{output} exists already; give a new name, recordings are never overwritten")
    with disk_errors(output), Bag(source) as bag:
        run = _Run(bag, output, model, options, model_name, progress, comparison)
        try:
            run.label()
            return run.write()
        finally:
            run.release()


def _log_time(item: tuple[Any, ...]) -> int:
    return int(item[0])


class _Source(NamedTuple):
    """The recording as it is read: setup, frames, checked prefix of the labels' topics and names of the cameras.

    robot: the setup tells the robot's tool frame; tool_rotation: robot_tool_from_model_tool `[3, 3]`, the identity
    where it does not, and labels are then of the model tool frame.
    """

    setup: BagSetup
    stream: FrameStream
    prefix: str
    cameras: list[str]
    robot: bool
    tool_rotation: npt.NDArray[np.float64]

    @classmethod
    def open(cls, bag: Bag, options: LabelOptions, dt: float) -> _Source:
        """Raises BagError for a recording that cannot be labelled, ValueError for options that cannot be."""
        setup = setup_for(bag, options.robot, **options.setup)
        stream = FrameStream(cast(Bag, CorruptedBag(bag, options.corruption)), setup, dt)
        prefix = labels_prefix(stream.topics, options.prefix)
        LabelTopics.check(bag, prefix)
        cameras = [camera.name for camera in stream.topics.cameras]
        if len(cameras) < 2:
            raise BagError(
                f"{bag.path} has one camera, {cameras[0]}; labels need two or more, since one picture does "
                f"not tell depth. It has {bag.describe_topics()}"
            )
        rotation = setup.robot_tool_from_model_tool
        return cls(setup, stream, prefix, cameras, rotation is not None, np.eye(3) if rotation is None else rotation)


@dataclass
class _Tally:
    """windows: so far; known: given a first pose; labelled: by this run; seconds: of this run; model_seconds: in it."""

    windows: int = 0
    known: int = 0
    labelled: int = 0
    seconds: float = 0.0
    model_seconds: float = 0.0


def _batch_size(options: LabelOptions, cameras: int, card: ModelCard) -> int:
    """Windows per call of the model: as asked for, else as many as fit into BATCH_BYTES of pictures, 16 at most."""
    if options.batch is None:
        window_bytes = cameras * card.frames * int(np.prod(card.image_size)) * 3
        return max(1, min(MAX_BATCH, BATCH_BYTES // window_bytes))
    if options.batch < 1:
        raise ValueError(f"batch is {options.batch}; give 1 window or more")
    return options.batch


class _Run:
    """One recording on its way: `label` sends windows through the model, `write` makes the new recording."""

    def __init__(
        self,
        bag: Bag,
        output: Path,
        model: Any,
        options: LabelOptions,
        model_name: str,
        progress: Progress,
        comparison: Comparison | None,
    ) -> None:
        card = model.card
        self._bag, self._output, self._options, self._progress, self._card = bag, output, options, progress, card
        self._source = _Source.open(bag, options, card.dt)
        self._labeller = Labeller(
            model, self._source.tool_rotation, known_pose=options.known_pose, steps=options.steps, seed=options.seed
        )
        stride = (card.frames - 1) // 2 if options.stride is None else options.stride
        self._planner = WindowPlanner(
            card.frames,
            stride,
            card.dt,
            card.image_size,
            max_gap=options.max_gap,
            corrupt=options.corruption.spoil if options.corruption.blur else None,
        )
        self._batch = _batch_size(options, len(self._source.cameras), card)
        self._partial = PartialLabels(output.with_name(f".{output.name}.labels"), self._facts(stride, model_name))
        self._comparison = comparison or Comparison(self._source.tool_rotation)
        self._unlabelled: list[Unlabelled] = []
        self._tally = _Tally()

    def _facts(self, stride: int, model_name: str) -> dict:
        """What labels depend on; those of a work folder are taken up only if it is the same."""
        path, options = self._bag.path.resolve(), self._options
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        return {
            "recording": [[str(f), f.stat().st_size, f.stat().st_mtime_ns] for f in files if f.is_file()],
            "model": model_name,
            "card": [self._card.name, self._card.frames, self._card.dt],
            "stride": stride,
            "options": repr(replace(options, batch=None)),
        }

    # First pass: windows through the model.

    def release(self) -> None:
        """Let others write to the work folder."""
        self._partial.release()

    def label(self) -> None:
        """Label all windows that are not in the work folder yet."""
        begin, waiting = time.monotonic(), []
        for window in self._windows():
            if self._partial.has(self._tally.windows, int(window.stamps_ns[0])):
                self._tally.known += int(self._partial.load(self._tally.windows).given)
            else:
                waiting.append((self._tally.windows, window))
            self._tally.windows += 1
            if len(waiting) == self._batch:
                self._label(waiting)
                waiting = []
        if waiting:
            self._label(waiting)
        if not self._tally.windows:
            reasons = dict.fromkeys(frame.reason for frame in self._unlabelled)
            raise BagError(
                f"{self._bag.path}: nothing to label: {'; '.join(reasons) or 'no frame at all'}. The model "
                f"reads {self._card.frames} frames {self._card.dt:g} s apart"
            )
        self._tally.seconds = time.monotonic() - begin

    def _windows(self) -> Iterator[Window]:
        bag = self._bag
        for frame in self._source.stream:
            yield from self._planner.add(frame)
            self._unlabelled += self._planner.take_unlabelled()
            self._progress(
                0.95 * min(1.0, max(0, frame.log_ns - bag.start_ns) / max(bag.end_ns - bag.start_ns, 1)),
                "reading" if self._tally.windows < self._partial.resumed else "labelling",
            )
        yield from self._planner.finish()
        self._unlabelled += self._planner.take_unlabelled()

    def _label(self, waiting: list[tuple[int, Window]]) -> None:
        begin = time.monotonic()
        try:
            labels = self._labeller.label([window for _, window in waiting])
        except ValueError as error:
            raise BagError(f"{self._bag.path}: {error}") from error
        self._tally.model_seconds += time.monotonic() - begin
        self._tally.labelled += len(waiting)
        for (number, _), one in zip(waiting, labels, strict=True):
            self._partial.save(number, one)
            self._tally.known += int(one.given)

    # Second pass: the recording with its labels.

    def write(self) -> dict:
        """Write the recording and the report, then throw the work folder away."""
        begin = time.monotonic()
        merger, labels = Merger(), []
        for window in self._partial.all(self._tally.windows):
            self._comparison.window(window)
            labels += merger.add(window)
        labels += merger.finish()
        for label in labels:
            self._comparison.frame(label)
        for frame in self._unlabelled:
            self._comparison.unlabelled(frame)
        cameras = self._source.cameras
        with BagWriter(self._output, compression=self._options.compression) as writer:
            writer.add_topics_of(self._bag)
            topics = LabelTopics(writer, self._source.prefix, self._source.setup.base_frame, cameras)
            items: Iterator[Any] = heapq.merge(self._originals(), self._written(topics, labels), key=_log_time)
            for item in items:
                if isinstance(item[1], BagMessage):
                    m = item[1]
                    writer.write(m.topic, m.data, m.log_ns, publish_ns=m.publish_ns, sequence=m.sequence)
                else:
                    log_ns, topic, data = item
                    writer.write(topic, data, log_ns)
        self._tally.seconds += time.monotonic() - begin
        report = self._report()
        write_text(report_path(self._output), json.dumps(report, indent=1) + "\n")
        self._partial.remove()
        self._progress(1.0, "done")
        return report

    def _originals(self) -> Iterator[tuple[int, BagMessage]]:
        for index, message in enumerate(self._bag.messages()):
            if index % 500 == 0:
                self._progress(0.95 + 0.05 * index / max(self._bag.count, 1), "writing")
            yield message.log_ns, message

    def _written(self, topics: LabelTopics, labels: list[FrameLabel]) -> Iterator[Written]:
        """Messages of the labels in the order of log time."""
        windows = (item for window in self._partial.all(self._tally.windows) for item in topics.window(window))
        frames = (item for label in labels for item in topics.frame(label))
        gaps = (item for frame in sorted(self._unlabelled, key=lambda f: f.log_ns) for item in topics.gap(frame))
        path = topics.path(labels, int(labels[0].log_ns))
        yield from heapq.merge(path, windows, frames, gaps, key=_log_time)

    def _report(self) -> dict:
        figures = self._comparison.figures()
        recorded = (self._bag.end_ns - self._bag.start_ns) * 1e-9
        tolerances = {name: getattr(self._source.setup, name) for name in ("image_tolerance", "pose_tolerance")}
        return {
            "recording": str(self._bag.path),
            "output": str(self._output),
            "prefix": self._source.prefix,
            "model": self._card.name,
            "dt": self._card.dt,
            "cameras": self._source.cameras,
            "tool_frame": "robot" if self._source.robot else "model (no robot was named: --robot)",
            "windows": self._tally.windows,
            "windows_with_known_pose": self._tally.known,
            **tolerances,
            "stride": self._planner.stride,
            "max_gap": self._options.max_gap,
            "corruption": repr(self._options.corruption),
            "out_of_order": dict(self._source.stream.out_of_order),
            **figures,
            "recorded_seconds": recorded,
            "seconds": self._tally.seconds,
            "model_seconds": self._tally.model_seconds,
            "windows_resumed": self._tally.windows - self._tally.labelled,
            "frames_per_second": figures["frames"] / self._tally.seconds,
            "times_real_time": recorded / self._tally.seconds,
        }
