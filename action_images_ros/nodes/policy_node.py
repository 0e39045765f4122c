"""Camera images and an instruction in, action images out: the node that runs the world model.

A thread of its own computes one chunk after the other from the newest synchronised images, while the arm executes
the last one. Everything of a chunk carries the observation's stamp, the chunk's id.
"""

from __future__ import annotations

import threading
import time

from std_msgs.msg import String

from ..interfaces.camera_model import is_rectified
from ..paths import models_path
from ..policy.card import read_card_facts
from ..ros.chunk_publisher import ChunkPublisher
from ..ros.collector import CollectorSettings, ObservationCollector
from ..ros.extrinsics import SOURCES, Extrinsics
from ..ros.graph_node import WARN, GraphNode, run_node
from ..ros.oracle import OraclePolicy
from ..ros.parameters import ParameterError, choice, declare, names, rotation
from ..world_model.load import RUNTIMES

_MODEL_TIME = 0.5  # weight of the newest chunk in the mean compute time


class PolicyNode(GraphNode):
    """Node `policy`. `make_policy(node)` replaces the world model in tests: it has `predict(observation, ...)`."""

    def __init__(self, make_policy=None, **kwargs) -> None:
        super().__init__("policy", **kwargs)
        self._make_policy = make_policy
        self.collector: ObservationCollector | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._policy = None
        self._card = None
        self._mean_seconds = 0.0

    def configure(self) -> None:
        """Read parameters, load the model, connect."""
        cameras = names("cameras", declare(self, "cameras", ["camera_0", "camera_1"], "names of the cameras used"))
        if len(cameras) < 2:
            raise ParameterError(f"cameras is {list(cameras)}; give at least 2: one picture does not tell depth")
        transport = choice(
            "image_transport", declare(self, "image_transport", "raw", "raw or compressed"), ("raw", "compressed")
        )
        self._encoding = choice("chunk_encoding", declare(self, "chunk_encoding", "raw", "raw or png"), ("raw", "png"))
        self._period = 1.0 / declare(self, "rate", 10.0, "most chunks per second", low=0.01, high=100.0)
        self._seed = declare(self, "seed", 0, "seed of the sampler's noise", low=0)
        self._video_every = declare(self, "video_every", 3, "every how many chunks with the video, 0: never", low=0)
        self._count = 0
        self._base = declare(self, "base_frame", "base", "frame of all poses: the robot's base")
        kind = choice("policy", declare(self, "policy", "model", "model, or oracle (tests only)"), ("model", "oracle"))
        turn = rotation(
            "robot_tool_from_model_tool",
            declare(self, "robot_tool_from_model_tool", [0.0, 0.0, 0.0, 1.0], "quaternion xyzw"),
        )
        model = declare(self, "model", "nano", "directory of the model or a name in models/")
        threads = declare(self, "torch_threads", 1, "threads of the model, 0: all", low=0, high=1024)
        runtime = choice("runtime", declare(self, "runtime", "torch", ", ".join(RUNTIMES)), RUNTIMES)
        providers = names(
            "onnx_providers",
            declare(self, "onnx_providers", [""], "execution providers of onnxruntime in order of preference"),
        )
        self._card = read_card_facts(model)
        settings = CollectorSettings(
            cameras=cameras,
            size=self._card.image_size,
            base_frame=self._base,
            slop_s=declare(self, "slop", 0.05, "largest difference of the cameras' stamps, s", low=0.0),
            max_image_age_s=declare(self, "max_image_age", 1.0, "older images give no chunk, s", low=0.01),
            max_pose_age_s=declare(self, "max_pose_age", 0.1, "image to each of the poses around it, s", low=0.001),
            finger_joints=names("finger_joints", declare(self, "finger_joints", [""], "the gripper's joints")),
            finger_closed=declare(self, "finger_closed", 0.0, "their sum, closed"),
            finger_open=declare(self, "finger_open", 0.08, "their sum, open"),
            robot_tool_from_model_tool=turn,
            rectified=self._rectified(cameras, transport),
        )
        if not settings.finger_joints:
            raise ParameterError("finger_joints is empty; name the gripper's joints in joint_states")
        source = choice("extrinsics", declare(self, "extrinsics", "auto", ", ".join(SOURCES)), SOURCES)
        file = declare(self, "calibration_file", "", "camera poses, YAML")
        extrinsics = Extrinsics(cameras, self._base, source=source, calibration_file=file, node=self)
        self._policy = self._load(
            kind,
            model,
            turn,
            runtime=runtime,
            threads=threads or None,
            providers=providers,
            views=len(cameras),
            video=self._video_every > 0,
        )
        self.collector = ObservationCollector(settings, extrinsics)
        self.collector.set_instruction(declare(self, "instruction", "", "instruction before one is published"))
        self._connect(cameras, transport)
        self.values["policy"] = kind if kind == "model" else "ORACLE: the expert's poses, not a prediction"

    def _rectified(self, cameras, transport: str) -> frozenset[str]:
        """The cameras whose pictures are rectified: those remapped to a topic image_rect, or as the parameter says."""
        said = choice(
            "rectified",
            declare(self, "rectified", "auto", "auto (by the topic's name), yes or no"),
            ("auto", "yes", "no"),
        )
        if said != "auto":
            return frozenset(cameras if said == "yes" else ())
        ending = "" if transport == "raw" else "/compressed"
        return frozenset(
            camera for camera in cameras if is_rectified(self.resolve_topic_name(f"{camera}/image_raw{ending}"))
        )

    def _load(self, kind: str, model: str, turn, **how):
        if kind == "oracle":
            self.get_logger().warning("policy is 'oracle': the expert's poses are drawn, nothing is predicted")
            oracle = OraclePolicy(self._card.frames, self._card.dt, turn)
            self.listen("cell/expert_plan", oracle.add_poses)
            self.listen("cell/expert_gripper", oracle.add_gripper)
            return oracle
        if self._make_policy is not None:
            return self._make_policy(self)
        from ..world_model.load import load_model  # with the torch runtimes: torch, only here

        return load_model(str(models_path(model)), **how)

    def _connect(self, cameras, transport: str) -> None:
        collector = self.collector
        raw = "" if transport == "raw" else "/compressed"
        self._chunks = ChunkPublisher(self, cameras, self._encoding, self._base, video=self._video_every > 0)
        for camera in cameras:
            self.listen(f"<cam>/image_raw{raw}", lambda m, c=camera: collector.add_image(c, m), camera)
            self.listen("<cam>/camera_info", lambda m, c=camera: collector.add_camera_info(c, m), camera)
            if collector.extrinsics.listens_to_topics:
                self.listen("<cam>/pose", lambda m, c=camera: collector.extrinsics.add_pose(c, m), camera)
        self.listen("joint_states", lambda m: collector.add_joints(m, self.now_ns()))
        self.listen("gripper_command", lambda m: collector.add_gripper_command(m.data, self.now_ns()))
        self.listen("current_pose", collector.add_pose)
        self.listen("instruction", self._on_instruction)

    def _on_instruction(self, message: String) -> None:
        self.collector.set_instruction(message.data)
        self.values["instruction"] = self.collector.instruction
        self.get_logger().info(f"instruction: {message.data!r}")

    def activate(self) -> None:
        """Start the thread that computes chunks."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._work, name="policy", daemon=True)
        self._thread.start()

    def deactivate(self) -> None:
        """Finish the chunk being computed, publish it no more."""
        self._stop.set()
        if self.collector is not None:
            self.collector.fresh.set()
        if self._thread is not None:
            self._thread.join(timeout=30.0)
        self._thread = None

    def cleanup(self) -> None:
        """Let go of the model."""
        self._policy = self.collector = None

    def check(self) -> None:
        """Say which camera is missing, old or out of step."""
        reason = self.collector.waiting_for(self.now_ns())
        if reason:
            self.complain("images", reason, self.missing)
        else:
            self.solved("images")

    def _work(self) -> None:
        while not self._stop.is_set():
            if not self.collector.fresh.wait(timeout=0.1) or self._stop.is_set():
                continue
            begin = time.monotonic()
            prediction = self._predict()
            if prediction is None or self._stop.is_set():
                self._stop.wait(0.02)
                continue
            try:
                self._publish(prediction, time.monotonic() - begin)
                self.solved("publish")
            except Exception as error:  # the thread must not die silently
                self.complain("publish", f"a chunk could not be published: {error!r}")
            self._publish_video()
            self._stop.wait(max(0.0, self._period - (time.monotonic() - begin)))

    def _predict(self):
        """One chunk of the newest observation; None, and the reason reported, when there is none."""
        try:
            observation = self.collector.observe(self.now_ns())
        except ValueError as error:
            waiting = not self.collector.instruction  # nothing is wrong, nobody has said what to do
            self.complain("observation", str(error), WARN if waiting else self.missing)
            return None
        self.solved("observation")
        self._count += 1
        try:
            prediction = self._policy.predict(observation, mode="policy", seed=self._seed + self._count)
        except Exception as error:  # the thread must not die silently: the arm holds, the user reads why
            self.complain(
                "prediction",
                f"the policy gave no chunk: {error}"
                if isinstance(error, ValueError)
                else f"the policy failed: {error!r}",
            )
            return None
        self.solved("prediction")
        return prediction

    def _publish(self, prediction, seconds: float) -> None:
        self._chunks.publish(prediction)
        stages = getattr(prediction, "stage_seconds", None) or {}
        weight = _MODEL_TIME if self._mean_seconds else 1.0
        self._mean_seconds += weight * (seconds - self._mean_seconds)
        age = (self.now_ns() - prediction.stamp_ns) * 1e-9
        self.values.update(
            chunk_seconds=f"{seconds:.3f}",
            mean_chunk_seconds=f"{self._mean_seconds:.3f}",
            chunk_age_seconds=f"{age:.3f}",
            **{f"stage_{k}": f"{v:.3f}" for k, v in stages.items()},
        )
        horizon = (len(prediction.action_images[0]) - 1) * prediction.dt
        if age > horizon:
            self.complain(
                "slow",
                f"a chunk is {age:.2f} s old when published, longer than its horizon of {horizon:g} "
                "s: the arm waits between chunks; use a smaller model, a GPU or more torch_threads",
                WARN,
            )
        else:
            self.solved("slow")

    def _publish_video(self) -> None:
        """That of every so many chunks; painted when its chunk is on the way, so that no motion waits for it."""
        finish = getattr(self._policy, "finish", None)  # policies that regress or replay poses paint no video
        if finish is None or not self._video_every or (self._count - 1) % self._video_every:
            return
        try:
            self._chunks.publish_video(finish())
            self.solved("video")
        except Exception as error:  # the thread must not die silently
            self.complain("video", f"the video of a chunk could not be painted: {error!r}", WARN)


def main(argv: list[str] | None = None) -> int:
    """Entry point of the node."""
    return run_node(PolicyNode, argv, leave_at_once=True)


if __name__ == "__main__":
    raise SystemExit(main())
