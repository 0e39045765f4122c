import numpy as np
import pytest
from control_rig import START, make_chunk

from action_images_ros.control.chunk_check import KeepOuts, LimitExceeded, TcpCheck
from action_images_ros.control.executor import ChunkExecutor, ChunkRejected
from action_images_ros.control.settings import RobotSettings


def test_without_a_description_the_tcp_keeps_out_of_boxes_and_planes():
    box = (0.6, -0.1, 0.2, 0.8, 0.1, 0.4)
    check = TcpCheck(RobotSettings(keep_out_boxes=box))
    forward = make_chunk(velocity=(0.1, 0, 0))
    with pytest.raises(LimitExceeded) as caught:
        check.checked(forward, None, None)
    assert (caught.value.kind, caught.value.link, caught.value.other) == ("keep_out", "TCP", "keep_out_boxes[0]")
    assert caught.value.frame == 6 and caught.value.distance == pytest.approx(-0.02)
    with pytest.raises(LimitExceeded) as caught:
        check.checked(make_chunk(velocity=(0, 0, -0.2)), None, None)
    assert caught.value.other == "keep_out_planes[0]" and caught.value.frame == 8
    beside = make_chunk(velocity=(0, 0.1, 0))
    assert check.checked(beside, None, None) is beside


def test_distances_of_points_to_keep_outs():
    keep_outs = KeepOuts(RobotSettings(keep_out_boxes=(0, 0, 0, 1, 1, 1), keep_out_planes=(0, 0, 2.0, 0.2)))
    found = keep_outs.of_points(np.array([[0.5, 0.5, 0.9], [2, 2, 0.5], [0.5, 0.5, -1.0]]))
    np.testing.assert_allclose(found, [[-0.1, 0.8], [np.sqrt(2), 0.4], [1.0, -1.1]], atol=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        {"keep_out_boxes": (0, 0, 0, 1, 1)},
        {"keep_out_boxes": (0, 0, 1, 1, 1, 0)},
        {"keep_out_planes": (0, 0, 0, 1)},
        {"keep_out_planes": (0, 0, float("nan"), 1)},
        {"max_joint_speed": (1.0, -1.0)},
        {"max_slow_down": 0.5},
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RobotSettings(**wrong)


class Check:
    """Gives back what it is told to, and keeps what it was given."""

    joints = ("a", "b")

    def __init__(self):
        self.answer, self.given = (lambda chunk: chunk), []

    def checked(self, chunk, positions, pose):
        self.given.append((positions, pose))
        return self.answer(chunk)


def test_the_executor_asks_its_check_before_it_takes_a_chunk(limits):
    from control_rig import Arm

    check = Check()
    arm = Arm(lambda clock: ChunkExecutor(limits, check=check, steady_clock=clock))
    arm.executor.enable()
    arm.run(0.5)
    joints = np.array([1.0, 2.0])

    def refuse(chunk):
        raise LimitExceeded("frame 3: too near", "contact", 3, "hand", "link5", -0.01)

    def break_down(chunk):
        raise ZeroDivisionError("a bug")

    for answer in (refuse, break_down):
        check.answer = answer
        with pytest.raises(ChunkRejected):
            arm.executor.add(make_chunk(arm.times[-1]), arm.now_ns, joints)
        assert arm.run(0.5).state == "idle"
    np.testing.assert_array_equal(arm.pose, START)
    positions, pose = check.given[-1]
    assert positions is joints
    np.testing.assert_allclose(pose, START)
    check.answer = lambda chunk: chunk.truncated(5)
    assert arm.executor.add(make_chunk(arm.times[-1]), arm.now_ns, joints) == 5
    assert arm.executor.slowed == 1 and arm.run(0.2).state == "executing"


def test_a_chunk_whose_check_ended_after_a_stop_is_not_taken(limits):
    from control_rig import Arm

    arm = Arm(lambda clock: ChunkExecutor(limits, check=Check(), steady_clock=clock))
    arm.executor.enable()
    arm.run(0.5)
    good = arm.executor.judged(make_chunk(arm.times[-1]), arm.now_ns)
    arm.executor.stop()
    with pytest.raises(ChunkRejected):
        arm.executor.take(good)
