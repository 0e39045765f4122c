import json

import pytest

from action_images_ros.scale.bags import find_bags, is_one


def bag(path):
    path.mkdir(parents=True)
    (path / "metadata.yaml").write_text("")
    (path / f"{path.name}.mcap").write_text("")
    return path


def test_a_folder_gives_its_bags_at_any_depth_under_their_relative_paths(tmp_path):
    bag(tmp_path / "all" / "monday" / "a")
    bag(tmp_path / "all" / "b")
    bag(tmp_path / "all" / ".work" / "c")
    (tmp_path / "all" / "tuesday").mkdir()
    (tmp_path / "all" / "tuesday" / "d.db3").write_text("")
    (tmp_path / "all" / "notes.md").write_text("")
    found = find_bags([tmp_path / "all"])
    assert [name for name, _ in found] == ["b", "monday/a", "tuesday/d"]
    assert found[2].bag == tmp_path / "all" / "tuesday" / "d.db3"


def test_bags_given_one_by_one_have_their_own_names_and_twice_is_once(tmp_path):
    a, b = bag(tmp_path / "x" / "a"), bag(tmp_path / "y" / "b")
    assert [name for name, _ in find_bags([a, b, a])] == ["a", "b"]


def test_a_list_is_read_relative_to_itself(tmp_path):
    bag(tmp_path / "a")
    (tmp_path / "list.txt").write_text("# all\na   # the first\n\n")
    (tmp_path / "list.jsonl").write_text(
        json.dumps({"format": 1, "settings": {}})
        + "\n"
        + json.dumps({"bag": str(tmp_path / "a"), "name": "day/one", "state": "done"})
    )
    assert find_bags([tmp_path / "list.txt"]) == [("a", tmp_path / "a")]
    assert find_bags([tmp_path / "list.jsonl"]) == [("day/one", tmp_path / "a")]


def test_two_bags_of_one_name_are_refused_with_both(tmp_path):
    a, b = bag(tmp_path / "x" / "a"), bag(tmp_path / "y" / "a")
    with pytest.raises(ValueError, match="both be called 'a'.*holds both"):
        find_bags([a, b])


def test_a_bag_inside_the_labels_of_another_is_refused(tmp_path):
    bag(tmp_path / "all" / "a" / "b")
    (tmp_path / "all" / "a.mcap").write_text("")
    with pytest.raises(ValueError, match="would lie inside the labels of"):
        find_bags([tmp_path / "all"])


def test_one_recording_is_told_from_a_folder_of_them(tmp_path):
    one = bag(tmp_path / "all" / "a")
    assert is_one(one) and is_one(one / "a.mcap") and not is_one(tmp_path / "list.txt")
    (one / "metadata.yaml").unlink()
    assert is_one(one)
    (tmp_path / "all" / "loose.mcap").write_text("")
    assert not is_one(tmp_path / "all")


@pytest.mark.parametrize(
    "line, words",
    [
        ("{", "line 1 is no JSON"),
        ('{"name": "a"}', "line 1 has no 'bag'"),
        ('{"bag": "gone"}', "gone does not exist"),
        ('{"bag": "a", "name": "../a"}', "relative path without"),
        ('{"bag": "a", "name": ".work/a"}', "hidden"),
    ],
)
def test_a_bad_line_of_a_list_is_named(tmp_path, line, words):
    bag(tmp_path / "a")
    (tmp_path / "list.jsonl").write_text(line)
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        find_bags([tmp_path / "list.jsonl"])


def test_where_there_is_no_bag_that_is_said(tmp_path):
    with pytest.raises(ValueError, match="holds no bag"):
        find_bags([tmp_path])
    with pytest.raises(FileNotFoundError, match="does not exist"):
        find_bags([tmp_path / "gone"])
    with pytest.raises(ValueError, match="no bag was given"):
        find_bags([])
