"""The policy gives a chunk for good input, and for bad input none: the first chunk after it is that of the next good
observation, which is the proof that nothing came in between."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from ros_rig import CAMERAS, DOWN, EYES, camera_pose, extrinsic, info, now_ns, picture
from scripted_model import ScriptedModel
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from action_images_ros.codec.encode import encode, to_uint8
from action_images_ros.control.states import StateReport
from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.graph.environment import isolated_environment
from action_images_ros.nodes.policy_node import PolicyNode
from action_images_ros.ros.chunk_messages import agreement_from_message
from action_images_ros.ros.conversions import ns_from_stamp, pose_stamped, stamp_from_ns
from action_images_ros.ros.state_messages import state_message

MS = 1_000_000


class World:
    """Publishes what cameras, arm and user would; everything of one moment carries one stamp."""

    def __init__(self, rig, *, stamped=False):
        """stamped: joint states say when they were; else they are of the moment at which they are heard."""
        self.rig, self.stamped = rig, stamped
        self.chunks = rig.listen("chunk/<cam>/action_images", "left")
        self.last = 0

    def stamp(self):
        self.last = max(now_ns(self.rig), self.last + MS)
        return self.last

    def say(self, text):
        self.rig.publish("instruction", String(data=text))

    def calibrate(self, stamp_ns, **infos):
        for camera in CAMERAS:
            self.rig.publish("<cam>/pose", extrinsic(stamp_ns, camera), camera)
            self.rig.publish("<cam>/camera_info", infos.get(camera) or info(stamp_ns, camera), camera)

    def arm(self, stamp_ns, pose=DOWN, fingers=(0.04, 0.04), frame="base"):
        message = pose if isinstance(pose, PoseStamped) else pose_stamped(pose, stamp_ns, frame)
        message.header.stamp = stamp_from_ns(stamp_ns)
        self.rig.publish("current_pose", message)
        joints = JointState(name=["finger_left", "finger_right"], position=list(fingers))
        if self.stamped:
            joints.header.stamp = stamp_from_ns(stamp_ns)
        self.rig.publish("joint_states", joints)

    def look(self, stamp_ns, **pictures):
        for camera in CAMERAS:
            message = pictures.get(camera, picture(stamp_ns, camera))
            if message is not None:
                self.rig.publish("<cam>/image_raw", message, camera)

    def good(self):
        """A complete good moment; its stamp."""
        stamp_ns = self.stamp()
        self.calibrate(stamp_ns)
        self.arm(stamp_ns)
        # Topics are delivered independently of each other: the pictures, which start the work, come last.
        self.rig.spin_until(lambda: self.settled(stamp_ns), "arm and calibration have arrived")
        self.look(stamp_ns)
        return stamp_ns

    def settled(self, stamp_ns):
        collector = self.rig.nodes[0].collector
        return (
            collector._last_pose_ns == stamp_ns
            and len(collector._infos) == 2
            and all(ns_from_stamp(i.header.stamp) == stamp_ns for i in collector._infos.values())
            and collector._joints_heard_ns is not None
            and len(collector.extrinsics._poses._topics) == 2
        )


@pytest.fixture
def model():
    return ScriptedModel([0.5, 0.0, 0.2])


def _start(rig, model_folder, model, video_every=0, **parameters):
    node = _made(rig, model_folder, model, video_every, **parameters)
    assert node.started
    return node


def _made(rig, model_folder, model, video_every, **parameters):
    return rig.start(
        lambda **kwargs: PolicyNode(lambda _: model, **kwargs),
        cameras=list(CAMERAS),
        model=model_folder,
        nice=0,
        finger_joints=["finger_left", "finger_right"],
        rate=100.0,
        video_every=video_every,
        extrinsics="topic",
        slop=0.02,
        max_image_age=5.0,
        robot_tool_from_model_tool=[0.0, 0.0, 0.7071067811865476, 0.7071067811865476],
        **parameters,
    )


@pytest.fixture
def policy(rig, model_folder, model):
    return _start(rig, model_folder, model)


@pytest.fixture
def world(rig, policy):
    return World(rig)


def _instructed(world, policy):
    world.say("reach the ball")
    world.rig.spin_until(lambda: policy.collector.instruction, "the instruction has arrived")


def _ids(world):
    return [ns_from_stamp(message.header.stamp) for message in world.chunks]


def _first_chunk_is_that_of_the_next_good_moment(world):
    good = world.good()
    world.rig.spin_until(lambda: world.chunks, "a chunk of the good moment")
    assert _ids(world)[0] == good


def test_a_good_moment_gives_a_chunk_with_its_stamp(world, policy, model):
    rig = world.rig
    poses, infos = rig.listen("chunk/<cam>/pose", "right"), rig.listen("chunk/<cam>/camera_info", "right")
    _instructed(world, policy)
    stamp_ns = world.good()
    rig.spin_until(lambda: world.chunks and poses and infos, "a chunk")
    assert _ids(world)[0] == stamp_ns
    assert ns_from_stamp(poses[0].header.stamp) == ns_from_stamp(infos[0].header.stamp) == stamp_ns
    assert (world.chunks[0].height, world.chunks[0].width, infos[0].height) == (9 * 96, 96, 96)
    assert world.chunks[0].header.frame_id == "left_optical_frame"
    assert model.observations[0].openness == pytest.approx(1.0)
    assert model.observations[0].instruction == "reach the ball"


class FilmingModel(ScriptedModel):
    """Paints a video of its last chunk, but only when it may."""

    def __init__(self, values):
        super().__init__(values)
        self.may, self.last, self.broken = threading.Event(), None, False

    def predict(self, observation, *, seed=0):
        self.last = super().predict(observation, seed=seed)
        return self.last

    def paint_video(self, prediction):
        assert self.may.wait(20.0)
        if self.broken:
            raise RuntimeError("out of paint")
        return prediction.with_video(prediction.action_images, {})


def test_a_chunk_does_not_wait_for_its_video(rig, model_folder):
    model = FilmingModel([0.5, 0.0, 0.2])
    policy = _start(rig, model_folder, model, video_every=2)
    world = World(rig, stamped=True)
    videos = rig.listen("chunk/<cam>/predicted_video", "left")
    _instructed(world, policy)
    first = world.good()
    rig.spin_until(lambda: world.chunks, "the chunk")
    assert not videos
    model.may.set()
    rig.spin_until(lambda: videos, "its video")
    for count in (2, 3):  # every second chunk has one
        world.good()
        rig.spin_until(lambda count=count: len(world.chunks) == count, "the next chunk")
    rig.spin_until(lambda: len(videos) == 2, "the video of the third")
    assert [ns_from_stamp(message.header.stamp) for message in videos] == [first, _ids(world)[2]]


def test_the_chunk_that_waits_for_approval_gets_a_video_whatever_its_number(rig, model_folder):
    model = FilmingModel([0.5, 0.0, 0.2])
    model.may.set()
    policy = _start(rig, model_folder, model, video_every=1000)
    world = World(rig, stamped=True)
    videos = rig.listen("chunk/<cam>/predicted_video", "left")
    _instructed(world, policy)
    for count in (1, 2, 3):
        world.good()
        rig.spin_until(lambda count=count: len(world.chunks) == count, "a chunk")
    waits = _ids(world)[1]
    rig.publish("arm_command/state", state_message(StateReport("proposed", "look", waits), "arm_command"))
    rig.spin_until(lambda: len(videos) == 2, "the video of the chunk that waits", timeout=60.0)
    assert [ns_from_stamp(message.header.stamp) for message in videos] == [_ids(world)[0], waits]


class VideoReader(FilmingModel):
    """Sees in every video what it had drawn; while `astray`, nothing at all."""

    astray = False

    def label(self, clips, *, steps=1, seed=0):
        drawn = self.last.action_images[None]
        return np.zeros_like(drawn) if self.astray else drawn


def test_a_chunk_whose_video_shows_another_motion_is_withheld(rig, model_folder):
    model = VideoReader([0.5, 0.0, 0.2])
    model.may.set()
    model.astray = True
    policy = _start(rig, model_folder, model, video_every=3, hold_video_action=0.05)
    world = World(rig, stamped=True)
    videos = rig.listen("chunk/<cam>/predicted_video", "left")
    _instructed(world, policy)
    world.good()
    rig.spin_until(lambda: "hold_video_action" in policy.problems().get("agreement", ""), "the reason is told")
    assert not world.chunks and not videos
    model.astray = False
    good = world.good()
    rig.spin_until(lambda: world.chunks and videos, "the next chunk, and its video")
    assert _ids(world) == [good] and ns_from_stamp(videos[0].header.stamp) == good
    assert "agreement" not in policy.problems()


def test_holding_on_the_video_needs_a_policy_that_paints_and_reads_it(rig, model_folder):
    for model, every in ((FilmingModel([0.5, 0.0, 0.2]), 1), (VideoReader([0.5, 0.0, 0.2]), 0)):
        policy = _made(rig, model_folder, model, every, hold_video_action=0.05)
        assert not policy.started and "hold_video_action" in policy.problems()["configure"]


def test_the_arm_in_the_video_is_compared_with_the_action_where_asked_for(rig, model_folder):
    model = VideoReader([0.5, 0.0, 0.2])
    model.may.set()
    policy = _start(rig, model_folder, model, video_every=1, check_video=True)
    agreements = rig.listen("chunk/agreement")
    world = World(rig, stamped=True)
    _instructed(world, policy)
    first = world.good()
    rig.spin_until(lambda: agreements, "the agreement")
    assert ns_from_stamp(agreements[0].header.stamp) == first
    assert agreement_from_message(agreements[0]) == pytest.approx(0.0, abs=1e-6)
    assert len(agreements[0].points) == model.last.frames
    rig.spin_until(lambda: policy.values.get("video_action_mm") == "0.0", "its value in the diagnostics")


def test_a_model_that_reads_no_video_says_so_and_costs_no_chunk(rig, model_folder):
    model = FilmingModel([0.5, 0.0, 0.2])
    model.may.set()
    policy = _start(rig, model_folder, model, video_every=1, check_video=True)
    world = World(rig, stamped=True)
    _instructed(world, policy)
    world.good()
    rig.spin_until(lambda: world.chunks, "a chunk")
    rig.spin_until(lambda: "check_video" in policy.problems().get("video", ""), "the reason is told")


def test_a_video_that_fails_costs_no_chunk(rig, model_folder):
    model = FilmingModel([0.5, 0.0, 0.2])
    model.broken = True
    model.may.set()
    policy = _start(rig, model_folder, model, video_every=1)
    world = World(rig, stamped=True)
    _instructed(world, policy)
    for count in (1, 2):
        world.good()
        rig.spin_until(lambda count=count: len(world.chunks) == count, "a chunk")
    rig.spin_until(lambda: "out of paint" in policy.problems().get("video", ""), "the reason is told")


def test_the_model_sees_its_own_tool_frame(world, policy, model):
    _instructed(world, policy)
    world.good()
    world.rig.spin_until(lambda: model.observations, "an observation")
    from scipy.spatial.transform import Rotation

    model_x = Rotation.from_quat(model.observations[0].tool_pose[3:]).apply([1, 0, 0])
    robot_y = Rotation.from_quat(DOWN[3:]).apply([0, 1, 0])
    np.testing.assert_allclose(model_x, robot_y, atol=1e-9)


def _bad_intrinsics(change):
    def look(world, stamp_ns):
        message = info(stamp_ns, "left")
        k = message.k.copy()
        change(k)
        message.k = k
        world.calibrate(stamp_ns, left=message)
        world.arm(stamp_ns)
        world.rig.spin_until(lambda: world.settled(stamp_ns), "the calibration")
        world.look(stamp_ns)

    return look


def _bad_arm(**arm):
    def look(world, stamp_ns):
        world.calibrate(stamp_ns)
        world.arm(stamp_ns, **arm)
        world.rig.spin_until(lambda: world.settled(stamp_ns), "the arm")
        world.look(stamp_ns)

    return look


def _bad_picture(**changes):
    def look(world, stamp_ns):
        world.calibrate(stamp_ns)
        world.arm(stamp_ns)
        world.rig.spin_until(lambda: world.settled(stamp_ns), "the arm")
        world.look(stamp_ns, left=picture(stamp_ns, "left", **changes))

    return look


def _zero(k):
    k[:] = 0.0


def _mirror(k):
    k[0] = -k[0]


def _singular(k):
    k[4] = 0.0


BAD = {
    "sixteen bit": (_bad_picture(encoding="mono16"), "left/image_raw.*mono16.*8 bits"),
    "bayer": (_bad_picture(encoding="bayer_rggb16"), "left/image_raw.*bayer_rggb8"),
    "another size": (_bad_picture(size=(24, 32)), "left/camera_info is for 64x48, the image is 32x24"),
    "uncalibrated": (_bad_intrinsics(_zero), "left/camera_info.*calibrate"),
    "singular": (_bad_intrinsics(_singular), "left/camera_info.*singular"),
    "one negative focal length": (_bad_intrinsics(_mirror), "left.*only one is negative"),
    "nan pose": (_bad_arm(pose=DOWN * np.nan), "current_pose"),
    "zero quaternion": (_bad_arm(pose=DOWN * [1, 1, 1, 0, 0, 0, 0]), "current_pose.*quaternion"),
    "another frame": (_bad_arm(frame="tool0"), "current_pose.*'tool0'.*'base'"),
    "gripper out of range": (_bad_arm(fingers=(0.4, 0.4)), "finger"),
    "nan fingers": (_bad_arm(fingers=(0.04, float("nan"))), "joint_states.*not finite"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_and_gives_no_chunk(world, policy, case):
    import re

    look, words = BAD[case]
    _instructed(world, policy)
    look(world, world.stamp())
    world.rig.spin_until(lambda: re.search(words, policy.problems().get("observation", "")), f"complaint {words!r}")
    policy.collector._images._sizes.clear()
    _first_chunk_is_that_of_the_next_good_moment(world)
    world.rig.spin_until(lambda: "observation" not in policy.problems(), "the complaint is taken back")


def test_negative_focal_lengths_are_normalised_and_used(world, policy, model):
    def negate(k):
        k[0], k[4] = -k[0], -k[4]

    _instructed(world, policy)
    _bad_intrinsics(negate)(world, world.stamp())
    world.rig.spin_until(lambda: model.observations, "an observation")
    assert (np.diagonal(model.observations[0].K[0]) > 0).all()


def test_without_an_instruction_there_is_no_chunk(world, policy):
    world.good()
    world.rig.spin_until(lambda: "instruction is empty" in policy.problems().get("observation", ""), "a complaint")
    _instructed(world, policy)
    _first_chunk_is_that_of_the_next_good_moment(world)


def test_an_instruction_taken_back_stops_the_policy(world, policy):
    _instructed(world, policy)
    world.good()
    world.rig.spin_until(lambda: world.chunks, "a chunk")
    world.say("")
    world.rig.spin_until(lambda: not policy.collector.instruction, "the empty instruction")
    world.chunks.clear()
    world.good()
    world.rig.spin_until(lambda: "instruction is empty" in policy.problems().get("observation", ""), "a complaint")
    _instructed(world, policy)
    _first_chunk_is_that_of_the_next_good_moment(world)


def test_a_missing_camera_is_named(world, policy):
    _instructed(world, policy)
    stamp_ns = world.stamp()
    world.look(stamp_ns, right=None)
    world.rig.spin_until(lambda: "no image from right" in policy.problems().get("images", ""), "a complaint")
    _first_chunk_is_that_of_the_next_good_moment(world)


def test_cameras_that_are_not_synchronised_give_no_chunk(world, policy):
    _instructed(world, policy)
    for _ in range(3):
        stamp_ns = world.stamp()
        world.look(stamp_ns - 500 * MS, right=picture(stamp_ns, "right"))
    world.rig.spin_until(lambda: "not synchronised" in policy.problems().get("images", ""), "a complaint")
    _first_chunk_is_that_of_the_next_good_moment(world)


def test_old_pictures_give_no_chunk(world, policy):
    _instructed(world, policy)
    stamp_ns = world.stamp() - 20_000 * MS
    world.look(stamp_ns)
    world.rig.spin_until(lambda: "old" in policy.problems().get("images", ""), "a complaint")
    _first_chunk_is_that_of_the_next_good_moment(world)


def test_a_size_that_changes_is_refused_until_it_changes_back(world, policy):
    _instructed(world, policy)
    world.good()
    world.rig.spin_until(lambda: world.chunks, "a chunk")
    world.chunks.clear()
    stamp_ns = world.stamp()
    world.calibrate(stamp_ns, left=info(stamp_ns, "left", (24, 32)))
    world.arm(stamp_ns)
    world.rig.spin_until(lambda: world.settled(stamp_ns), "the calibration")
    world.look(stamp_ns, left=picture(stamp_ns, "left", (24, 32)))
    world.rig.spin_until(
        lambda: "changed its size from 64x48 to 32x24" in policy.problems().get("observation", ""), "a complaint"
    )
    _first_chunk_is_that_of_the_next_good_moment(world)


def test_a_policy_that_fails_says_so_and_goes_on(world, policy, model):
    predict = model.predict
    model.predict = lambda *_, **__: 1 / 0
    _instructed(world, policy)
    world.good()
    world.rig.spin_until(lambda: "ZeroDivisionError" in policy.problems().get("prediction", ""), "a complaint")
    model.predict = predict
    _first_chunk_is_that_of_the_next_good_moment(world)


@pytest.mark.parametrize(
    "parameters, words",
    [
        ({"cameras": ["left"]}, "cameras.*at least 2"),
        ({"cameras": ["left", "left"]}, "cameras.*once"),
        ({"robot_tool_from_model_tool": [0.0, 0.0, 0.0, 0.0]}, "robot_tool_from_model_tool.*quaternion"),
        ({"robot_tool_from_model_tool": [0.0, 0.0, 1.0]}, "robot_tool_from_model_tool.*four numbers"),
        ({"image_transport": "theora"}, "image_transport.*raw, compressed"),
        ({"model": "no_such_model"}, "no_such_model"),
        ({"extrinsics": "guess"}, "extrinsics.*auto, tf, topic, file"),
        ({"extrinsics": "file"}, "calibration_file is empty"),
        ({"finger_joints": [""]}, "finger_joints is empty"),
        ({"finger_open": 0.0}, "finger_open"),
        ({"slop": -1.0}, "slop"),
        ({"runtime": "tflite"}, "runtime.*torch, torch-bf16, onnx, onnx-int8"),
    ],
)
def test_a_parameter_that_makes_no_sense_leaves_the_node_unconfigured(rig, model_folder, parameters, words):
    import re

    usual = {"cameras": list(CAMERAS), "model": model_folder, "nice": 0, "finger_joints": ["f"]}
    node = rig.start(
        lambda **kwargs: PolicyNode(
            None if "model" in parameters else lambda _: ScriptedModel([0.5, 0.0, 0.2]), **kwargs
        ),
        **{**usual, **parameters},
    )
    assert not node.started
    assert re.search(words, node.problems()["configure"])


def test_weights_that_do_not_fit_leave_the_node_unconfigured(rig, model_folder):
    def load(_):
        raise ValueError("model.safetensors lacks blocks.3.attn1.to_q.weight; it belongs to another model card")

    node = rig.start(
        lambda **kwargs: PolicyNode(load, **kwargs),
        cameras=list(CAMERAS),
        model=model_folder,
        nice=0,
        finger_joints=["f"],
    )
    assert not node.started
    assert "lacks blocks.3" in node.problems()["configure"]


WITHOUT_TORCH = """
import sys
sys.path.insert(0, sys.argv[2])
import no_torch
import rclpy
from rclpy.parameter import Parameter
from action_images_ros.nodes.policy_node import PolicyNode
from observations import noise_observation
rclpy.init()
parameters = {"model": sys.argv[1], "runtime": "onnx", "video_every": 0, "nice": 0, "finger_joints": ["f"],
              "cameras": sys.argv[3].split(",")}
node = PolicyNode(parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()])
print(node.start(), node.problems())
if not node.problems():
    print(node._policy.predict(noise_observation((32, 48))).action_images.shape)
node.destroy_node()
rclpy.shutdown()
"""


def _without_torch(folder, cameras):
    support = str(Path(__file__).parents[1] / "support")
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(folder), support, cameras],
        capture_output=True,
        text=True,
        env=isolated_environment(),
    )


def test_with_the_onnx_runtime_the_node_works_where_torch_cannot_be_imported(exported_folder):
    ended = _without_torch(exported_folder, "a,b")
    assert ended.stdout.splitlines() == ["True {}", "(2, 9, 32, 48, 3)"], ended.stderr


def test_views_that_are_not_exported_leave_the_node_unconfigured_with_the_command(exported_folder):
    ended = _without_torch(exported_folder, "a,b,c")
    assert "False" in ended.stdout, ended.stderr
    assert "policy_3views.onnx" in ended.stdout and "--views 3" in ended.stdout


def test_a_doubtful_picture_gives_no_chunk_and_holds_the_arm_until_it_is_good_again(world, policy):
    told = world.rig.listen("sensor_check")
    _instructed(world, policy)
    world.good()
    world.rig.spin_until(lambda: world.chunks, "a chunk")
    world.chunks.clear()
    stamp_ns = world.stamp()
    dark = picture(stamp_ns, "left")
    dark.data = bytes(len(dark.data))
    world.arm(stamp_ns)
    world.look(stamp_ns, left=dark)
    world.rig.spin_until(lambda: told and told[-1].level == b"\x01", "the doubt is told")
    assert "left/image_raw is dark" in told[-1].message
    world.rig.spin_until(lambda: told[-1].level == b"\x02", "a lasting doubt is a fault")
    assert policy.values["health_left"] == "dark" and policy.values["health_right"] == "good"
    _first_chunk_is_that_of_the_next_good_moment(world)
    world.rig.spin_until(lambda: told[-1].level == b"\x00", "the doubt is taken back")


def test_intrinsics_that_change_in_use_are_a_fault(world, policy):
    told = world.rig.listen("sensor_check")
    _instructed(world, policy)
    world.good()
    world.rig.spin_until(lambda: world.chunks and policy.sensors.health._places, "a chunk, the cameras' places")
    stamp_ns = world.stamp()
    longer = info(stamp_ns, "left")
    longer.k[0] *= 1.3
    longer.k[4] *= 1.3
    world.calibrate(stamp_ns, left=longer)
    world.rig.spin_until(lambda: told and told[-1].level == b"\x02", "the fault is told")
    assert "left/camera_info changed" in told[-1].message


class ReadingModel(ScriptedModel):
    """Reads in every picture where the gripper truly is, with the camera `right` 5 cm from where it is said to be."""

    def label(self, clips, *, steps=1, seed=0):
        E = np.stack([camera_pose(EYES[camera]) for camera in CAMERAS])
        E[1, :3, 3] += 0.05 * E[1, :3, 0]
        poses = np.repeat(self.observations[-1].tool_pose[None], clips.images.shape[2], axis=0)
        drawn = encode(matrix_from_pose7(poses), np.ones(len(poses)), clips.K[0], E, (96, 96))
        return np.asarray(to_uint8(drawn.images))[None]


def _look_around(world, until, what):
    """Good moments, five in a second, until something is true."""

    def seen():
        if now_ns(world.rig) - world.last > 200 * MS:
            world.good()
        return until()

    return world.rig.spin_until(seen, what)


@pytest.mark.parametrize("judged_pictures", [True, False])
def test_a_camera_that_is_wrong_from_the_start_holds_the_arm(rig, model_folder, judged_pictures):
    policy = _start(
        rig, model_folder, ReadingModel([0.5, 0.0, 0.2]), self_calibration="check", sensor_health=judged_pictures
    )
    world, told = World(rig), rig.listen("sensor_check")
    _instructed(world, policy)
    _look_around(world, lambda: told and told[-1].level == b"\x01", "a hold")
    assert "camera right" in told[-1].message and "recalibrate" in told[-1].message
    assert "left" not in told[-1].message


def test_corrected_cameras_are_used_and_published_beside_the_given_ones(rig, model_folder):
    policy = _start(rig, model_folder, ReadingModel([0.5, 0.0, 0.2]), self_calibration="correct")
    world, found = World(rig), rig.listen("calibration/<cam>", "right")
    used = rig.listen("chunk/<cam>/pose", "right")
    _instructed(world, policy)
    given = extrinsic(0, "right").pose.position
    _look_around(world, lambda: found and abs(found[-1].pose.pose.position.x - given.x) > 1e-3, "a correction")
    assert found[-1].header.frame_id == "base" and np.trace(np.reshape(found[-1].pose.covariance, (6, 6))) > 0
    place = found[-1].pose.pose.position
    _look_around(world, lambda: used[-1].pose.position == place, "a chunk with it")
    assert policy.values["calibration_right"].startswith("corrected")
    assert policy.values["calibration_left"].startswith("good")


def test_correcting_needs_a_policy_that_reads_pictures(rig, model_folder, model):
    node = rig.start(
        lambda **kwargs: PolicyNode(lambda _: model, **kwargs),
        cameras=list(CAMERAS),
        model=model_folder,
        nice=0,
        finger_joints=["f"],
        self_calibration="correct",
    )
    assert not node.started and "self_calibration" in node.problems()["configure"]
