import numpy as np
import pytest
from control_rig import SECOND, START, changed, make_chunk

from action_images_ros.control.motion_limits import Motion
from action_images_ros.control.splice import ChunkPath

STEP = 1_000_000


def sampled(path, begin_ns, end_ns):
    return np.array([path.at(time_ns)[0] for time_ns in range(begin_ns, end_ns, STEP)])


@pytest.mark.parametrize("alignment", ["stamp", "nearest"])
def test_the_path_begins_at_the_commanded_pose_and_velocity(limits, alignment):
    motion = Motion(START + [0.02, -0.01, 0, 0, 0, 0, 0], velocity=np.array([0.1, 0.2, 0, 0, 0, 0]))
    path = ChunkPath(make_chunk(velocity=(0, 0, 0.1)), motion, SECOND // 2, limits, 0.3, alignment)
    poses = sampled(path, SECOND // 2, SECOND // 2 + 3 * STEP)
    np.testing.assert_allclose(poses[0], motion.pose, atol=1e-9)
    np.testing.assert_allclose(np.diff(poses[:, :3], axis=0)[0] / 1e-3, motion.linear, atol=5e-3)


def test_the_path_joins_the_chunk_when_the_splice_is_over(limits):
    chunk = make_chunk(velocity=(0, 0, 0.1), turn=(0.2, 0, 0))
    path = ChunkPath(chunk, Motion(START + [0.005, 0, 0, 0, 0, 0, 0]), 0, limits, 0.3, "stamp")
    np.testing.assert_allclose(path.at(SECOND)[0], chunk.sample(SECOND)[0], atol=1e-9)


def test_velocity_has_no_jump_anywhere_along_the_path(limits):
    chunk = make_chunk(velocity=(0.15, 0, 0.1))
    motion = Motion(START + [0.03, 0.02, 0, 0, 0, 0, 0], velocity=np.array([-0.2, 0, 0, 0, 0, 0]))
    path = ChunkPath(chunk, motion, SECOND // 10, limits, 0.3, "stamp")
    velocity = np.diff(sampled(path, SECOND // 10, 3 * SECOND)[:, :3], axis=0) / 1e-3
    assert np.linalg.norm(np.diff(velocity, axis=0), axis=1).max() < 0.01
    np.testing.assert_allclose(velocity[-1], 0, atol=1e-9)


def test_a_large_offset_is_given_the_time_its_speed_limit_asks_for(limits):
    path = ChunkPath(make_chunk(velocity=(0, 0, 0)), Motion(START + [0.2, 0, 0, 0, 0, 0, 0]), 0, limits, 0.3, "stamp")
    speeds = np.linalg.norm(np.diff(sampled(path, 0, 3 * SECOND)[:, :3], axis=0), axis=1) / 1e-3
    assert speeds.max() <= limits.max_linear_speed


def test_nearest_starts_at_the_moment_of_the_chunk_where_the_arm_is(limits):
    chunk = make_chunk(velocity=(0.2, 0, 0))
    for begin in (0.0, 0.4, 0.8):
        motion = Motion(START + [0.2 * begin, 0, 0, 0, 0, 0, 0])
        path = ChunkPath(chunk, motion, SECOND, limits, 0.3, "nearest")
        assert path.shift_ns * 1e-9 == pytest.approx(1.0 - begin, abs=0.03)


def test_nearest_prefers_the_chunks_own_time_while_the_arm_is_meant_to_wait(limits):
    path = ChunkPath(make_chunk(velocity=(0, 0, 0)), Motion(START.copy()), SECOND, limits, 0.3, "nearest")
    assert path.shift_ns == 0


def test_nearest_leads_no_further_than_allowed(limits):
    motion = Motion(START + [0.2, 0, 0, 0, 0, 0, 0])
    path = ChunkPath(make_chunk(velocity=(0.2, 0, 0)), motion, SECOND // 5, limits, 0.3, "nearest", 0.2)
    assert path.shift_ns == -SECOND // 5


def test_a_path_is_finished_only_at_rest_on_its_last_pose(limits):
    chunk = make_chunk(velocity=(0.2, 0, 0))
    path = ChunkPath(chunk, Motion(START.copy()), 0, limits, 0.3, "stamp")
    assert not path.finished(chunk.end_ns)
    end_ns = chunk.end_ns + 3 * SECOND // 10
    assert path.finished(end_ns)
    poses = sampled(path, 0, end_ns)
    assert np.all(np.diff(poses[:, 0]) >= -1e-12)
    np.testing.assert_allclose(poses[-1], chunk.poses[-1], atol=1e-6)


def test_openness_keeps_the_time_of_the_pose_it_belongs_to(limits):
    chunk = changed(make_chunk(velocity=(0.2, 0, 0)), openness=np.array([1, 1, 1, 1, 0, 0, 0, 0, 0.0]))
    path = ChunkPath(chunk, Motion(START.copy()), SECOND, limits, 0.3, "nearest")
    closing = next(t for t in range(SECOND, 4 * SECOND, STEP) if path.at(t)[1] < 0.4)
    assert (closing - SECOND) * 1e-9 == pytest.approx(0.8, abs=0.03)
