"""The checklist of a robot: stand-ins publish what a driver would, one fault at a time, and it is named."""

import time

import pytest
from geometry_msgs.msg import PoseStamped
from ros_rig import CAMERAS, DOWN, extrinsic, info, now_ns, picture
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64

from action_images_ros.graph import check_robot
from action_images_ros.graph.check_robot import Listener, findings
from action_images_ros.ros import qos
from action_images_ros.ros.conversions import pose_stamped, stamp_from_ns

PARAMETERS = {
    "policy": {
        "cameras": list(CAMERAS),
        "base_frame": "base",
        "finger_joints": ["f1", "f2"],
        "finger_closed": 0.0,
        "finger_open": 0.08,
    },
    "arm_command": {"workspace_min": [0.2, -0.4, 0.0], "workspace_max": [0.8, 0.4, 0.6]},
}


class Robot:
    """Drivers and cameras that publish one good moment after another; `change` spoils it."""

    def __init__(self, rig):
        self.rig, self.listener = rig, Listener(rig.probe, PARAMETERS)
        self.without, self.frame, self.pose, self.skew_ns = set(), "base", DOWN, 0
        self.fingers, self.size = (0.03, 0.03), (48, 64)

    def moment(self):
        stamp = now_ns(self.rig) - self.skew_ns
        joints = JointState(name=["f1", "f2"], position=list(self.fingers))
        joints.header.stamp = stamp_from_ns(stamp)
        sent = [("current_pose", None, pose_stamped(self.pose, stamp, self.frame)), ("joint_states", None, joints)]
        for camera in CAMERAS:
            sent += [
                ("<cam>/image_raw", camera, picture(stamp, camera)),
                ("<cam>/camera_info", camera, info(stamp, camera, self.size)),
                ("<cam>/pose", camera, extrinsic(stamp, camera)),
            ]
        for name, camera, message in sent:
            if name not in self.without:
                self.rig.publish(name, message, camera)

    def found(self):
        """item -> (state, message) after a quarter of a second."""
        end = time.monotonic() + 0.25
        due = 0.0

        def over():
            nonlocal due
            if time.monotonic() >= due:
                due = time.monotonic() + 0.01
                self.moment()
            return time.monotonic() > end and self.listener.heard["joint_states"].count > 3

        self.rig.spin_until(over, "a quarter of a second")
        return {finding.item: (finding.state, finding.message) for finding in findings(self.listener)}


@pytest.fixture
def robot(rig, monkeypatch):
    for name in ("_POSE_HZ", "_JOINTS_HZ", "_IMAGE_HZ"):
        monkeypatch.setattr(check_robot, name, 0.1)  # the machine that runs the tests may be slow
    return Robot(rig)


def test_a_driver_that_is_too_slow_is_named(robot, monkeypatch):
    monkeypatch.setattr(check_robot, "_POSE_HZ", 1e6)
    assert "Hz" in robot.found()["current_pose"][1] and robot.found()["current_pose"][0] == "wrong"


def test_a_good_robot_without_a_graph_lacks_the_graph_alone(robot):
    found = robot.found()
    good = {item for item, (state, _) in found.items() if state == "ok"}
    assert {"current_pose", "joint_states", *CAMERAS} <= good
    assert found["target_pose"][0] == "missing" and found["policy"][0] == found["arm_command"][0] == "missing"


FAULTS = [
    ({"frame": "world"}, "current_pose", "wrong", "base"),
    ({"pose": DOWN + [1, 0, 0, 0, 0, 0, 0]}, "current_pose", "wrong", "workspace"),
    ({"skew_ns": 2_000_000_000}, "current_pose", "wrong", "clock"),
    ({"fingers": (0.9, 0.9)}, "joint_states", "wrong", "finger"),
    ({"size": (24, 32)}, "left/camera_info", "wrong", "32x24"),
    ({"without": {"<cam>/pose"}}, "left/pose", "missing", "calibration_file"),
    ({"without": {"<cam>/image_raw"}}, "left/image_raw", "missing", "cameras"),
    ({"without": {"<cam>/camera_info"}}, "right/camera_info", "missing", "calibrate"),
    ({"without": {"current_pose"}}, "current_pose", "missing", "driver"),
]


@pytest.mark.parametrize("change, item, state, words", FAULTS, ids=[f"{f[1]} {f[3]}" for f in FAULTS])
def test_one_fault_is_named_with_its_remedy(robot, change, item, state, words):
    for name, value in change.items():
        setattr(robot, name, value)
    found = robot.found()
    assert found[item][0] == state and words in found[item][1], found


def test_two_commanders_and_a_driver_that_listens_are_counted(robot):
    node = robot.rig.probe
    for name in ("target_pose", "gripper_command"):
        kind = PoseStamped if name == "target_pose" else Float64
        node.create_subscription(kind, name, lambda _: None, qos.COMMAND)
        for _ in range(2):
            node.create_publisher(kind, name, qos.COMMAND)
    found = robot.found()
    assert found["target_pose"][0] == "wrong" and "probe, probe" in found["target_pose"][1]
    assert "gripper_command" not in found
