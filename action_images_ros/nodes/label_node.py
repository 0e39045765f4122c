"""Recordings replayed through the live graph: frames in, labels out, by the code that labels recordings offline.

Takes the policy's place: action images go to the decoder as chunks, one per window, whose id is the window's first
stamp. What the windows agree on is published besides, frame by frame.
"""

from __future__ import annotations

import functools
import json
import threading
import time
from collections import deque
from typing import cast

import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from ..data.rosbag2.bag import Bag, BagError
from ..data.rosbag2.frames import FrameStream
from ..data.rosbag2.topics import robot_setup
from ..interfaces.chunk import GRIPPER_JOINT
from ..interfaces.topics import topic, topic_name
from ..labelling.labeller import Labeller
from ..labelling.merge import FrameLabel, Merger
from ..labelling.planner import Unlabelled, Window, WindowPlanner
from ..policy.registry import load_policy
from ..ros.chunk_publisher import ChunkPublisher
from ..ros.conversions import path_from_poses, pose_from_pose7, stamp_from_ns
from ..ros.graph_node import WARN, GraphNode
from ..ros.live_bag import LiveBag
from ..ros.node_parameters import LabelParameters
from ..ros.parameters import ParameterError, rotation
from ..ros.run_node import run_node

_DEPTH = 100  # messages that may wait while the node is busy
_PATH = 1000  # newest poses on label/path


class LabelNode(GraphNode):
    """Node `label`. `make_model(node)` replaces the world model in tests: it `Labels`."""

    live_parameters = frozenset({"pace"})

    def __init__(self, make_model=None, **kwargs) -> None:
        super().__init__("label", **kwargs)
        self._make_model = make_model
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.live: LiveBag | None = None
        self._labeller: Labeller | None = None
        self.windows = 0  # published so far

    def configure(self) -> None:
        """Read parameters, load the model, connect."""
        own = self.parameters(LabelParameters)
        cameras, transport, base = own.cameras, own.image_transport, own.base_frame
        if len(cameras) < 2:
            raise ParameterError(f"cameras is {list(cameras)}; give at least 2: one picture does not tell depth")
        turn = rotation("robot_tool_from_model_tool", own.robot_tool_from_model_tool)
        topics = self._topics(cameras, transport)
        self._setup = robot_setup(
            own.robot,
            cameras=tuple(
                f"{camera}={self._full(f'<cam>/image_raw{_suffix(transport)}', camera)}" for camera in cameras
            ),
            namespace=self.get_namespace(),
            base_frame=base,
            robot_tool_from_model_tool=turn,
            instruction_text=own.instruction,
            extrinsics=own.extrinsics,
            calibration_file=own.calibration_file,
            image_tolerance=own.image_tolerance,
            pose_tolerance=own.pose_tolerance,
        )
        self._pace, self._published = own.pace, 0.0
        loaded = self._make_model(self) if self._make_model is not None else self._load(own.model, own.torch_threads)
        card = loaded.card
        self._labeller = Labeller(loaded, turn, known_pose=own.known_pose, steps=own.steps, seed=own.seed)
        self._new_planner = lambda: WindowPlanner(
            card.frames, own.stride or (card.frames - 1) // 2, card.dt, card.image_size, max_gap=own.max_gap
        )
        self._new_planner()
        self._dt, self._base = card.dt, base
        self._chunks = ChunkPublisher(self, cameras, own.chunk_encoding, base, video=False)
        self._out = {name: self.advertise(f"label/{name}") for name in ("pose", "gripper", "gap", "path")}
        self._path: deque = deque(maxlen=_PATH)
        self.live = LiveBag({self._full(name, camera): topic(name).type for name, camera in topics}, idle=own.idle)
        FrameStream(cast(Bag, self.live), self._setup, self._dt)  # says at once what is wrong with the setup
        for name, camera in topics:
            full, lasting = self._full(name, camera), topic(name).qos == "latched" or name.endswith("camera_info")
            self.listen(
                name,
                functools.partial(self._on_message, full, lasting),
                camera,
                raw_depth=_DEPTH,
            )

    def parameters_changed(self, names: set[str]) -> None:
        """Another least time between two chunks."""
        self._pace = self.parameters(LabelParameters).pace

    def _load(self, model: str, threads: int):
        return load_policy(model, threads=threads or None)

    def _topics(self, cameras, transport: str) -> list[tuple[str, str | None]]:
        own = [
            (name, camera)
            for camera in cameras
            for name in (f"<cam>/image_raw{_suffix(transport)}", "<cam>/camera_info", "<cam>/pose")
        ]
        return [
            *own,
            *(
                (name, None)
                for name in ("joint_states", "current_pose", "gripper_command", "instruction", "cell/status")
            ),
        ]

    def _full(self, name: str, camera: str | None) -> str:
        return self.resolve_topic_name(topic_name(name, camera))

    def activate(self) -> None:
        """Start the thread that labels."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._work, name="label", daemon=True)
        self._thread.start()

    def deactivate(self) -> None:
        """Label the complete windows received so far, then stop."""
        self._stop.set()
        if self.live is not None:
            self.live.end()
        if self._thread is not None:
            self._thread.join(timeout=30.0)
        self._thread = None

    def cleanup(self) -> None:
        """Let go of the model."""
        self._labeller = self.live = None

    def _on_message(self, name: str, lasting: bool, data: bytes) -> None:
        if self.live is not None:
            self.live.put(name, data, self.now_ns(), lasting=lasting)

    def check(self) -> None:
        """Say when the replay is too fast."""
        lost = 0 if self.live is None else self.live.lost
        if lost:
            self.complain(
                "backlog",
                f"{lost} pictures were not taken, since the model is slower than the replay; play "
                "the recording at a lower rate, or use `action-images label`",
                WARN,
            )

    def _work(self) -> None:
        while not self._stop.is_set():
            planner, merger = self._new_planner(), Merger()
            try:
                for frame in FrameStream(cast(Bag, self.live), self._setup, self._dt):
                    self._use(planner.add(frame), planner, merger)
            except BagError as error:  # a clock that was set back, pictures of another size: begin anew
                if self.live is not None and self.live.pictures:
                    self.complain("frames", str(error))
            else:
                self.solved("frames")
            try:
                self._use(planner.finish(), planner, merger)
                self._tell(merger.finish())
            except Exception as error:  # the thread must not die silently
                self.complain("label", f"labels could not be published: {error!r}")

    def _use(self, windows: list[Window], planner: WindowPlanner, merger: Merger) -> None:
        for gap in planner.take_unlabelled():
            self._gap(gap)
        for window in windows:
            try:
                assert self._labeller is not None  # from `configure` to `cleanup`
                (labels,) = self._labeller.label([window])
            except Exception as error:  # the thread must not die silently
                self.complain(
                    "label",
                    f"the model gave no labels: {error}"
                    if isinstance(error, ValueError)
                    else f"the model failed: {error!r}",
                )
                continue
            self.solved("label")
            # A latched topic keeps one message: whoever listens needs a moment to take it before the next one comes.
            self._stop.wait(max(0.0, self._pace - (time.monotonic() - self._published)))
            self._published = time.monotonic()
            self._chunks.publish(labels.prediction)
            self.windows += 1
            self.values.update(
                windows=self.windows,
                known_pose=labels.given,
                valid_frames=f"{int(labels.chunk.valid.sum())} of {len(labels.chunk)}",
            )
            self._tell(merger.add(labels))

    def _tell(self, labels: list[FrameLabel]) -> None:
        for label in labels:
            if label.pose is None:
                self._gap(Unlabelled(label.stamp_ns, label.log_ns, label.reason))
                continue
            message = PoseWithCovarianceStamped()
            message.header.stamp, message.header.frame_id = stamp_from_ns(label.stamp_ns), self._base
            message.pose.pose = pose_from_pose7(label.pose)
            message.pose.covariance = label.covariance.reshape(-1)
            self._out["pose"].publish(message)
            self._out["gripper"].publish(
                JointState(header=message.header, name=[GRIPPER_JOINT], position=[label.openness])
            )
            self._path.append(label.pose)
        if labels and self._path:
            self._out["path"].publish(path_from_poses(np.array(self._path), labels[-1].stamp_ns, self._base))

    def _gap(self, gap: Unlabelled) -> None:
        self._out["gap"].publish(String(data=json.dumps({"stamp_ns": gap.stamp_ns, "reason": gap.reason})))


def _suffix(transport: str) -> str:
    return "" if transport == "raw" else "/compressed"


def main(argv: list[str] | None = None) -> int:
    """Entry point of the node."""
    return run_node(LabelNode, argv, leave_at_once=True)


if __name__ == "__main__":
    raise SystemExit(main())
