import numpy as np
import pytest
from point_mass import PointMass

from action_images_ros.environments.child import BenchmarkNotInstalledError, benchmarks_python
from action_images_ros.environments.demonstrate import FRAMES_AFTER_SUCCESS, demonstrate
from action_images_ros.environments.metaworld import BASE_FROM_WORLD, DT_S, MT10, TASKS, VIEWS, MetaWorldEnvironment
from action_images_ros.environments.protocol import Environment
from action_images_ros.geometry.camera import project


def installed():
    try:
        return benchmarks_python("metaworld").is_file()
    except BenchmarkNotInstalledError:
        return False


@pytest.fixture
def environment():
    return MetaWorldEnvironment("push-v3", 3, child=PointMass())


def test_the_table_holds_the_fifty_tasks_in_lerobots_groups():
    groups = [task.group for task in TASKS.values()]
    assert len(TASKS) == 50 and set(MT10) <= set(TASKS) and len(MT10) == 10
    assert {g: groups.count(g) for g in groups} == {"easy": 28, "medium": 11, "hard": 6, "very_hard": 5}
    assert all(task.efforts[0] <= task.efforts[1] and task.instruction for task in TASKS.values())


@pytest.mark.parametrize("name", TASKS)
def test_openness_and_effort_lead_back_to_each_other(name):
    task = TASKS[name]
    for effort in task.efforts:
        assert task.effort(task.openness(effort)) == effort


def test_views_see_the_middle_of_the_table_upright(environment):
    target = BASE_FROM_WORLD @ [*VIEWS[0].target, 1.0]
    points = np.stack([target[:3], target[:3] + [0, 0, 0.1]])
    for K, pose in zip(environment.K, environment.world_from_camera, strict=True):
        uv, depth = project(points, K, pose)
        np.testing.assert_allclose(uv[0], [47.5, 47.5], atol=1e-6)
        assert (depth > 0).all() and uv[1, 1] < uv[0, 1]


def test_it_is_an_environment_in_the_base_frame(environment):
    assert isinstance(environment, Environment)
    begin = environment.tcp_pose
    np.testing.assert_allclose(begin[:3], [0.6, 0.0, 0.2], atol=1e-9)  # x forward of the robot
    environment.step(begin + [0.05, 0, 0, 0, 0, 0, 0], 1.0, 0.125)
    np.testing.assert_allclose(environment.tcp_pose[:3], [0.65, 0.0, 0.2], atol=1e-9)
    assert environment.time_ns == 125_000_000 and environment.commanded_openness == 1.0


def test_a_reset_gives_the_seeds_scene_again(environment):
    first = environment.render()
    environment.step_expert(20)
    environment.reset(4)
    assert environment.time_ns == 0 and not environment.success() and environment.seed == 4
    assert not np.array_equal(environment.render(), first)
    environment.reset(3)
    np.testing.assert_array_equal(environment.render(), first)


@pytest.mark.parametrize(
    "pose, openness, seconds, words",
    [
        ([np.nan] * 7, 1.0, 0.05, "target_pose7"),
        ([0.0] * 6, 1.0, 0.05, "target_pose7"),
        ([0.6, 0, 0.2, 0, 0, 0, 1], 1.5, 0.05, "openness is 1.5"),
        ([0.6, 0, 0.2, 0, 0, 0, 1], 1.0, 0.02, "seconds is 0.02"),
        ([0.6, 0, 0.2, 0, 0, 0, 1], 1.0, 0.0, "seconds is 0.0"),
    ],
)
def test_bad_commands_are_refused(environment, pose, openness, seconds, words):
    with pytest.raises(ValueError, match=words):
        environment.step(pose, openness, seconds)


def test_an_experts_demonstration_goes_on_for_a_chunk_after_success(environment):
    episode = demonstrate(environment, 7, dt=DT_S)
    assert episode.success and episode.dt == DT_S and episode.task == "push-v3" and not episode.openness.any()
    again = demonstrate(environment, 7, dt=DT_S, images=False)
    np.testing.assert_array_equal(again.poses, episode.poses)
    assert not again.images.any() and episode.images.any()
    still = np.linalg.norm(np.diff(episode.poses[:, :3], axis=0), axis=1) < 1e-9
    assert still[-FRAMES_AFTER_SUCCESS + 2 :].all()


def test_what_leads_the_tool_is_not_recorded_and_may_leave_nothing_to_record(environment):
    def lead(led):
        led.step_expert(8)
        return True

    whole, led = demonstrate(environment, 7, dt=DT_S), demonstrate(environment, 7, dt=DT_S, before=lead)
    assert led.perturbed and led.success and led.frames == whole.frames - 2
    np.testing.assert_allclose(led.poses[0], whole.poses[2])
    nothing = demonstrate(environment, 7, dt=DT_S, before=lambda led: False)
    assert not nothing.success and nothing.frames == 1


@pytest.mark.skipif(not installed(), reason="make benchmarks")
def test_the_benchmark_itself_gives_lerobots_scenes_and_its_expert_succeeds():
    with MetaWorldEnvironment("reach-v3", 1000) as environment:
        begin, images = environment.tcp_pose, environment.render()
        assert images.shape == (2, 96, 96, 3) and images.std() > 20
        episode = demonstrate(environment, 1000, dt=DT_S, images=False)
        assert episode.success and np.linalg.norm(episode.poses[-1, :3] - begin[:3]) > 0.1
        environment.reset(1000)
        np.testing.assert_array_equal(environment.tcp_pose, begin)
        np.testing.assert_array_equal(environment.render(), images)
