import numpy as np
import pytest
from control_rig import DOWN, make_chunk

from action_images_ros.control.executor import ChunkExecutor
from action_images_ros.control.settings import Limits
from action_images_ros.evaluation.rollout import RolloutSettings, roll_out


class PointCell:
    """A tool that is always where it was told to be; success is reaching x = goal."""

    control_period = 0.02
    commanded_openness = 1.0

    def __init__(self, goal=0.8):
        self.time_ns, self.goal = 0, goal
        self.tcp_pose = np.array([0.5, 0, 0.3, *DOWN])

    def step(self, pose, openness, seconds):
        self.tcp_pose = np.array(pose)
        self.time_ns += round(seconds * 1e9)

    def success(self):
        return self.tcp_pose[0] >= self.goal

    def took_wrong_object(self):
        return False


class Forward:
    """Chunks that go on along x from wherever the tool is."""

    dt = 0.2

    def __init__(self, **arguments):
        self.arguments, self.stamps, self.moves = arguments, [], []

    def __call__(self, cell):
        self.stamps.append(cell.time_ns)
        return make_chunk(stamp_ns=cell.time_ns, start=cell.tcp_pose[:3], **self.arguments)

    def moved(self, pose, openness, seconds):
        self.moves.append(pose)


def run(source, cell=None, **settings):
    cell = cell or PointCell()
    executor = ChunkExecutor(Limits((0, -1, 0), (2, 1, 1)), steady_clock=lambda: 0.0)
    return cell, roll_out(cell, source, executor, RolloutSettings(**settings))


def test_an_observation_is_taken_every_execute_steps_frames():
    source = Forward(velocity=(0.1, 0, 0))
    _, result = run(source, execute_steps=4)
    assert result.success and result.chunks == len(source.stamps) == 4
    np.testing.assert_allclose(np.diff(source.stamps), 0.8e9)
    assert result.seconds == pytest.approx(3.0, abs=0.3) and result.steps == round(result.seconds / 0.02)


def test_with_latency_the_last_chunk_is_executed_until_the_next_one_is_there():
    _, instant = run(Forward(velocity=(0.1, 0, 0)), execute_steps=4)
    cell, late = run(Forward(velocity=(0.1, 0, 0)), execute_steps=4, latency_seconds=0.6)
    assert late.success
    assert late.hold_seconds == pytest.approx(0.6, abs=0.03)  # only the wait for the first chunk
    assert late.seconds - instant.seconds < 0.9


def test_an_episode_ends_at_its_time_limit_without_success():
    _, result = run(Forward(velocity=(0, 0, 0)), time_limit=2.0)
    assert not result.success and result.seconds == pytest.approx(2.0)


def test_refused_chunks_are_counted_and_the_arm_stays():
    source = Forward(velocity=(0.1, 0, 0), sigma=1.0)
    cell, result = run(source, time_limit=2.0)
    assert result.rejected == result.chunks > 0 and "valid" in result.last_reason
    assert cell.tcp_pose[0] == 0.5 and result.hold_seconds == pytest.approx(2.0)


def test_the_source_is_told_every_command():
    source = Forward(velocity=(0.1, 0, 0))
    _, result = run(source)
    assert len(source.moves) == result.steps


@pytest.mark.parametrize(
    "arguments, name",
    [
        ({"execute_steps": 0}, "execute_steps"),
        ({"latency_seconds": -1.0}, "latency_seconds"),
        ({"time_limit": float("nan")}, "time_limit"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=name):
        RolloutSettings(**arguments)
