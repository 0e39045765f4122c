"""Targets reach each kind of driver in its type and unit, only while the driver is ready and nobody else commands."""

from types import SimpleNamespace

import interface_standins
import numpy as np
import pytest
from descriptions import READY, panda_like

from action_images_ros.drivers.description import RobotDescription
from action_images_ros.drivers.inverse_kinematics import InverseKinematics
from action_images_ros.drivers.table import POSE_INTERFACES
from action_images_ros.geometry.pose import pose7_from_matrix
from action_images_ros.ros.arm_drivers import ArmSettings, JointState, make_arm_driver

CHAIN = RobotDescription(panda_like()).chain("link0", "hand_tcp")
HERE = pose7_from_matrix(CHAIN.base_from_tip(READY))


class Future:
    def __init__(self, value=None):
        self.value = value

    def done(self):
        return self.value is not None

    def result(self):
        return self.value


class Client:
    def __init__(self, name):
        self.srv_name, self.ready, self.asked = "/" + name, True, []

    def service_is_ready(self):
        return self.ready

    def call_async(self, request):
        self.asked.append((request, Future()))
        return self.asked[-1][1]

    def remove_pending_request(self, future):
        pass


class Node:
    """The part of rclpy's node that adapters use."""

    def __init__(self, publishers=(), listeners=("controller",)):
        self.published, self.clients = [], {}
        self.publisher_names, self.listeners = list(publishers), list(listeners)

    def create_publisher(self, kind, name, profile):
        return SimpleNamespace(
            publish=self.published.append, topic_name=f"/{name}", get_subscription_count=lambda: len(self.listeners)
        )

    def create_client(self, kind, name):
        return self.clients.setdefault(name, Client(name))

    def resolve_topic_name(self, name):
        return f"/{name}"

    def get_name(self):
        return "robot_bridge"

    def get_namespace(self):
        return "/cell"

    def get_publishers_info_by_topic(self, name):
        return [
            SimpleNamespace(node_name=n, node_namespace="/cell", endpoint_gid=[i] * 16)
            for i, n in enumerate(self.publisher_names)
        ]

    def get_subscriptions_info_by_topic(self, name):
        return [SimpleNamespace(node_name=n) for n in self.listeners]


def _make(name, node, state=None, **changes):
    row = POSE_INTERFACES[name]
    settings = ArmSettings(row, changes.pop("target", row.target), "base", **changes)
    return make_arm_driver(node, settings, state or JointState())


def test_a_direct_driver_is_only_watched():
    node = Node(publishers=["arm_command"])
    driver = _make("crisp", node)
    driver.send(HERE, 5, 0.0)
    assert driver.problem(0.0) == "" and not node.published
    node.publisher_names.append("teleop")
    assert "arm_command, teleop" in driver.problem(0.0)
    node.publisher_names, node.listeners = ["arm_command"], ["robot_bridge"]
    assert "nobody subscribes to /target_pose" in driver.problem(0.0)
    assert "pose_target is /robot/target_pose" in _make("crisp", node, target="robot/target_pose").problem(0.0)


def test_a_target_frame_is_the_pose_in_the_base_at_its_stamp():
    node = Node()
    _make("cartesian_controllers", node).send(HERE, 1_500_000_000, 0.0)
    (message,) = node.published
    assert message.header.frame_id == "base"
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (1, 500000000)
    assert message.pose.position.x == pytest.approx(HERE[0])


def test_a_second_publisher_of_the_target_is_told():
    assert "also published by teleop" in _make(
        "cartesian_controllers", Node(publishers=["robot_bridge", "teleop"])
    ).problem(0.0)


def test_servo_gets_poses_once_it_has_agreed_to_take_them(monkeypatch):
    interface_standins.install(monkeypatch)
    node = Node()
    driver = _make("moveit_servo", node)
    client = node.clients["servo_node/switch_command_type"]
    with pytest.raises(ValueError, match="switch_command_type"):
        driver.send(HERE, 1, 0.0)
    driver.prepare(0.0)
    driver.prepare(0.1)  # not asked twice
    ((request, future),) = client.asked
    assert request.command_type == 2
    future.value = SimpleNamespace(success=True)
    driver.prepare(0.2)
    driver.send(HERE, 1, 0.3)
    assert driver.problem(0.3) == "" and len(node.published) == 1
    client.ready = False  # Servo was restarted: it takes twists again
    driver.prepare(0.4)
    client.ready = True
    assert "refuses the command type" in driver.problem(0.5)
    driver.prepare(2.0)
    assert len(client.asked) == 2


@pytest.mark.parametrize("interface", ["joint_trajectory", "forward_position"])
def test_joint_targets_lead_to_the_pose(interface):
    node, joints = Node(), JointState(dict(READY), 0.0)
    driver = _make(interface, node, joints)
    assert "robot_description" in driver.problem(0.0)
    driver.solver = InverseKinematics(CHAIN)
    target = HERE.copy()
    target[2] -= 0.002
    driver.send(target, 1, 0.1)
    (message,) = node.published
    if interface == "joint_trajectory":
        assert message.joint_names == list(READY) and message.points[0].time_from_start.nanosec == 100_000_000
        positions = message.points[0].positions
    else:
        positions = message.data
    reached = CHAIN.base_from_tip(dict(zip(READY, positions, strict=True)))
    np.testing.assert_allclose(reached[:3, 3], target[:3], atol=2e-4)


def test_joint_targets_come_in_the_controllers_order():
    node = Node()
    driver = _make("forward_position", node, JointState(dict(READY), 0.0), joints=tuple(reversed(READY)))
    driver.solver = InverseKinematics(CHAIN)
    driver.send(HERE, 1, 0.1)
    np.testing.assert_allclose(node.published[0].data, list(reversed(READY.values())), atol=1e-4)
    wrong = _make("forward_position", node, JointState(dict(READY), 0.0), joints=("joint1",))
    wrong.solver = InverseKinematics(CHAIN)
    assert "joints is ['joint1']" in wrong.problem(0.1)


def test_old_joints_and_wide_steps_are_not_passed_on():
    node, joints = Node(), JointState(dict(READY), 0.0)
    driver = _make("joint_trajectory", node, joints, max_joint_step=0.01)
    driver.solver = InverseKinematics(CHAIN)
    with pytest.raises(ValueError, match="joint_states are 2.0 s old"):
        driver.send(HERE, 1, 2.0)
    joints.at_s = 3.0
    far = HERE.copy()
    far[0] += 0.05
    with pytest.raises(ValueError, match="joint"):
        driver.send(far, 1, 3.0)
    assert not node.published


@pytest.mark.parametrize(
    "interface, mode, service", [("xarm_servo", 1, "set_servo_cartesian"), ("xarm_position", 7, "set_position")]
)
def test_the_xarm_is_put_in_its_mode_and_gets_millimetres(monkeypatch, interface, mode, service):
    interface_standins.install(monkeypatch)
    node = Node()
    driver = _make(interface, node, linear_speed=0.1)
    with pytest.raises(ValueError, match=f"mode {mode}"):
        driver.send(HERE, 1, 0.0)
    for step, (name, value) in enumerate((("set_mode", mode), ("set_state", 0))):
        driver.prepare(1.0 + 3 * step)
        request, future = node.clients[f"xarm/{name}"].asked[-1]
        assert request.data == value
        future.value = SimpleNamespace(ret=0, message="")
        driver.prepare(1.1 + 3 * step)
    driver.send(HERE, 1, 9.0)
    request, future = node.clients[f"xarm/{service}"].asked[-1]
    np.testing.assert_allclose(request.pose[:3], 1000 * HERE[:3])
    assert len(request.pose) == 6 and not request.wait and request.speed == (100.0 if mode == 7 else 0)
    driver.send(HERE, 1, 9.2)  # the last call has no answer yet
    assert len(node.clients[f"xarm/{service}"].asked) == 1
    future.value = SimpleNamespace(ret=1, message="there are errors")
    with pytest.raises(ValueError, match="returned 1 there are errors"):
        driver.send(HERE, 1, 9.4)
    assert f"not in mode {mode}" in driver.problem(9.5)


def test_sparse_targets_are_sparse(monkeypatch):
    interface_standins.install(monkeypatch)
    node = Node()
    driver = _make("xarm_position", node)
    driver._prepared = 2
    for tick in range(100):
        driver.send(HERE, 1, 0.01 * tick)
        for _, future in node.clients["xarm/set_position"].asked:
            future.value = SimpleNamespace(ret=0, message="")
    assert 19 <= len(node.clients["xarm/set_position"].asked) <= 21


def test_a_service_that_is_off_by_default_is_named(monkeypatch):
    interface_standins.install(monkeypatch)
    node = Node()
    driver = _make("xarm_servo", node)
    node.clients["xarm/set_servo_cartesian"].ready = False
    assert "services.set_servo_cartesian: true" in driver.problem(0.0)
