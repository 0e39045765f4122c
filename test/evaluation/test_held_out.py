import numpy as np
import pytest
from motions import SIZE, STEP, falling

from action_images_ros.data.episode import append_index, save_episode
from action_images_ros.evaluation.held_out import as_clips, made_episodes, recorded_episodes, windows_of
from action_images_ros.geometry.camera import project


def folder_of(path, seeds):
    for seed in seeds:
        episode = falling(seed)
        file = save_episode(path, episode).name
        append_index(path, {"file": file, "task": episode.task, "seed": seed})
    return path


def test_windows_cover_every_frame_and_are_whole():
    for frames, starts in ((9, [0]), (11, [0, 2]), (17, [0, 8]), (20, [0, 8, 11])):
        windows = windows_of(falling(frames=frames), 9, 0.2, SIZE)
        assert [w.start for w in windows] == starts
        assert all(w.images.shape == (2, 9, *SIZE, 3) and len(w.poses) == 9 for w in windows)
    assert windows_of(falling(frames=8), 9, 0.2, SIZE) == []


def test_far_windows_are_those_that_travel():
    assert windows_of(falling(), 9, 0.2, SIZE)[0].far == (8 * STEP > 0.10)
    still = falling()
    still.poses[:] = still.poses[0]
    assert not windows_of(still, 9, 0.2, SIZE)[0].far


def test_pictures_of_another_size_take_their_cameras_along():
    episode = falling()
    small, same = (windows_of(episode, 9, 0.2, size)[0] for size in ((32, 32), SIZE))
    assert small.images.shape == (2, 9, 32, 32, 3)
    points = [project(w.poses[0, :3], w.K[0], w.world_from_camera[0])[0] for w in (small, same)]
    np.testing.assert_allclose((points[0] + 0.5) * 1.5, points[1] + 0.5)


@pytest.mark.parametrize("dt, words", [(0.1, "dt is 0.2 s")])
def test_another_rate_is_refused(dt, words):
    with pytest.raises(ValueError, match=words):
        windows_of(falling(), 9, dt, SIZE)


def test_one_camera_is_not_enough():
    episode = falling()
    episode.K = episode.K[:1]
    with pytest.raises(ValueError, match="has 1 camera"):
        windows_of(episode, 9, 0.2, SIZE)


def test_clips_of_windows_hide_the_pose_where_it_is_not_known():
    windows = windows_of(falling(), 9, 0.2, SIZE)
    assert as_clips(windows).poses.shape == (2, 9, 7)
    assert as_clips(windows, known_pose=False).poses is None


def test_of_a_training_folder_only_what_training_held_out_is_taken(tmp_path):
    from action_images_ros.data.episode import load_episodes
    from action_images_ros.data.holdout import split_episodes

    folder = folder_of(tmp_path, range(1_000_000, 1_000_008))
    seeds = [e.seed for e in recorded_episodes(folder, ["reach_target"], 50, 0.25)]
    assert seeds == [e.seed for e in split_episodes(load_episodes(folder), 0.25)[1]]
    assert len(seeds) == 2


def test_of_any_other_folder_all_episodes_are_taken_up_to_the_limit(tmp_path):
    folder = folder_of(tmp_path, range(5))
    assert len(recorded_episodes(folder, ["reach_target"], 50, 0.25)) == 5
    assert len(recorded_episodes(folder, ["reach_target"], 3, 0.25)) == 3
    with pytest.raises(ValueError, match="lift_block"):
        recorded_episodes(folder, ["lift_block"], 3, 0.25)


def test_demonstrations_are_never_made_for_seeds_of_training():
    with pytest.raises(ValueError, match="where training begins"):
        next(made_episodes(["reach_target"], 999_999, 2, 0.2, SIZE))


def test_demonstrations_are_made_at_the_models_size():
    (episode,) = made_episodes(["reach_target"], 4, 1, 0.2, (32, 32))
    assert episode.images.shape[2:] == (32, 32, 3) and episode.seed == 4 and episode.success
