"""Camera images and an instruction in, action images (or poses) out: the node that runs the policy.

A thread of its own computes one chunk after the other from the newest synchronised images, while the arm executes
the last one. Everything of a chunk carries the observation's stamp, the chunk's id.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import String

from ..interfaces.camera_model import is_rectified
from ..policy.decoding import chunk_from_prediction
from ..policy.observation import Observation
from ..policy.prediction import Prediction
from ..policy.protocol import Policy, Subscribes, check_prediction
from ..policy.registry import load_policy, policy_card
from ..ros.camera_watch import CameraCalibrationWatch, camera_watch
from ..ros.chunk_publisher import ChunkPublisher, PosePublisher
from ..ros.chunk_video import ChunkVideo, VideoSettings
from ..ros.collector import CollectorSettings, ObservationCollector
from ..ros.extrinsics import Extrinsics
from ..ros.graph_node import WARN, GraphNode
from ..ros.instruction import InstructionTopic
from ..ros.node_parameters import PolicyParameters
from ..ros.parameters import ParameterError, rotation
from ..ros.run_node import run_node
from ..ros.sensor_watch import SensorWatch

_MODEL_TIME = 0.5  # weight of the newest chunk in the mean compute time


class PolicyNode(GraphNode):
    """Node `policy`: runs any `Policy`. `make_policy(node)` replaces the one that the parameters name in tests."""

    live_parameters = frozenset({"rate", "seed", "video_every", "slop", "max_image_age", "instruction"})

    def __init__(self, make_policy: Callable[[PolicyNode], Policy] | None = None, **kwargs) -> None:
        super().__init__("policy", **kwargs)
        self._make_policy = make_policy
        self.collector: ObservationCollector | None = None
        self.sensors: SensorWatch | None = None
        self.cameras: CameraCalibrationWatch | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._policy: Policy | None = None
        self._chunks: ChunkPublisher | None = None
        self._poses: PosePublisher | None = None
        self._mean_seconds = 0.0
        self._observation: Observation | None = None
        self._video: ChunkVideo | None = None

    def configure(self) -> None:
        """Read parameters, load the model, connect."""
        own = self.parameters(PolicyParameters)
        cameras, self._base, self._encoding = own.cameras, own.base_frame, own.chunk_encoding
        if len(cameras) < 2:
            raise ParameterError(f"cameras is {list(cameras)}; give at least 2: one picture does not tell depth")
        if not own.finger_joints:
            raise ParameterError("finger_joints is empty; name the gripper's joints in joint_states")
        self._period = 1.0 / own.rate
        self._seed, self._count, self._video_prepared = own.seed, 0, own.video_every > 0
        self._turn = rotation("robot_tool_from_model_tool", own.robot_tool_from_model_tool)
        self._policy = self._load(own)
        settings = CollectorSettings(
            cameras=cameras,
            size=self._policy.card.image_size,
            base_frame=self._base,
            slop_s=own.slop,
            max_image_age_s=own.max_image_age,
            max_pose_age_s=own.max_pose_age,
            finger_joints=own.finger_joints,
            finger_closed=own.finger_closed,
            finger_open=own.finger_open,
            robot_tool_from_model_tool=self._turn,
            rectified=self._rectified(own.rectified, cameras, own.image_transport),
        )
        extrinsics = Extrinsics(
            cameras, self._base, source=own.extrinsics, calibration_file=own.calibration_file, node=self
        )
        self.collector = ObservationCollector(settings, extrinsics)
        self._words = InstructionTopic(lambda: self.advertise("instruction"), self._on_instruction)
        self.sensors = SensorWatch(self, self.collector, judging=own.sensor_health)
        self.cameras = camera_watch(self, self._policy, self.collector, own.self_calibration, self.sensors)
        self._connect(own)
        if own.instruction:
            self._words.say(own.instruction)
        self.values["policy"] = "model" if own.policy == "model" else "ORACLE: the expert's poses, not a prediction"

    def refuse_parameters(self, given: Mapping[str, Any]) -> None:
        """Raise ValueError for a video that was not prepared for."""
        if given.get("video_every") and not self._video_prepared:
            raise ValueError(
                f"video_every is {given['video_every']}; it was 0 when the model was loaded: set it before"
            )

    def parameters_changed(self, names: set[str]) -> None:
        """Other rates, tolerances or words from the next chunk on."""
        own = self.parameters(PolicyParameters)
        self._period = 1.0 / own.rate
        if self._video is not None:
            self._video.settings = VideoSettings.of(own)
        if "seed" in names:
            self._seed, self._count = own.seed, 0
        self._collecting.adjust(slop_s=own.slop, max_image_age_s=own.max_image_age)
        if "instruction" in names:
            self._words.say(own.instruction)

    def _rectified(self, said: str, cameras: tuple[str, ...], transport: str) -> frozenset[str]:
        """The cameras whose pictures are rectified: those remapped to a topic image_rect, or as the parameter says."""
        if said != "auto":
            return frozenset(cameras if said == "yes" else ())
        ending = "" if transport == "raw" else "/compressed"
        return frozenset(
            camera for camera in cameras if is_rectified(self.resolve_topic_name(f"{camera}/image_raw{ending}"))
        )

    def _load(self, own: PolicyParameters) -> Policy:
        if self._make_policy is not None and own.policy == "model":
            return self._make_policy(self)
        if own.policy == "oracle":
            self.get_logger().warning("policy is 'oracle': the expert's poses are drawn, nothing is predicted")
            card = policy_card(own.model)
            return load_policy("oracle", card=card, robot_tool_from_model_tool=self._turn)
        return load_policy(
            own.model,
            runtime=own.runtime,
            threads=own.torch_threads or None,
            providers=own.onnx_providers,
            views=len(own.cameras),
            video=own.video_every > 0,
            robot_tool_from_model_tool=self._turn,
        )

    def _connect(self, own: PolicyParameters) -> None:
        collector, cameras = self._collecting, own.cameras
        raw = "" if own.image_transport == "raw" else "/compressed"
        if self._driving.card.output == "poses":
            self._poses = PosePublisher(self, self._base)
        else:
            self._chunks = ChunkPublisher(self, cameras, self._encoding, self._base, video=self._video_prepared)
            self._video = ChunkVideo(self, self._driving, VideoSettings.of(own), self._chunks.publish_video, self._base)
        if isinstance(self._policy, Subscribes):
            for name, callback in self._policy.subscriptions().items():
                self.listen(name, callback)
        for camera in cameras:
            self.listen(f"<cam>/image_raw{raw}", functools.partial(self._on_image, camera), camera)
            self.listen("<cam>/camera_info", functools.partial(collector.add_camera_info, camera), camera)
            if collector.extrinsics.listens_to_topics:
                self.listen("<cam>/pose", functools.partial(collector.extrinsics.add_pose, camera), camera)
        self.listen("joint_states", self._on_joints)
        self.listen("gripper_command", lambda m: collector.add_gripper_command(m.data, self.now_ns()))
        self.listen("current_pose", collector.add_pose)
        self.listen("instruction", self._on_message)

    @property
    def _collecting(self) -> ObservationCollector:
        assert self.collector is not None  # from `configure` to `cleanup`
        return self.collector

    @property
    def _driving(self) -> Policy:
        assert self._policy is not None  # from `configure` to `cleanup`
        return self._policy

    def _on_image(self, camera: str, message: Image | CompressedImage) -> None:
        if self.sensors is not None:
            self.sensors.picture(camera, message)  # first: a chunk may be computed as soon as the collector has it
        self._collecting.add_image(camera, message)

    def _on_joints(self, message: JointState) -> None:
        self._collecting.add_joints(message, self.now_ns())
        if self.sensors is not None:
            self.sensors.joints()

    def _on_message(self, message: String) -> None:
        try:
            self._words.heard(message)
        except ValueError as error:
            self.complain("instruction", f"{error}; {self._collecting.instruction!r} still holds", WARN)
            return
        self.solved("instruction")

    def _on_instruction(self, text: str) -> None:
        self._collecting.set_instruction(text)
        self.values["instruction"] = text
        self.get_logger().info(f"instruction: {text!r}")

    def activate(self) -> None:
        """Start the thread that computes chunks."""
        if self._words.text:
            self.get_logger().info("ready: chunks are computed as soon as cameras and arm are heard of")
        else:
            self.get_logger().info(
                f"ready: say what to do on {self.resolve_topic_name('instruction')} (std_msgs/msg/String)"
            )
        self._stop.clear()
        if self.sensors is not None:
            self.sensors.begin()
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
        if self.collector is not None:
            self.collector.extrinsics.close()
        self._policy = self.collector = self._chunks = self._poses = self._video = self.sensors = self.cameras = None

    def check(self) -> None:
        """Say which camera is missing, old or out of step."""
        reason = self._collecting.waiting_for(self.now_ns())
        if reason:
            self.complain("images", reason, self.missing)
        else:
            self.solved("images")

    def _work(self) -> None:
        while not self._stop.is_set():
            fresh = self._collecting.fresh.wait(timeout=0.1)
            if self._video is not None:
                self._video.catch_up()
            if not fresh or self._stop.is_set():
                continue
            begin = time.monotonic()
            prediction = self._predict()
            if prediction is None or self._withheld(prediction) or self._stop.is_set() or self._collecting.doubt():
                self._check_cameras()
                self._stop.wait(0.02)
                continue
            try:
                self._publish(prediction, time.monotonic() - begin)
                self.solved("publish")
            except Exception as error:  # the thread must not die silently
                self.complain("publish", f"a chunk could not be published: {error!r}")
            if self._video is not None:
                self._video.follow(prediction, *self._origin(), self._count)
            self._check_cameras()
            self._stop.wait(max(0.0, self._period - (time.monotonic() - begin)))

    def _predict(self) -> Prediction | None:
        """One chunk of the newest observation; None, and the reason reported, when there is none."""
        try:
            observation = self._collecting.observe(self.now_ns())
        except ValueError as error:
            waiting = not self._collecting.instruction  # nothing is wrong, nobody has said what to do
            self.complain("observation", str(error), WARN if waiting else self.missing)
            return None
        self.solved("observation")
        if self.cameras is not None:
            observation = self.cameras.corrected(observation)
        self._count += 1
        self._observation = observation
        try:
            prediction = self._driving.predict(observation, seed=self._seed + self._count)
            check_prediction(prediction, observation, self._driving.card)
        except Exception as error:  # the thread must not die silently: the arm holds, the user reads why
            known = isinstance(error, ValueError)
            self.complain("prediction", f"the policy {f'gave no chunk: {error}' if known else f'failed: {error!r}'}")
            return None
        self.solved("prediction")
        return prediction

    def _withheld(self, prediction: Prediction) -> bool:
        return self._video is not None and self._video.withholds(prediction, *self._origin())

    def _origin(self) -> tuple[Observation, int]:
        assert self._observation is not None  # of the newest prediction
        return self._observation, self._seed + self._count

    def _publish(self, prediction: Prediction, seconds: float) -> None:
        if self._poses is not None:
            self._poses.publish(chunk_from_prediction(prediction, self._turn))
        elif self._chunks is not None:
            self._chunks.publish(prediction)
        weight = _MODEL_TIME if self._mean_seconds else 1.0
        self._mean_seconds += weight * (seconds - self._mean_seconds)
        age = (self.now_ns() - prediction.stamp_ns) * 1e-9
        self.values.update(
            chunk_seconds=f"{seconds:.3f}",
            mean_chunk_seconds=f"{self._mean_seconds:.3f}",
            chunk_age_seconds=f"{age:.3f}",
            **{f"stage_{k}": f"{v:.3f}" for k, v in prediction.stage_seconds.items()},
        )
        if age > prediction.horizon:
            self.complain(
                "slow",
                f"a chunk is {age:.2f} s old when published, longer than its horizon of {prediction.horizon:g} "
                "s: the arm waits between chunks; use a smaller model, a GPU or more torch_threads",
                WARN,
            )
        else:
            self.solved("slow")

    def _check_cameras(self) -> None:  # after a chunk is on its way, and seldom
        if self.cameras is not None and not self._stop.is_set():
            self.cameras.step()


def main(argv: list[str] | None = None) -> int:
    """Entry point of the node."""
    return run_node(PolicyNode, argv, leave_at_once=True)


if __name__ == "__main__":
    raise SystemExit(main())
