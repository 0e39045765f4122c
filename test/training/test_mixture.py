import pytest

from action_images_ros.data.holdout import split_episodes
from action_images_ros.training.mixture import load_mixture


def test_held_out_episodes_are_not_trained_on(episodes):
    training, held = split_episodes(episodes, 0.4)
    assert held and not {e.seed for e in training} & {e.seed for e in held}


def test_every_folder_gives_its_share_and_holds_some_out(episode_folder):
    mixture = load_mixture([episode_folder, episode_folder], [2, 6], 0.25)
    assert mixture.parts == [(4, 0.25), (4, 0.75)] and mixture.held_parts == [(1, 0.25), (1, 0.75)]
    assert len(mixture.training) == 8 and len(mixture.held) == 2
    assert [source["share"] for source in mixture.facts["sources"]] == [0.25, 0.75]
    assert mixture.tasks == ("reach_target",) and mixture.instructions == ["reach the red ball"]


def test_without_shares_folders_count_by_what_they_hold(episode_folder):
    mixture = load_mixture([episode_folder], None, 0.25)
    assert mixture.parts is None and mixture.facts["episodes"] == 4 and mixture.facts["cameras"] == [3]


@pytest.mark.parametrize(
    "folders, shares, words",
    [(1, [0.5, 0.5], "for 1 folders"), (2, [1], "for 2 folders"), (2, [1, 0], "positive"), (0, None, "collect")],
)
def test_shares_that_do_not_fit_are_refused(episode_folder, folders, shares, words):
    with pytest.raises(ValueError, match=words):
        load_mixture([episode_folder] * folders, shares, 0.1)


def test_a_folder_without_episodes_is_refused(tmp_path):
    with pytest.raises(ValueError, match="collect"):
        load_mixture([tmp_path], None, 0.1)
