"""Messages and calls that nobody means: each is named, none moves the arm, and the next good chunk does.

The cases of a kind share one node and one arm: a case costs milliseconds.
"""

import numpy as np
import pytest
import rclpy
from arm_rig import messages, start_arm
from control_rig import changed, make_chunk
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from ros_rig import DOWN, Rig, now_ns
from std_srvs.srv import SetBool, Trigger

from action_images_ros.ros.conversions import pose_stamped, stamp_from_ns

SECOND = 1_000_000_000
START = DOWN[:3]


@pytest.fixture(scope="module")
def shared(ros_context):
    """An arm that the cases of this file share; its limits of age are the node's own."""
    rig = Rig(ros_context)
    yield start_arm(rig, require_approval=False)
    rig.close()


@pytest.fixture
def arm(shared):
    """The shared arm, enabled and held."""
    shared.silent = False
    shared.known()
    shared.spin_until(lambda: not shared.node._refusal_to_enable(), "an arm that may be enabled")
    assert shared.enable().success
    shared.spin_until(lambda: not shared.node.executor_core.settling, "a hold")
    return shared


def _set(part, **fields):
    def spoil(parts):
        for name, value in fields.items():
            setattr(parts[part], name, value)

    return spoil


def _stamped(seconds):
    def spoil(parts):
        for message in parts.values():
            at = message.header.stamp
            ns = max(at.sec * SECOND + at.nanosec + round(seconds * SECOND), 0)
            message.header.stamp = stamp_from_ns(ns)

    return spoil


def _point(part, index, change):
    return lambda parts: change(parts[part].points[index])


def _tool(index, **fields):
    """Components of the pose of a frame: x y z of the position, qx qy qz qw."""

    def spoil(parts):
        transform = parts["poses"].points[index].transforms[0]
        for name, value in fields.items():
            setattr(transform.rotation if name[0] == "q" else transform.translation, name[-1], value)

    return spoil


def _openness(value):
    return lambda parts: [setattr(point, "positions", [value]) for point in parts["gripper"].points]


def _rows(**fields):
    """Other values of the confidence of every frame."""
    from action_images_ros.interfaces.chunk import CONFIDENCE

    def spoil(parts):
        rows = np.frombuffer(bytes(parts["confidence"].data), CONFIDENCE).copy()
        for name, value in fields.items():
            rows[name] = value
        parts["confidence"].data = rows.tobytes()

    return spoil


INF, NAN = float("inf"), float("nan")
BAD_CHUNKS = {
    "poses in another frame": (lambda p: setattr(p["poses"].header, "frame_id", "flange"), "frame"),
    "gripper in another frame": (lambda p: setattr(p["gripper"].header, "frame_id", "world"), "frame"),
    "confidence in no frame": (lambda p: setattr(p["confidence"].header, "frame_id", ""), "frame"),
    "poses of another joint": (_set("poses", joint_names=["flange"]), "joint"),
    "gripper of another joint": (_set("gripper", joint_names=["tool"]), "joint"),
    "no time": (_stamped(-1e12), "stale"),
    "10 s ago": (_stamped(-10.0), "stale"),
    "5 s ahead": (_stamped(5.0), "future"),
    "infinite position": (_tool(3, x=INF), "frame 3"),
    "NaN position": (_tool(0, z=NAN), "frame 0"),
    "zero quaternion": (_tool(5, qx=0.0, qy=0.0, qz=0.0, qw=0.0), "quaternion"),
    "quaternion of length 2": (_tool(5, qx=2.0), "quaternion"),
    "infinite quaternion": (_tool(5, qw=INF), "frame 5"),
    "openness -1": (_openness(-1.0), "openness"),
    "openness 2": (_openness(2.0), "openness"),
    "openness NaN": (_openness(NAN), "NaN"),
    "openness infinite": (_openness(INF), "infinity"),
    "no openness": (_point("gripper", 2, lambda p: setattr(p, "positions", [])), "frame 2"),
    "two openings": (_point("gripper", 2, lambda p: setattr(p, "positions", [1.0, 1.0])), "frame 2"),
    "no transform": (_point("poses", 4, lambda p: setattr(p, "transforms", [])), "frame 4"),
    "no frames": (_set("poses", points=[]), "0 frames"),
    "fewer openings": (lambda p: p["gripper"].points.pop(), "frames"),
    "time runs back": (_point("poses", 3, lambda p: setattr(p.time_from_start, "sec", -1)), "frame 3"),
    "unequal times": (_point("gripper", 3, lambda p: setattr(p.time_from_start, "nanosec", 1)), "frame 3"),
    "confidence of other fields": (_set("confidence", fields=[]), "fields"),
    "confidence big-endian": (_set("confidence", is_bigendian=True), "confidence"),
    "confidence of an absurd size": (_set("confidence", width=2**31), "confidence"),
    "confidence without data": (_set("confidence", data=b""), "confidence"),
    "certain of nothing": (_rows(sigma_position=INF), "certain"),
    "confidence NaN": (_rows(sigma_rotation=NAN), "certain"),
    "nothing valid": (_rows(valid=0), "valid"),
}


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_a_chunk_that_nobody_means_is_named_and_moves_nothing(arm, name):
    spoil, words = BAD_CHUNKS[name]
    arm.node.solved("chunk")
    parts = messages(make_chunk(now_ns(arm.rig), start=arm.pose[:3], velocity=(0.0, 0.03, 0.0)))
    spoil(parts)
    before = arm.pose.copy()
    for part, message in parts.items():
        arm.rig.publish(f"chunk/{part}", message)
    arm.spin_until(lambda: words in arm.node.problems().get("chunk", ""), f"a refusal that says {words!r}")
    assert arm.state()[0] in ("idle", "holding")
    np.testing.assert_allclose(arm.pose, before, atol=1e-9)


def test_after_all_that_a_good_chunk_moves_the_arm_also_with_antipodes_and_long_names(arm):
    chunk = make_chunk(now_ns(arm.rig), start=arm.pose[:3], velocity=(0.0, 0.05, 0.0))
    poses = chunk.poses.copy()
    poses[1::2, 3:] *= -1
    arm.known()
    before = arm.pose.copy()
    for part, message in messages(changed(chunk, poses=poses, stamp_ns=now_ns(arm.rig))).items():
        arm.rig.publish(f"chunk/{part}", message)
    arm.spin_until(lambda: arm.pose[1] > before[1] + 0.02, "motion")
    np.testing.assert_allclose(np.abs(arm.pose[3:]), np.abs(DOWN[3:]), atol=1e-6)


def test_a_chunk_said_again_is_executed_once(arm):
    arm.known()
    executed = arm.node.values.get("chunks_executed", 0)
    parts = messages(make_chunk(now_ns(arm.rig), start=arm.pose[:3], velocity=(0.0, -0.02, 0.0)))
    for _ in range(5):
        for part, message in parts.items():
            arm.rig.publish(f"chunk/{part}", message)
    good = arm.chunk(velocity=(0.0, -0.02, 0.0))
    arm.spin_until(lambda: arm.plan_ids() and arm.plan_ids()[-1] == good, "the plan of the next one")
    assert arm.node.values["chunks_executed"] == executed + 2


def _framed(name):
    return lambda message: setattr(message.header, "frame_id", name)


def _placed(**fields):
    def spoil(message):
        for name, value in fields.items():
            setattr(message.pose.orientation if name[0] == "q" else message.pose.position, name[-1], value)

    return spoil


def _aged(seconds):
    def spoil(message):
        at = message.header.stamp
        message.header.stamp = stamp_from_ns(max(at.sec * SECOND + at.nanosec + round(seconds * SECOND), 0))

    return spoil


BAD_POSES = {
    "in another frame": (_framed("flange"), "flange"),
    "in no frame": (_framed(""), "frame"),
    "NaN": (_placed(x=NAN), "current_pose"),
    "infinite": (_placed(z=-INF), "current_pose"),
    "in millimetres": (_placed(x=450.0, y=50.0, z=300.0), "current_pose"),
    "zero quaternion": (_placed(qx=0.0), "quaternion"),
    "quaternion of length 2": (_placed(qx=2.0), "quaternion"),
    "without a stamp": (_aged(-1e12), "current_pose is"),
    "10 s old": (_aged(-10.0), "current_pose is"),
    "10 s ahead": (_aged(10.0), "future"),
    "elsewhere": (_placed(x=0.3, y=0.3), "jumped"),
}


@pytest.mark.parametrize("name", BAD_POSES)
def test_one_pose_that_nobody_means_is_a_fault_that_names_it(arm, name):
    spoil, words = BAD_POSES[name]
    message = pose_stamped(arm.pose, now_ns(arm.rig), "base")
    spoil(message)

    def faulted():
        arm.rig.publish("current_pose", message)
        return arm.state()[0] == "faulted"

    arm.spin_until(faulted, "a fault")
    assert words in arm.state()[1]
    if name != "elsewhere":  # while it is the newest the arm is not enabled
        arm.spin_until(
            lambda: arm.rig.publish("current_pose", message) or arm.node._refusal_to_enable(), "a refusal to enable"
        )


def test_a_huge_message_is_refused_unread_and_what_follows_is_read(arm):
    from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

    long_frame = pose_stamped(arm.pose, now_ns(arm.rig), "base")
    long_frame.header.frame_id = "base" * 10_000
    many = DiagnosticStatus(level=DiagnosticStatus.ERROR, message="x", values=[KeyValue(key="k" * 50)] * 5000)
    for topic, message in (("current_pose", long_frame), ("robot_check", many), ("sensor_check", many)):
        arm.silent = topic == "current_pose"  # the next good one would end the complaint
        arm.spin_until(
            lambda topic=topic, message=message: (
                arm.rig.publish(topic, message) or f"size of {topic}" in arm.node.problems()
            ),
            "a complaint of its size",
        )
        arm.silent = False
    assert arm.state()[0] in ("idle", "holding")
    for topic in ("robot_check", "sensor_check"):
        arm.rig.publish(topic, DiagnosticStatus())
    arm.spin_until(lambda: not any("size of" in key for key in arm.node.problems()), "the next messages")


def test_stop_and_enable_are_answered_while_every_other_callback_waits(arm):
    user = rclpy.create_node("impatient_user", context=arm.rig.context, namespace="cell")
    alone = SingleThreadedExecutor(context=arm.rig.context)  # the node under test is spun by nobody meanwhile
    alone.add_node(user)
    for kind, name, request, state in (
        (Trigger, "stop", Trigger.Request(), "stopped"),
        (SetBool, "enable", SetBool.Request(data=False), "disabled"),
    ):
        client = user.create_client(kind, f"arm_command/{name}")
        assert client.wait_for_service(60.0)
        answer = client.call_async(request)
        alone.spin_until_future_complete(answer, timeout_sec=60.0)
        assert answer.done() and answer.result().success
        assert arm.node.executor_core.state == state
    alone.shutdown()
    user.destroy_node()


def _call(arm, *calls):
    """Make calls one after the other without a pause; their answers."""
    return [arm.enable(call == "enable") if "able" in call else arm.trigger(call) for call in calls]


def test_what_people_call_at_the_same_time_or_twice_ends_in_the_state_of_the_last_call(arm):
    assert all(answer.success for answer in _call(arm, "enable", "enable"))
    assert all(answer.success for answer in _call(arm, "stop", "stop"))
    arm.spin_until(lambda: arm.state()[0] == "stopped", "a stop")
    _call(arm, "disable", "disable", "stop")
    arm.spin_until(lambda: arm.state()[0] == "disabled", "a stop of a disabled arm that changes nothing")
    _call(arm, "enable", "disable", "enable")
    arm.spin_until(lambda: arm.state()[0] in ("idle", "holding"), "a hold")
    two = [arm.rig.probe.create_client(SetBool, "arm_command/enable") for _ in range(2)]
    arm.spin_until(lambda: all(client.service_is_ready() for client in two), "two callers")
    answers = [client.call_async(SetBool.Request(data=True)) for client in two]
    arm.spin_until(lambda: all(answer.done() for answer in answers), "both answers")
    assert all(answer.result().success for answer in answers)
    for client in two:
        arm.rig.probe.destroy_client(client)


def test_calls_while_the_arm_moves_and_brakes_never_let_it_jump(arm):
    arm.targets.clear()
    begin = arm.pose[1]
    arm.chunk(velocity=(0.0, 0.1, 0.0))
    arm.spin_until(lambda: arm.pose[1] > begin + 0.02, "motion")
    _call(arm, "enable")  # again: it goes on
    assert arm.state()[0] == "executing"
    _call(arm, "disable", "stop", "enable", "disable", "enable")
    arm.spin_until(lambda: arm.state()[0] in ("idle", "holding") and not arm.node.executor_core.settling, "a hold")
    assert arm.speeds().max() < 0.25 * 1.05


def test_limits_set_in_motion_act_after_the_arm_has_braked(arm):
    arm.targets.clear()
    side = -np.sign(arm.pose[1] - START[1]) or 1.0
    begin = arm.pose[1]
    arm.chunk(velocity=(0.0, 0.2 * side, 0.0))
    arm.spin_until(lambda: abs(arm.pose[1] - begin) > 0.03, "motion")
    arm.node.set_parameters([Parameter("max_linear_speed", value=0.05)])
    arm.spin_until(lambda: arm.node.executor_core.limits.max_linear_speed == 0.05, "the new limit")
    speeds = arm.speeds()
    assert speeds[-1] < 1e-3 and speeds.max() < 0.25 * 1.05
    arm.node.set_parameters([Parameter("max_linear_speed", value=0.25)])
    arm.spin_until(lambda: arm.node.executor_core.limits.max_linear_speed == 0.25, "the old limit")


def test_a_new_scene_just_after_enabling_is_where_the_arm_is_held(arm):
    arm.enable(False)
    arm.spin_until(lambda: arm.node.executor_core.resting, "rest")
    for _ in range(3):
        arm.known()  # the last command has come
    arm.targets.clear()
    assert arm.enable().success
    arm.pose = np.concatenate([[0.6, -0.1, 0.4], DOWN[3:]])  # the arm stands elsewhere at once
    arm.spin_until(lambda: not arm.node.executor_core.settling, "a hold")
    assert arm.state()[0] == "idle"
    np.testing.assert_allclose([m.pose.position.x for m in arm.targets], 0.6)
    arm.enable(False)
    arm.pose = DOWN.copy()
    arm.known()
