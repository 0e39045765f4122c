"""The cell behaves like a robot with cameras, keeps to its namespace and holds without commands."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from ros_rig import DOWN, EYES, camera_pose
from std_msgs.msg import Float64
from std_srvs.srv import Trigger

from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.nodes.cell_node import CellNode
from action_images_ros.ros.conversions import ns_from_stamp, pose7_from_pose_stamped, pose_stamped


class IdealCell:
    """Has the interface of the simulated cell; the arm is at once where it is told to be."""

    control_period = 0.02
    joint_names = ("joint1", "finger_joint1")

    def __init__(self, task, seed, *, image_size=(16, 16), cameras=2):
        if task == "nonsense":
            raise ValueError("task is 'nonsense'; give one of reach_target")
        self.task, self.seed, self.image_size = task, seed, image_size
        self.instruction = f"do {task} {seed}"
        self.camera_names = ["left", "right"]
        self.K = np.stack([intrinsics_from_fovy(50, *image_size)] * 2)
        self.world_from_camera = np.stack([camera_pose(EYES[name]) for name in self.camera_names])
        self.time_ns, self.tcp_pose, self.openness = 0, DOWN.copy(), 1.0
        self.colour = 10 + seed

    @property
    def commanded_pose(self):
        return self.tcp_pose.copy()

    @property
    def commanded_openness(self):
        return self.openness

    @property
    def joint_positions(self):
        return np.array([0.1, 0.04 * self.openness])

    def step(self, target, openness, seconds):
        self.tcp_pose, self.openness = np.array(target), openness
        self.time_ns += round(seconds * 1e9)

    def render(self):
        return np.full((2, *self.image_size, 3), self.colour, np.uint8)

    def success(self):
        return bool(self.tcp_pose[0] > 0.6)

    def close(self):
        pass


@pytest.fixture
def cell(rig):
    node = rig.start(
        lambda **kwargs: CellNode(IdealCell, **kwargs),
        task="reach_target",
        seed=3,
        image_size=[16, 16],
        real_time_factor=20.0,
        command_timeout=30.0,
    )
    assert node.started
    heard = SimpleNamespace(
        **{
            name.split("/")[-1].replace(">", ""): rig.listen(name, *camera)
            for name, *camera in (
                ("/clock",),
                ("joint_states",),
                ("current_pose",),
                ("cell/status",),
                ("<cam>/image_raw", "left"),
                ("<cam>/camera_info", "left"),
                ("<cam>/pose", "left"),
            )
        }
    )
    rig.spin_until(lambda: all(vars(heard).values()), "every topic of the cell")
    return node, heard


def _told(heard):
    return json.loads(heard.status[-1].data)


def test_everything_carries_simulated_time(rig, cell):
    _, heard = cell
    rig.spin_until(lambda: len(heard.clock) > 20, "the clock")
    times = [ns_from_stamp(message.clock) for message in heard.clock]
    assert times == sorted(times) and times[0] >= 1_000_000_000
    for messages in (heard.image_raw, heard.current_pose, heard.joint_states):
        stamp_ns = ns_from_stamp(messages[-1].header.stamp)
        assert stamp_ns >= times[0]
        rig.spin_until(lambda t=stamp_ns: ns_from_stamp(heard.clock[-1].clock) >= t, "the clock at that stamp")
    assert heard.image_raw[0].header.frame_id == "left_optical_frame"
    assert heard.camera_info[0].width == 16 and heard.pose[0].header.frame_id == "base"


def test_without_commands_the_arm_holds(rig, cell):
    _, heard = cell
    rig.spin_until(lambda: len(heard.current_pose) > 30, "thirty poses")
    poses = np.stack([pose7_from_pose_stamped(m, "base", "t") for m in heard.current_pose])
    np.testing.assert_allclose(poses, np.tile(DOWN, (len(poses), 1)), atol=1e-9)


def _command(rig, node, pose):
    rig.publish("target_pose", pose_stamped(pose, node.runner.time_ns(), "base"))


def test_commands_move_the_arm_and_success_is_reported(rig, cell):
    node, heard = cell
    _command(rig, node, DOWN + [0.2, 0, 0, 0, 0, 0, 0])
    rig.spin_until(lambda: _told(heard)["success"], "success")
    rig.spin_until(lambda: heard.current_pose[-1].pose.position.x == pytest.approx(0.65), "the pose commanded")


@pytest.mark.parametrize(
    "pose, words", [(DOWN * np.nan, "target_pose"), (DOWN * [1, 1, 1, 0, 0, 0, 0], "target_pose.*quaternion")]
)
def test_wrong_commands_are_named_and_not_followed(rig, cell, pose, words):
    import re

    node, heard = cell
    _command(rig, node, pose)
    rig.spin_until(lambda: re.search(words, node.problems().get("target", "")), "a complaint")
    assert node.runner.commands.pose is None
    _command(rig, node, DOWN + [0.2, 0, 0, 0, 0, 0, 0])
    rig.spin_until(lambda: _told(heard)["success"], "the next good command")


def test_a_gripper_command_out_of_range_is_refused(rig, cell):
    node, _ = cell
    rig.publish("gripper_command", Float64(data=1.5))
    rig.spin_until(lambda: "gripper_command is 1.5" in node.problems().get("gripper", ""), "a complaint")
    rig.publish("gripper_command", Float64(data=0.0))
    rig.spin_until(lambda: node.runner.commands.openness == 0.0, "the good command")


def test_a_new_scene_follows_nothing_that_does_not_begin_where_its_arm_is(rig, cell):
    node, _ = cell
    assert rig.call(Trigger, "cell/reset", Trigger.Request()).success
    here = np.array(node._tcp)
    away = here + [0.1, 0, 0, 0, 0, 0, 0]  # somebody still brakes where the arm was in the scene before
    for pose, followed in ((away, False), (here, True), (away, True)):
        before = node.runner.commands.pose
        rig.publish("target_pose", pose_stamped(pose, node.runner.time_ns(), "base"))
        if followed:
            rig.spin_until(lambda before=before: node.runner.commands.pose is not before, "a target that is followed")
            np.testing.assert_allclose(node.runner.commands.pose[0][:3], pose[:3], atol=1e-9)
        else:
            rig.spin_until(lambda: "new scene" in node.problems().get("target", ""), "a complaint")
            assert node.runner.commands.pose is before


def test_a_reset_sets_up_another_scene_and_time_goes_on(rig, cell):
    from rclpy.parameter import Parameter

    node, heard = cell
    before = node.runner.time_ns()
    node.set_parameters([Parameter("task", value="lift_block"), Parameter("seed", value=8)])
    scene = json.loads(rig.call(Trigger, "cell/reset", Trigger.Request()).message)
    assert (scene["task"], scene["seed"], scene["instruction"]) == ("lift_block", 8, "do lift_block 8")
    assert scene["time_ns"] > before
    rig.spin_until(lambda: _told(heard)["episode"] == scene["episode"], "the new status")
    rig.spin_until(lambda: heard.image_raw[-1].data[0] == 18, "pictures of the new scene")


def test_a_command_for_the_scene_before_is_not_followed(rig, cell):
    node, heard = cell
    rig.spin_until(lambda: node.runner.time_ns() > 2_000_000_000, "a second of simulated time")
    old = pose_stamped(DOWN + [0.2, 0, 0, 0, 0, 0, 0], node.runner.time_ns(), "base")
    assert rig.call(Trigger, "cell/reset", Trigger.Request()).success
    rig.publish("target_pose", old)
    moved = DOWN + [0.05, 0, 0, 0, 0, 0, 0]
    _command(rig, node, moved)
    rig.spin_until(lambda: heard.current_pose[-1].pose.position.x == pytest.approx(moved[0]), "the new command")
    assert not any(m.pose.position.x > 0.6 for m in heard.current_pose)


def test_a_wrong_task_is_refused_and_the_scene_stays(rig, cell):
    from rclpy.parameter import Parameter

    node, heard = cell
    (result,) = node.set_parameters([Parameter("task", value="nonsense")])
    assert not result.successful and "nonsense" in result.reason
    assert rig.call(Trigger, "cell/reset", Trigger.Request()).success
    ticks = len(heard.clock)
    rig.spin_until(lambda: len(heard.clock) > ticks + 5, "time going on")
    assert node.runner.failure is None


def test_the_cell_refuses_to_run_outside_its_namespace(rig):
    node = rig.start(lambda **kwargs: CellNode(IdealCell, **{**kwargs, "namespace": "/"}))
    assert not node.started
    assert "never meet a real arm" in node.problems()["configure"]
