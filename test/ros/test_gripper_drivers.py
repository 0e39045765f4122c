"""Openness reaches each kind of gripper in its own unit; the newest goal wins; refusals and absence are told."""

from types import SimpleNamespace

import interface_standins
import pytest

from action_images_ros.drivers.table import GRIPPER_INTERFACES
from action_images_ros.ros.gripper_drivers import ActionGripper, GripperSettings, XarmGripper


class Future:
    def __init__(self):
        self.callbacks, self.value = [], None

    def add_done_callback(self, callback):
        self.callbacks.append(callback)

    def result(self):
        return self.value

    def finish(self, value):
        self.value = value
        for callback in self.callbacks:
            callback(self)


class Handle:
    def __init__(self, accepted=True):
        self.accepted, self.cancelled, self.done = accepted, 0, Future()

    def cancel_goal_async(self):
        self.cancelled += 1

    def get_result_async(self):
        return self.done


class Client:
    ready = True

    def __init__(self, node, kind, name):
        self.kind, self.name, self.goals = kind, name, []

    def send_goal_async(self, goal):
        self.goals.append((goal, Future()))
        return self.goals[-1][1]

    def server_is_ready(self):
        return self.ready

    def destroy(self):
        self.ready = False


@pytest.fixture
def gripper(monkeypatch):
    interface_standins.install(monkeypatch)
    made = []

    def make(name, **changes):
        row = GRIPPER_INTERFACES[name]
        settings = GripperSettings(row, row.target, row.closed, row.opened, **changes)

        def client(*arguments):
            made.append(Client(*arguments))
            return made[-1]

        return ActionGripper(None, settings, client), made

    return make


def test_the_franka_hand_moves_open_and_grasps_closed(gripper):
    driver, (move, grasp) = gripper("franka_hand", speed=0.05, force=30.0)
    assert (move.name, grasp.name) == ("franka_gripper/move", "franka_gripper/grasp")
    driver.send(1.0)
    goal = move.goals[0][0]
    assert (goal.width, goal.speed) == (0.08, 0.05)
    driver.send(0.0)
    goal = grasp.goals[0][0]
    assert (goal.width, goal.force, goal.epsilon.inner, goal.epsilon.outer) == (0.0, 30.0, 0.08, 0.08)


def test_a_gripper_action_takes_a_position(gripper):
    driver, (client,) = gripper("gripper_action")
    driver.send(0.5)
    assert client.goals[0][0].command.position == pytest.approx(0.04)


def test_a_robotiq_takes_radians_by_the_joints_name(gripper):
    driver, (client,) = gripper("robotiq", joint="robotiq_85_left_knuckle_joint")
    driver.send(0.0)
    command = client.goals[0][0].command
    assert list(command.name) == ["robotiq_85_left_knuckle_joint"] and list(command.position) == [0.8]
    driver.send(1.0)
    assert list(client.goals[1][0].command.position) == [0.0]


def test_the_newest_goal_wins(gripper):
    driver, (client,) = gripper("gripper_action")
    first, late = Handle(), Handle()
    driver.send(0.0)
    client.goals[0][1].finish(first)
    driver.send(1.0)
    assert first.cancelled == 1
    driver.send(0.0)
    client.goals[1][1].finish(late)  # accepted when a newer one is already sent
    assert late.cancelled == 1


def test_refusals_failures_and_absence_are_told(gripper):
    driver, (move, _) = gripper("franka_hand")
    driver.send(1.0)
    move.goals[-1][1].finish(Handle(accepted=False))
    assert "refused" in driver.problem()
    driver.send(1.0)
    handle = Handle()
    move.goals[-1][1].finish(handle)
    assert driver.problem() == ""
    handle.done.finish(SimpleNamespace(result=SimpleNamespace(success=False, error="libfranka: command aborted")))
    assert "command aborted" in driver.problem()
    move.ready = False
    assert "franka_gripper/move is not there" in driver.problem()


@pytest.mark.parametrize("openness", [-0.1, 1.5, float("nan")])
def test_what_is_no_openness_is_refused(gripper, openness):
    driver, (client,) = gripper("gripper_action")
    with pytest.raises(ValueError, match="openness"):
        driver.send(openness)
    assert not client.goals


def test_the_xarm_gripper_takes_0_to_850_and_tells_its_error(monkeypatch):
    interface_standins.install(monkeypatch)
    sent = []

    def call(request):
        sent.append((request, Future()))
        return sent[-1][1]

    client = SimpleNamespace(call_async=call, service_is_ready=lambda: True, srv_name="/xarm/set_gripper_position")
    node = SimpleNamespace(create_client=lambda *_: client)
    row = GRIPPER_INTERFACES["xarm_gripper"]
    driver = XarmGripper(node, GripperSettings(row, row.target, row.closed, row.opened))
    driver.send(1.0)
    assert (sent[0][0].pos, sent[0][0].wait) == (850.0, False)
    sent[0][1].finish(SimpleNamespace(ret=19, message=""))
    assert "returned 19" in driver.problem()
