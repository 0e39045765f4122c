import json

import pytest

from action_images_ros.metrics.paired import against_nominal, compare_files, paired


def rows(task, outcomes, condition="nominal", first=0):
    return [
        {"task": task, "seed": first + i, "success": bool(o), "condition": condition} for i, o in enumerate(outcomes)
    ]


def test_only_seeds_that_both_sides_have_count_and_are_paired_by_seed():
    (entry,) = paired(rows("a", [1, 1, 0, 0]), rows("a", [1, 0, 1], first=1))
    assert entry == {"task": "a", "episodes": 3, "before": 1, "after": 2, "lost": 0, "won": 1, "p": 1.0}


def test_discordant_counts_and_the_exact_test():
    before, after = [1] * 8 + [0] * 2 + [1] * 10, [0] * 8 + [1] * 2 + [1] * 10
    (entry,) = paired(rows("a", before), rows("a", after))
    assert (entry["lost"], entry["won"]) == (8, 2)
    assert entry["p"] == pytest.approx(2 * (1 + 10 + 45) / 2**10), "two-sided binomial tail of 2 of 10"


def test_sides_that_agree_on_every_seed_do_not_differ():
    (entry,) = paired(rows("a", [1, 0, 1]), rows("a", [1, 0, 1]))
    assert entry["p"] == 1.0 and entry["lost"] == entry["won"] == 0


def test_several_tasks_are_pooled_too():
    entries = paired(rows("a", [1, 1]) + rows("b", [1]), rows("a", [0, 1]) + rows("b", [0]))
    assert [entry["task"] for entry in entries] == ["a", "b", "all"]
    assert entries[-1]["lost"] == 2 and entries[-1]["episodes"] == 3


def test_every_condition_is_held_against_nominal():
    entries = against_nominal(rows("a", [1, 1, 1]) + rows("a", [1, 0, 0], "lights") + rows("a", [1, 1, 0], "cameras"))
    assert [(entry["condition"], entry["lost"]) for entry in entries] == [("lights", 2), ("cameras", 1)]
    assert against_nominal(rows("a", [1, 0])) == []


def write(path, content):
    path.write_text(json.dumps({"rows": content}))
    return path


def test_two_files_are_compared_condition_by_condition(tmp_path):
    first = write(tmp_path / "nano.json", rows("a", [1, 1]) + rows("a", [1, 0], "lights"))
    second = write(tmp_path / "control.json", rows("a", [0, 1]) + rows("a", [1, 1], "lights"))
    assert [(e["condition"], e["before"], e["after"]) for e in compare_files(first, second)] == [
        ("nominal", 2, 1),
        ("lights", 1, 2),
    ]


def test_files_without_a_seed_in_common_and_other_files_are_refused(tmp_path):
    first, second = write(tmp_path / "a.json", rows("a", [1])), write(tmp_path / "b.json", rows("a", [1], first=50))
    with pytest.raises(ValueError, match="a.json.*b.json.*--seed"):
        compare_files(first, second)
    with pytest.raises(ValueError, match="c.json is no result"):
        compare_files(first, write(tmp_path / "c.json", [{"seed": 1}]))
