"""Nothing moves before it is enabled; a complete chunk moves the arm; everything else ends in a hold."""

import numpy as np
import pytest
from arm_rig import Arm, start_arm
from control_rig import changed, make_chunk
from diagnostic_msgs.msg import DiagnosticStatus
from ros_rig import DOWN, now_ns
from sensor_msgs.msg import JointState, PointCloud2
from std_msgs.msg import Header, String, UInt64

from action_images_ros.cell.description import cell_urdf
from action_images_ros.nodes.arm_command_node import ArmCommandNode
from action_images_ros.robot_model.load import load_model
from action_images_ros.ros import qos
from action_images_ros.ros.chunk_messages import confidence_message, gripper_message, poses_message
from action_images_ros.ros.conversions import ns_from_stamp, pose_stamped
from action_images_ros.ros.state_messages import state_report

MS = 1_000_000
START = DOWN[:3]


@pytest.fixture
def arm(rig):
    return start_arm(rig)


def test_nothing_is_commanded_before_it_is_enabled(arm):
    arm.chunk()
    arm.spin_until(lambda: arm.node._chunks.pairing._done, "the chunk's arrival")
    assert not arm.targets
    enabled_after = now_ns(arm.rig)
    assert arm.enable().success
    arm.spin_until(lambda: arm.targets, "the first command")
    assert ns_from_stamp(arm.targets[0].header.stamp) >= enabled_after
    assert arm.state()[0] in ("idle", "holding")


def test_a_chunk_seen_before_enabling_moves_nothing(arm):
    old = now_ns(arm.rig)
    arm.enable()
    arm.chunk(stamp_ns=old)
    new = arm.chunk()
    arm.spin_until(lambda: arm.plans, "a plan")
    assert arm.plan_ids() == [new]


def test_a_complete_chunk_moves_the_arm_along_it_within_the_speed_limit(arm):
    arm.enable()
    arm.chunk(velocity=(0.1, 0.0, 0.0))
    arm.spin_until(lambda: arm.pose[0] > START[0] + 0.05, "motion along x")
    assert np.abs(arm.pose[1:3] - START[1:]).max() < 2e-3
    times = np.array([ns_from_stamp(m.header.stamp) for m in arm.targets]) * 1e-9
    x = np.array([m.pose.position.x for m in arm.targets])
    moving = np.diff(times) > 1e-3
    assert (np.abs(np.diff(x))[moving] / np.diff(times)[moving]).max() < 0.25 * 1.05


def test_the_gripper_is_commanded_on_change_only(arm):
    arm.enable()
    arm.chunk(openness=0.0)
    arm.spin_until(lambda: arm.grips and arm.pose[0] > START[0] + 0.05, "the gripper and motion")
    assert [grip.data for grip in arm.grips] == [0.0]


@pytest.mark.parametrize("part", ["poses", "gripper", "confidence"])
def test_an_incomplete_chunk_is_not_executed(arm, part):
    arm.enable()
    arm.chunk(without=[part])
    complete = arm.chunk()
    arm.spin_until(lambda: arm.plans, "a plan")
    assert arm.plan_ids() == [complete]


def _refused(arm, words):
    arm.spin_until(
        lambda: "chunk" in arm.node.problems() and words in arm.node.problems()["chunk"], f"refusal {words!r}"
    )
    good = arm.chunk()
    arm.spin_until(lambda: arm.plans, "a plan")
    assert arm.plan_ids() == [good]


def test_a_stale_chunk_is_refused_and_the_arm_holds(rig):
    arm = start_arm(rig, max_chunk_age=0.2)
    arm.enable()
    stamp_ns = now_ns(rig)
    arm.spin_until(lambda: now_ns(rig) - stamp_ns > 300 * MS, "0.3 seconds of ROS time")
    arm.chunk(stamp_ns=stamp_ns)
    arm.spin_until(lambda: "stale" in arm.node.problems().get("chunk", ""), "refusal")
    assert arm.state()[0] in ("idle", "holding")


def test_a_chunk_that_begins_elsewhere_is_refused(arm):
    arm.enable()
    arm.known()
    chunk = make_chunk(now_ns(arm.rig), start=START - [0.15, 0, 0])
    for name, message in (("poses", poses_message), ("gripper", gripper_message), ("confidence", confidence_message)):
        arm.rig.publish(f"chunk/{name}", message(chunk, "base"))
    _refused(arm, "from where the arm was")


def test_an_uncertain_chunk_is_refused(arm):
    arm.enable()
    arm.chunk(sigma=0.2)
    _refused(arm, "valid and certain enough")


def test_a_chunk_in_another_frame_is_refused(arm):
    arm.enable()
    arm.known()
    chunk = make_chunk(now_ns(arm.rig), start=arm.pose[:3])
    for name, message in (("poses", poses_message), ("gripper", gripper_message), ("confidence", confidence_message)):
        arm.rig.publish(f"chunk/{name}", message(chunk, "camera"))
    _refused(arm, "'camera'")


def test_a_used_up_chunk_ends_in_a_hold(arm):
    arm.enable()
    arm.chunk(frames=3, velocity=(0.02, 0.0, 0.0))
    arm.spin_until(lambda: arm.state() == ("holding", "the chunk is used up"), "a hold")
    held = arm.pose.copy()
    count = len(arm.targets)
    arm.spin_until(lambda: len(arm.targets) > count + 20, "twenty more commands")
    np.testing.assert_allclose(arm.pose, held, atol=1e-4)


def test_a_silent_arm_is_a_fault_that_lasts_until_it_is_enabled_again(rig):
    arm = start_arm(rig, pose_timeout=0.3)
    arm.enable()
    arm.chunk()
    arm.spin_until(lambda: arm.state()[0] == "executing", "execution")
    arm.silent = True
    arm.spin_until(lambda: arm.state()[0] == "faulted" and "current_pose" in arm.node.problems(), "a fault")
    assert not arm.enable().success
    arm.silent = False
    arm.known()
    assert arm.state()[0] == "faulted" and "fault" in arm.node.problems()
    assert arm.enable().success
    arm.spin_until(lambda: arm.state()[0] in ("idle", "holding"), "a hold")


class Neighbour:
    """A node of the graph as far as its heartbeat goes, which stops when it is told to."""

    def __init__(self, rig, name):
        self.name, self.state, self.beating = name, "active", True
        self._publisher = rig.probe.create_publisher(Header, f"{name}/heartbeat", qos.EVENTS)
        rig.probe.create_timer(0.05, self.beat)

    def beat(self):
        if self.beating:
            self._publisher.publish(Header(frame_id=self.state))

    def fall_silent(self):
        self.beating = False

    def end(self):
        self.state = "finalized"


@pytest.mark.parametrize("name, loss", [("policy", Neighbour.fall_silent), ("decoder", Neighbour.end)])
def test_a_lost_node_is_a_fault_that_names_it_and_lasts(rig, name, loss):
    arm = start_arm(rig, node_timeout=0.5)
    viewer, node = Neighbour(rig, "view"), Neighbour(rig, name)
    arm.spin_until(lambda: name in arm.node._nodes._lost._heard, "a heartbeat")
    assert arm.enable().success
    arm.chunk(frames=30, velocity=(0.0, 0.02, 0.0))
    arm.spin_until(lambda: arm.state()[0] == "executing", "execution")
    viewer.fall_silent()
    begin = now_ns(rig)
    arm.spin_until(lambda: now_ns(rig) - begin > 800 * MS, "a silence of the viewer")
    assert arm.state()[0] == "executing"
    loss(node)
    arm.spin_until(lambda: arm.state()[0] == "faulted", "a fault")
    assert f"node {name} is" in arm.state()[1]
    arm.spin_until(lambda: arm.node.executor_core.resting, "rest")
    assert not arm.enable().success
    node.beating, node.state = True, "active"
    arm.spin_until(lambda: not arm.node._nodes.reason(), "the node's return")
    assert arm.state()[0] == "faulted"
    assert arm.enable().success


def _zero_quaternion_beside_a_gap(chunk):
    poses, valid = chunk.poses.copy(), chunk.valid.copy()
    poses[3, 3:], poses[4], valid[4] = 0.0, np.nan, False
    return changed(chunk, poses=poses, valid=valid)


def _absurd_size(message):
    message.width = 2**31
    return message


@pytest.mark.parametrize(
    "spoil, spoil_confidence",
    [
        (_zero_quaternion_beside_a_gap, lambda message: message),
        (lambda chunk: chunk, _absurd_size),
        (lambda chunk: chunk, lambda message: PointCloud2(header=message.header)),
        (lambda chunk: make_chunk(chunk.stamp_ns, frames=513, start=chunk.poses[0, :3]), lambda message: message),
        (lambda chunk: make_chunk(chunk.stamp_ns, frames=5000, start=chunk.poses[0, :3]), lambda message: message),
    ],
)
def test_a_malformed_chunk_is_refused_and_the_next_one_moves_the_arm(arm, spoil, spoil_confidence):
    arm.enable()
    arm.known()
    chunk = spoil(make_chunk(now_ns(arm.rig), start=arm.pose[:3]))
    arm.rig.publish("chunk/poses", poses_message(chunk, "base"))
    arm.rig.publish("chunk/gripper", gripper_message(chunk, "base"))
    arm.rig.publish("chunk/confidence", spoil_confidence(confidence_message(chunk, "base")))
    _refused(arm, "")


@pytest.mark.parametrize("pose, words", [(DOWN * np.nan, "current_pose"), (DOWN * [1, 1, 1, 0, 0, 0, 0], "quaternion")])
def test_a_wrong_pose_is_named_and_not_used(arm, pose, words):
    arm.silent = True
    before = arm.node._pose.copy()
    arm.rig.publish("current_pose", pose_stamped(pose, now_ns(arm.rig), "base"))
    arm.spin_until(lambda: words in arm.node.problems().get("pose", ""), "a complaint")
    np.testing.assert_array_equal(arm.node._pose, before)


def test_disabling_brakes_and_ends_the_commands(arm):
    arm.enable()
    arm.chunk()
    arm.spin_until(lambda: arm.pose[0] > START[0] + 0.02, "motion")
    arm.enable(False)
    arm.spin_until(lambda: arm.state()[0] == "disabled" and arm.node.executor_core.resting, "rest")
    arm.known()  # the last command is on its way
    arm.targets.clear()
    begin = now_ns(arm.rig)
    arm.spin_until(lambda: now_ns(arm.rig) - begin > 200 * MS, "0.2 seconds of ROS time")
    assert not arm.targets
    arm.enable()
    arm.spin_until(lambda: arm.targets, "the next command")
    assert arm.state()[0] in ("idle", "holding")


def test_stop_brakes_and_refuses_chunks_until_enabled_again(arm):
    arm.enable()
    arm.chunk()
    arm.spin_until(lambda: arm.pose[0] > START[0] + 0.02, "motion")
    assert "No emergency stop" in arm.trigger("stop").message
    arm.spin_until(lambda: "stopped" in str(arm.state()[1]), "a hold")
    arm.plans.clear()
    arm.chunk()
    arm.spin_until(lambda: "stopped" in arm.node.problems().get("chunk", ""), "refusal")
    arm.enable()
    good = arm.chunk()
    arm.spin_until(lambda: arm.plans, "a plan")
    assert arm.plan_ids() == [good]


def test_with_approval_nothing_moves_until_it_is_approved(rig):
    arm = start_arm(rig, require_approval=True)
    assert not arm.trigger("approve").success
    arm.enable()
    arm.chunk()
    arm.spin_until(lambda: arm.plans and arm.state()[0] == "proposed", "a proposal")
    assert np.allclose(arm.pose, DOWN)
    assert arm.trigger("approve").success
    arm.spin_until(lambda: arm.pose[0] > START[0] + 0.05, "motion")


def test_an_approval_by_id_executes_that_chunk_or_nothing_and_the_state_says_so(rig):
    arm = start_arm(rig, require_approval=True)
    states = rig.listen("arm_command/state")

    def newest():
        return state_report(states[-1]) if states else None

    arm.enable()
    shown = arm.chunk()
    arm.spin_until(lambda: newest() and newest().state == "proposed", "a proposal")
    assert newest().chunk_ns == shown and arm.plan_ids() == [shown]
    for wrong in (shown - 1, 0, 2**64 - 1):
        rig.publish("arm_command/approve_id", UInt64(data=wrong))
        arm.spin_until(lambda wrong=wrong: newest().answer.startswith(f"{wrong} refused"), "a refusal")
    arm.chunk()  # a newer one does not take its place
    assert newest().state == "proposed" and newest().chunk_ns == shown and np.allclose(arm.pose, DOWN)
    rig.publish("arm_command/approve_id", UInt64(data=shown))
    arm.spin_until(lambda: newest().state == "executing", "execution")
    assert newest().chunk_ns == shown and newest().answer == f"{shown} approved"
    assert arm.node.values["chunk_id"] == shown and arm.node.values["state"] == "executing"
    rig.publish("arm_command/approve_id", UInt64(data=shown))  # approved once, it is executed once
    arm.spin_until(lambda: newest().answer.startswith(f"{shown} refused"), "a refusal")


def test_the_state_is_latched_and_reliable_and_follows_the_arm(arm):
    arm.enable()
    arm.chunk()
    arm.spin_until(lambda: arm.pose[0] > START[0] + 0.02, "motion")
    late = arm.rig.listen("arm_command/state")
    arm.spin_until(lambda: late, "the state for a late listener")
    assert state_report(late[-1]).state == "executing"
    arm.trigger("stop")
    arm.spin_until(lambda: state_report(late[-1]).state == "stopped", "the next state")
    assert state_report(late[-1]).chunk_ns is None
    arm.enable(False)
    arm.spin_until(lambda: state_report(late[-1]).state == "disabled", "the last state")
    told = len(late)
    arm.known()
    assert len(late) == told and arm.state()[0] == "disabled"


def test_a_node_that_is_deactivated_in_motion_brakes_first(arm):
    arm.enable()
    arm.chunk(velocity=(0.15, 0.0, 0.0))
    arm.spin_until(lambda: arm.pose[0] > START[0] + 0.05, "motion")
    commanded = []
    publish = arm.node._target_pose.publish
    arm.node._target_pose.publish = lambda message: (commanded.append(message.pose.position.x), publish(message))
    arm.node.trigger_deactivate()
    steps = np.diff(commanded)
    assert arm.node.executor_core.resting and len(steps) > 5
    assert steps[0] > 1e-3 and abs(steps[-1]) < 1e-3 and arm.state() == ("disabled", "the node is not active")


def test_a_rejected_chunk_never_moves_the_arm(rig):
    arm = start_arm(rig, require_approval=True)
    arm.enable()
    arm.chunk(velocity=(0.0, 0.1, 0.0))
    arm.spin_until(lambda: arm.plans, "a proposal")
    assert arm.trigger("reject").success
    arm.plans.clear()
    arm.chunk(velocity=(0.1, 0.0, 0.0))
    arm.spin_until(lambda: arm.plans, "the next proposal")
    assert arm.trigger("approve").success
    arm.spin_until(lambda: arm.pose[0] > START[0] + 0.05, "motion")
    assert max(abs(m.pose.position.y - START[1]) for m in arm.targets) < 1e-3


def test_a_deactivated_node_commands_nothing_and_cannot_be_enabled(arm):
    arm.node.trigger_deactivate()
    response = arm.enable()
    assert not response.success and "not active" in response.message


@pytest.mark.parametrize(
    "parameters, words",
    [
        ({"workspace_min": [0.8, -0.4, 0.0]}, "workspace_min.*workspace_max"),
        ({"workspace_max": [0.7, 0.4]}, "workspace_max"),
        ({"max_linear_speed": 0.0}, "max_linear_speed"),
        ({"max_linear_speed": float("nan")}, "max_linear_speed"),
        ({"rate": 1.0}, "rate"),
        ({"alignment": "sometimes"}, "alignment"),
        ({"gripper_close_below": 0.7}, "close_below"),
        ({"outside_workspace": "clamp"}, "outside_workspace"),
    ],
)
def test_limits_that_make_no_sense_leave_the_node_unconfigured(rig, parameters, words):
    import re

    node = rig.start(ArmCommandNode, **parameters)
    assert not node.started
    assert re.search(words, node.problems()["configure"])


# With the arm's description.
JOINTS = np.array([0.0, -0.3, 0.0, -2.4, 0.0, 2.1, 0.785])


@pytest.fixture(scope="module")
def tool():
    """The Panda's tool pose at JOINTS."""
    return load_model("panda", "tcp").tool(JOINTS)[0].copy()


def _start_with_model(rig, tool, **parameters):
    slow = {"pose_timeout": 2.0, "max_pose_age": 2.0, "clock_stall_seconds": 5.0, "joints_timeout": 60.0}
    node = rig.start(ArmCommandNode, **{**slow, **parameters})
    assert node.started, node.problems()
    arm = Arm(rig, node)
    arm.pose = tool.copy()
    arm.known()
    return arm


def _say_joints(arm, positions, names=None):
    names = [f"joint{i}" for i in range(1, 8)] if names is None else names
    before = arm.node._robot._positions._newest
    message = JointState(name=names, position=[float(q) for q in positions])

    def heard():
        arm.rig.publish("joint_states", message)
        return arm.node._robot._positions._newest is not before

    arm.spin_until(heard, "joint_states at the node")


def _refusal(arm):
    return arm.node.problems().get("chunk", "")


def test_a_chunk_that_the_arm_must_not_follow_is_refused_before_motion(rig, tool):
    arm = _start_with_model(rig, tool, robot_description="panda", max_joint_speed=[2.0])
    assert "7 joints" in arm.node.values["robot_model"]
    assert arm.enable().success
    _say_joints(arm, JOINTS)
    down = (0.0, 0.0, -(tool[2] - 0.004) / 1.6)  # ends with the fingertips 5 mm in the table, the TCP above it
    arm.chunk(velocity=down)
    arm.spin_until(lambda: "keep_out_planes[0]" in _refusal(arm), "the refusal")
    assert "frame" in _refusal(arm) and "finger" in _refusal(arm)
    assert not arm.plans and arm.state()[0] == "idle"
    np.testing.assert_allclose(arm.pose, tool, atol=1e-6)
    elsewhere = JOINTS + np.array([0.5, 0, 0, 0, 0, 0, 0])  # not where current_pose says
    arm.spin_until(lambda: _say_joints(arm, elsewhere) or arm.state()[0] == "faulted", "a fault")
    assert "current_pose" in arm.state()[1]
    arm.spin_until(lambda: _say_joints(arm, JOINTS) or arm.enable().success, "an arm enabled again")
    good = arm.chunk(velocity=(0.05, 0, 0))
    arm.spin_until(lambda: arm.plan_ids() == [good], "the plan of a good chunk")
    arm.spin_until(lambda: arm.pose[0] > tool[0] + 0.01, "motion")


def test_an_arm_without_description_says_so_and_keeps_its_tcp_out(rig, tool):
    box = [0.6, -0.3, 0.0, 0.9, 0.3, 0.9]
    arm = _start_with_model(rig, tool, keep_out_boxes=box)
    assert "only the TCP" in arm.node.values["robot_model"] and "robot_joints" not in arm.node.values
    assert arm.enable().success
    arm.chunk(velocity=(0.15, 0, 0))
    arm.spin_until(lambda: "keep_out_boxes[0]" in _refusal(arm), "the refusal")
    assert not arm.plans


@pytest.mark.parametrize(
    "wrong",
    [
        {"robot_description": "/nowhere/robot.urdf"},
        {"robot_description": "panda", "robot_tool": "flange_of_another"},
        {"robot_description": "panda", "max_joint_speed": [1.0, 1.0]},
        {"robot_description": "panda", "robot_home": [0.0] * 7},
        {"keep_out_planes": [0.0, 0.0, 1.0]},
    ],
)
def test_a_description_that_cannot_be_is_named_and_nothing_starts(rig, wrong):
    node = rig.start(ArmCommandNode, **wrong)
    assert not node.started
    name = list(wrong)[-1]
    assert any(name in problem for problem in node.problems().values()), node.problems()


def _sensors(arm, level, text):
    arm.rig.publish("sensor_check", DiagnosticStatus(level=level, name="sensors", message=text))


def test_a_doubtful_sensor_holds_the_arm_and_a_lasting_doubt_disables_it(arm):
    arm.enable()
    arm.chunk(velocity=(0.1, 0.0, 0.0))
    arm.spin_until(lambda: arm.state()[0] == "executing", "motion")
    seen_before = now_ns(arm.rig)
    _sensors(arm, DiagnosticStatus.WARN, "left/image_raw is torn")
    arm.spin_until(lambda: arm.state() == ("holding", "left/image_raw is torn"), "a hold")
    arm.chunk(stamp_ns=seen_before)  # of a picture before the doubt: it must not move the arm
    _sensors(arm, DiagnosticStatus.OK, "")
    good = arm.chunk()
    arm.spin_until(lambda: len(arm.plans) > 1, "a plan after the doubt")
    assert arm.plan_ids()[1:] == [good]
    _sensors(arm, DiagnosticStatus.ERROR, "left/image_raw is frozen")
    arm.spin_until(lambda: arm.state() == ("faulted", "left/image_raw is frozen"), "a fault")
    assert "frozen" in arm.enable().message
    _sensors(arm, DiagnosticStatus.OK, "")
    arm.spin_until(lambda: arm.enable().success, "enabled by a person again")


def test_approvals_of_what_was_answered_superseded_or_dropped_execute_nothing(rig):
    arm = start_arm(rig, require_approval=True, approval_timeout=60.0)
    states = rig.listen("arm_command/state")
    assert arm.enable().success
    arm.spin_until(lambda: not arm.node.executor_core.settling, "a hold")

    def refused(chunk_ns):
        before = len(states)
        rig.publish("arm_command/approve_id", UInt64(data=chunk_ns))
        arm.spin_until(
            lambda: any(f"{chunk_ns} refused" in v.value for m in states[before:] for v in m.values), "a refusal"
        )

    first = arm.chunk()
    arm.spin_until(lambda: arm.state()[0] == "proposed", "a proposal")
    assert arm.trigger("reject").success and not arm.trigger("reject").success
    refused(first)
    second = arm.chunk()
    arm.spin_until(lambda: arm.node.values["chunk_id"] == second, "the next proposal")
    refused(first)
    arm.trigger("stop")  # what waits is void
    refused(second)
    assert arm.enable().success
    arm.spin_until(lambda: not arm.node.executor_core.settling, "a hold")
    refused(second)
    np.testing.assert_allclose(arm.pose, DOWN, atol=1e-9)


NAMES = [f"joint{i}" for i in range(1, 8)]


def test_joint_states_that_contradict_the_pose_or_are_none_are_named(rig, tool):
    arm = start_arm(rig, robot_description="panda", joints_timeout=60.0)
    arm.pose = tool.copy()

    def say(names, positions):
        message = JointState(name=names, position=[float(q) for q in positions])
        said = repr((list(names), list(message.position)))
        arm.spin_until(lambda: rig.publish("joint_states", message) or heard[-1:] == [said], "joint_states")

    heard = []
    take = arm.node._robot._positions.take
    arm.node._robot._positions.take = lambda names, positions, steady_s: (
        heard.append(repr((list(names), list(positions)))),
        take(names, positions, steady_s),
    )
    say(NAMES, JOINTS)
    arm.known()
    good = lambda: not arm.node._refusal_to_enable()  # noqa: E731
    arm.spin_until(good, "an arm that may be enabled")
    for names, positions, words in (
        (NAMES, [], "0 positions"),
        (NAMES, JOINTS[:5], "5 positions"),
        (NAMES, JOINTS * [1, 1, 1, np.nan, 1, 1, 1], "not finite"),
        (NAMES, JOINTS + [0.5, 0, 0, 0, 0, 0, 0], "current_pose"),
        (NAMES, JOINTS * 100, "joint"),
    ):
        say(names, positions)
        assert words in arm.enable().message
        say(NAMES, JOINTS)
    order = [6, 0, 3, 1, 5, 2, 4]
    say([NAMES[i] for i in order] + ["finger"], [*JOINTS[order], 0.04])  # another order, one more joint
    say(["j" * 1000], [1.0])
    assert arm.enable().success
    arm.spin_until(lambda: not arm.node.executor_core.settling, "a hold")
    wrong = JointState(name=NAMES, position=[float(q) for q in JOINTS + [0.5, 0, 0, 0, 0, 0, 0]])
    arm.spin_until(lambda: rig.publish("joint_states", wrong) or arm.state()[0] == "faulted", "a fault")
    assert "joint_states" in arm.state()[1]


def test_the_urdf_of_the_topic_is_used_where_the_parameter_names_none_and_one_that_does_not_fit_is_named(rig, tool):
    arm = start_arm(rig, max_joint_speed=[2.0], joints_timeout=60.0)
    arm.pose = tool.copy()
    for wrong, words in (("<robot", "robot_description"), (cell_urdf("another_base"), "base_frame")):
        rig.publish("robot_description", String(data=wrong))
        arm.spin_until(lambda words=words: words in arm.node.problems().get("description", ""), "a complaint", 60.0)
        assert "only the TCP" in arm.node.values["robot_model"]
    rig.publish("robot_description", String(data=cell_urdf("base")))
    arm.spin_until(lambda: "7 joints" in arm.node.values["robot_model"], "the description", 60.0)
    assert "description" not in arm.node.problems()
    _say_joints(arm, JOINTS + np.array([0.5, 0, 0, 0, 0, 0, 0]))
    assert "current_pose" in arm.enable().message
    rig.publish("robot_description", String(data=cell_urdf("base") + "<!-- another -->"))
    arm.spin_until(lambda: "restart" in arm.node.problems().get("description", ""), "that it has changed")
