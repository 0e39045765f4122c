import pytest

from action_images_ros.environments.registry import check_seeds, find_benchmark


def test_groups_names_and_indices_are_taken_in_their_order_each_once():
    benchmark = find_benchmark("metaworld")
    assert len(benchmark.select("all")) == 50 and benchmark.select("mt10")[0] == "reach-v3"
    assert benchmark.select("push, reach-v3,hard:0,push-v3") == ["push-v3", "reach-v3", benchmark.groups["hard"][0]]
    assert [len(benchmark.select(group)) for group in ("easy", "medium", "hard", "very_hard")] == [28, 11, 6, 5]


@pytest.mark.parametrize(
    "text, words",
    [
        ("pusch", "pusch.*nearest are push"),
        ("reach-v4", "reach-v3"),
        ("Mt10", "mt10"),
        ("hard:6", "0..5"),
        ("", "tasks is"),
        (",", "tasks is"),
        ("hard:x", "hard:x"),
        ("hard:-1", "hard:-1"),
    ],
)
def test_unknown_tasks_are_told_with_the_nearest_names(text, words):
    with pytest.raises(ValueError, match=words):
        find_benchmark("metaworld").select(text)


def test_an_unknown_benchmark_is_told_with_those_there_are():
    with pytest.raises(ValueError, match="metawrld.*metaworld"):
        find_benchmark("metawrld")


def test_a_models_dt_must_be_the_benchmarks():
    find_benchmark("metaworld").check_dt("fast", 0.05)
    with pytest.raises(ValueError, match="dt of model nano is 0.2 s.*0.05"):
        find_benchmark("metaworld").check_dt("nano", 0.2)


@pytest.mark.parametrize(
    "seed, episodes, training",
    [(999_999, 2, []), (2_000_000, 1, []), (10, 5, [[14, 20]]), (10, 5, [[1, 10]]), (10, 50, [[20, 21]])],
)
def test_seeds_of_the_training_are_refused(seed, episodes, training):
    with pytest.raises(ValueError, match="seeds"):
        check_seeds(seed, episodes, training)


def test_other_seeds_are_not():
    check_seeds(10, 5, [[15, 20], [0, 9]])
    check_seeds(999_998, 2, [[1_000_000, 1_000_049]])
