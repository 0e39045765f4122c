import numpy as np
import pytest

from action_images_ros.environments.servers.mocap_follower import LAG_STEPS, STEP_MOST_M, MocapFollower


class Drag:
    """A hand that a mocap body drags along as Meta-World's does: two lags, LAG_STEPS in all. wall: x it cannot pass."""

    def __init__(self, wall=np.inf, offset=(0.0, 0.0, 0.05)):
        self.tool, self.between = np.zeros(3), np.zeros(3)
        self.offset, self.wall = np.array(offset), wall
        self.mocap = self.offset.copy()

    def advance(self, move):
        self.mocap = self.mocap + move
        rate = 2 / (LAG_STEPS + 1)
        self.between += rate * (self.mocap - self.offset - self.between)
        self.tool = self.tool + rate * (self.between - self.tool)
        self.tool[0] = min(self.tool[0], self.wall)


def follow(drag, targets):
    follower = MocapFollower()
    follower.begin(drag.tool, drag.mocap)
    tools, moves = [], []
    for target in targets:
        moves.append(follower.step(np.array(target), drag.tool, drag.mocap))
        drag.advance(moves[-1])
        tools.append(drag.tool.copy())
    return np.array(tools), np.array(moves)


def ramp(steps, per_step, axis=0):
    targets = np.zeros((steps, 3))
    targets[:, axis] = per_step * np.arange(1, steps + 1)
    return targets


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_tool_at_the_experts_pace_is_not_left_behind(axis):
    targets = ramp(60, 0.8 * STEP_MOST_M, axis)
    tools, _ = follow(Drag(), targets)
    behind = np.linalg.norm(targets - tools, axis=1)
    assert behind[10:].max() < 0.008 and behind[40:].max() < 0.002  # the drag alone would leave it 28 mm behind


def test_it_stays_where_it_is_asked_to_stay_and_comes_to_rest_without_a_swing():
    tools, moves = follow(Drag(), [[0.0, 0.0, 0.0]] * 20)
    assert not tools.any() and not moves.any()
    tools, _ = follow(Drag(), [*ramp(20, 0.008), *[[0.16, 0.0, 0.0]] * 60])
    assert tools[:, 0].max() < 0.172 and abs(tools[-1, 0] - 0.16) < 0.001


def test_the_mocap_body_never_moves_faster_than_an_action_of_one():
    _, moves = follow(Drag(), ramp(40, 0.03))
    assert np.abs(moves).max() <= STEP_MOST_M


def test_a_blocked_tool_is_pushed_ever_harder():
    drag = Drag(wall=0.02)
    follow(drag, ramp(60, 0.004))
    assert drag.mocap[0] - drag.tool[0] > 0.24  # past the target, 0.24 m: the hand pulls at what blocks it


def test_what_an_axis_could_not_follow_is_not_overdone_later():
    targets = [*ramp(20, 0.02), *[[0.4, 0.0, 0.0]] * 80]  # twice as fast as the mocap body can
    tools, _ = follow(Drag(), targets)
    assert tools[:, 0].max() < 0.43 and abs(tools[-1, 0] - 0.4) < 0.002


def test_the_path_is_begun_anew_after_something_else_moved_the_hand():
    follower = MocapFollower()
    follower.begin(np.zeros(3), np.zeros(3))
    follower.step(np.array([0.2, 0.0, 0.0]), np.zeros(3), np.zeros(3))
    follower.end()
    assert follower.target is None
    follower.begin(np.ones(3), np.ones(3))
    assert not follower.step(np.ones(3), np.ones(3), np.ones(3)).any()
