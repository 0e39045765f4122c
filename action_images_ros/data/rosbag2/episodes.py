"""Recordings as episodes: cut where the instruction or scene changes, refused where something is missing in time."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...policy.observation import prepare_image
from ...safe_files import remove_leftovers
from ..episode import Episode
from ..format import EpisodeWriter, Item, Options, Remark, task_name
from .bag import Bag, is_bag
from .frames import Frame, FrameStream
from .recording import write_recording
from .topics import BagSetup, robot_setup, setup_for

__all__ = ["DT", "GAPS", "Rosbag2Format", "episodes_of"]

DT = 0.2
"""Seconds between frames where nothing else is asked for: that of the shipped model."""
GAPS = ("refuse", "split", "join")
_SAME_K = 1e-6  # of the largest entry: intrinsics that differ by less are the same
_STILL = 1e-5  # m and rad (as matrix entries): a camera's pose in messages is no more exact than that


def episodes_of(path: str | Path, options: Options = Options(), first_seed: int = 0) -> Iterator[Episode | Remark]:  # noqa: B008
    """Episodes of one recording, and remarks about what is none and why.

    An episode is a stretch of frames, `options.dt` apart, with one instruction and one scene of the cell (`episode` of
    its status). Frames that lack a picture, pose or openness are gaps like missing ones; at the ends they are cut off.
    A stretch with a gap is left out (gaps: refuse), cut there (split) or joined across it (join: the time missing is
    told). task, seed and success come from the cell's status, else from the instruction, `first_seed` counted up and
    `options.success` (None: true). Raises BagError for recordings that cannot be read.
    """
    if options.gaps not in GAPS:
        raise ValueError(f"gaps is {options.gaps!r}; choose one of {', '.join(GAPS)}")
    with Bag(path) as bag:
        setup = setup_for(bag, options.robot, **options.setup)
        if setup.robot_tool_from_model_tool is None:
            raise ValueError(
                f"{path}: robot is not given; an episode needs robot_tool_from_model_tool, without which "
                "the gripper may be a quarter turn wrong: name a robot (--robot)"
            )
        stream = FrameStream(bag, setup, DT if options.dt is None else options.dt)
        if stream.topics.current_pose is None:
            raise ValueError(
                f"{path}: no {setup.current_pose} (geometry_msgs/msg/PoseStamped, the TCP in "
                f"{setup.base_frame}); it has {bag.describe_topics()}"
            )
        if stream.topics.gripper_command is None and not (stream.topics.joint_states and setup.finger_joints):
            raise ValueError(
                f"{path}: the gripper is not recorded: neither {setup.gripper_command} (std_msgs/Float64) "
                f"nor finger joints {list(setup.finger_joints)}; it has {bag.describe_topics()}"
            )
        stretch, key, found = None, None, 0
        for frame in stream:
            now = (frame.instruction, frame.status.get("episode"))
            if stretch is None or now != key:
                if stretch is not None:
                    yield from stretch.finish(first_seed + found)
                    found += stretch.made
                stretch, key = _Stretch(stream, options), now
            cut = stretch.add(frame)
            if cut is not None:
                yield from cut.finish(first_seed + found)
                found += cut.made
                stretch = cut.rest
        if stretch is not None:
            yield from stretch.finish(first_seed + found)
        else:
            yield Remark("no frame at all: the recording is too short, or its cameras never ran at the same time")
        for note in stream.notes:
            yield Remark(note, lost=False, wrong=note in stream.faults)


class _Stretch:
    """Frames of one instruction and scene, as they come."""

    def __init__(self, stream: FrameStream, options: Options) -> None:
        self._options, self._dt = options, stream.dt_ns * 1e-9
        self._cameras = tuple(camera.name for camera in stream.topics.cameras)
        self._frames: list[Frame] = []
        self._begin: int | None = None
        self._waiting: list[Frame] = []  # incomplete frames after the last complete one
        self._missing: Counter[str] = Counter()
        self._details: dict[str, str] = {}
        self._gaps: list[str] = []
        self._head = 0
        self._too_long = False
        self.made = 0
        self.rest: _Stretch | None = None
        self._stream = stream

    def add(self, frame: Frame) -> _Stretch | None:
        """Take a frame; this stretch, when a gap cuts it here and `rest` goes on."""
        if self._begin is None:
            self._begin = frame.stamp_ns
        for what, details in self._lacks(frame):
            self._missing[what] += 1
            self._details.setdefault(what, details)
        if self._lacks(frame):
            if self._frames:
                self._waiting.append(self._light(frame))
            else:
                self._head += 1
            return None
        lost = self._dt * len(self._waiting) + frame.gap_s + sum(f.gap_s for f in self._waiting)
        if self._frames and (self._waiting or frame.gap_s):
            at = (self._frames[-1].stamp_ns - self._begin) * 1e-9
            self._gaps.append(f"{lost:.2f} s missing after {at:.2f} s")
            if self._options.gaps == "split":
                self.rest = _Stretch(self._stream, self._options)
                self.rest.add(frame)
                self._waiting.clear()
                return self
        self._waiting.clear()
        if self._options.gaps == "refuse" and self._gaps:
            self._frames = self._frames[:1]  # will not be used: keep no pictures
            self._frames.append(self._light(frame))
            return None
        self._too_long |= frame.stamp_ns - self._begin > self._options.max_seconds * 1e9
        self._frames.append(self._light(frame) if self._too_long else self._prepared(frame))
        return None

    def _lacks(self, frame: Frame) -> list[tuple[str, str]]:
        lacks = list(frame.problems)
        if frame.openness is None and not lacks:
            lacks.append(("openness not known", "no gripper_command and no finger joints until then"))
        return lacks

    @staticmethod
    def _light(frame: Frame) -> Frame:
        return Frame(frame.stamp_ns, {}, {}, {}, None, None, frame.instruction, frame.status, frame.gap_s)

    def _prepared(self, frame: Frame) -> Frame:
        if self._options.size is not None:
            for name in self._cameras:
                frame.images[name], frame.K[name] = prepare_image(frame.images[name], frame.K[name], self._options.size)
        return frame

    def finish(self, seed: int) -> Iterator[Episode | Remark]:
        """The episode, or why it is none; what was cut off at the ends."""
        where = f"{self._where()}: "
        missing = "; ".join(
            f"{what} in {count} frames ({self._details[what]})" for what, count in self._missing.most_common(4)
        )
        reason = self._reason()
        if reason:
            yield Remark(where + reason + (f"; {missing}" if missing else ""))
            return
        for count, end in ((self._head, "beginning"), (len(self._waiting), "end")):
            if count:
                yield Remark(
                    f"{where}{count} incomplete frames at the {end} cut off; {missing}", lost=False, wrong=False
                )
        if self._gaps:
            done = "cut there" if self.rest is not None else "joined: the frames there are not dt apart"
            yield Remark(f"{where}{'; '.join(self._gaps)}; {done}", lost=False)
        try:
            episode = self._episode(seed)
        except (ValueError, TypeError, OverflowError) as error:
            yield Remark(f"{where}{error}")
            return
        self.made = 1
        yield episode

    def _where(self) -> str:
        begin = "" if self._begin is None else f"from {self._begin * 1e-9:.2f} s"
        if not self._frames:
            return begin or "stretch without a complete frame"
        return f"{self._frames[0].instruction!r} {begin}"

    def _reason(self) -> str:
        options, frames = self._options, self._frames
        if not frames:
            return "no complete frame"
        if self._stream.doubtful_gripper:
            return self._stream.doubtful_gripper
        if options.gaps == "refuse" and self._gaps:
            return f"{'; '.join(self._gaps)}: left out (gaps: refuse; --gaps split cuts there, --gaps join goes on)"
        if not frames[0].instruction:
            return "no instruction: record `instruction`, or give one (--instruction)"
        if len(frames) < options.min_frames:
            return f"{len(frames)} frames, fewer than {options.min_frames} (--min-frames)"
        if self._too_long:
            return f"longer than {options.max_seconds:g} s; raise --max-seconds (an episode is held in memory)"
        sizes = {name: frames[0].images[name].shape[:2] for name in self._cameras}
        if len(set(sizes.values())) > 1:
            shown = ", ".join(f"{name} {w}x{h}" for name, (h, w) in sizes.items())
            return f"the cameras' pictures differ in size ({shown}); give one size (--size)"
        for name in self._cameras:
            first = frames[0].K[name]
            if max(np.abs(frame.K[name] - first).max() for frame in frames) > _SAME_K * np.abs(first).max():
                return f"camera {name} changes its intrinsics; cut the recording there"
        return ""

    def _episode(self, seed: int) -> Episode:
        frames, options = self._frames, self._options
        said = [frame.status for frame in (*frames, *self._waiting) if frame.status]
        last = said[-1] if said else {}
        success = (
            options.success
            if options.success is not None
            else any(bool(status.get("success")) for status in said)
            if said
            else True
        )
        return Episode(
            task=str(last.get("task") or task_name(frames[0].instruction)),
            seed=int(last.get("seed", seed)),
            instruction=frames[0].instruction,
            dt=self._dt,
            success=success,
            camera_names=self._cameras,
            images=np.stack([np.stack([frame.images[name] for frame in frames]) for name in self._cameras]),
            K=np.stack([frames[0].K[name] for name in self._cameras]),
            world_from_camera=self._extrinsics(),
            times=np.array([(frame.stamp_ns - frames[0].stamp_ns) * 1e-9 for frame in frames]),
            poses=np.stack([frame.tool_pose for frame in frames if frame.tool_pose is not None]),
            openness=np.array([frame.openness for frame in frames]),
            perturbed=bool(last.get("perturbed", False)),
        )

    def _extrinsics(self) -> npt.NDArray[np.float64]:
        """`[V, 4, 4]`, or `[V, T, 4, 4]` where a camera moves."""
        every = np.stack(
            [np.stack([frame.world_from_camera[name] for frame in self._frames]) for name in self._cameras]
        )
        return every if np.abs(every - every[:, :1]).max() > _STILL else every[:, 0]


class Rosbag2Format:
    """Recordings, one or a folder of them."""

    name, what = "rosbag2", "rosbag2 recordings (MCAP or sqlite3, one or a folder of them)"
    reads = frozenset({field.name for field in fields(BagSetup)} | {"dt", "robot", "gaps", "min_frames", "max_seconds"})
    writes = frozenset({"images", "robot", "namespace"})

    def recognises(self, path: Path) -> bool:
        return bool(self._bags(path))

    @staticmethod
    def _bags(path: Path) -> list[Path]:
        if is_bag(path):
            return [path]
        return (
            sorted(child for child in path.iterdir() if not child.name.startswith(".") and is_bag(child))
            if path.is_dir()
            else []
        )

    def items(self, path: Path, options: Options) -> list[Item]:
        BagSetup(**options.setup)  # what is wrong with the options is not the recordings' fault
        return [
            Item(bag.name, partial(episodes_of, bag, options, 1000 * number))
            for number, bag in enumerate(self._bags(path))
        ]

    def writer(self, folder: Path, options: Options) -> EpisodeWriter:
        return _RecordingWriter(folder, options)


class _RecordingWriter:
    def __init__(self, folder: Path, options: Options) -> None:
        self._folder, self._images = folder, options.images
        namespace = {name: value for name, value in options.setup.items() if name == "namespace"}
        self._setup = robot_setup(
            options.robot or "cell",
            **{"namespace": "" if options.robot not in ("", "cell") else "cell", **namespace},
        )
        remove_leftovers(folder)

    def add(self, episode: Episode, number: int) -> str:
        path = self._folder / f"{number:06d}_{episode.task}_{episode.seed}"
        if path.exists():
            shutil.rmtree(path)  # of a conversion that was interrupted just after it
        write_recording(path, episode, self._setup, images=self._images)
        return path.name

    def finish(self) -> None:
        pass
