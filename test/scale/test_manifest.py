import json
from dataclasses import asdict

import pytest

from action_images_ros.scale.bags import NamedBag
from action_images_ros.scale.manifest import FILE, Entry, Manifest

SETTINGS = {"model": "nano", "steps": 1}


@pytest.fixture
def bags(tmp_path):
    return [NamedBag(name, tmp_path / "bags" / name) for name in ("a", "b", "c")]


def states(manifest):
    return {entry.name: entry.state for entry in manifest.entries()}


def test_the_list_is_taken_up_where_it_was_left(tmp_path, bags):
    out = tmp_path / "out"
    with Manifest(out, bags[:2], SETTINGS) as manifest:
        assert states(manifest) == {"a": "waiting", "b": "waiting"}
        (out / "a").mkdir()
        manifest.update("a", state="done", attempts=1)
        manifest.update("b", state="running", attempts=1)
    with Manifest(out, bags, SETTINGS) as manifest:
        assert states(manifest) == {"a": "done", "b": "waiting", "c": "waiting"}
        assert manifest.entry("b").attempts == 1


def test_every_change_is_on_the_disk_at_once_and_a_line_cut_off_is_forgotten(tmp_path, bags):
    out = tmp_path / "out"
    with Manifest(out, bags, SETTINGS) as manifest:
        manifest.update("a", state="failed", error="no camera_info")
        last = (out / FILE).read_text().splitlines()[-1]
        assert json.loads(last)["error"] == "no camera_info"
    with open(out / FILE, "a") as file:
        file.write(last[:20])
    with Manifest(out, bags, SETTINGS) as manifest:
        assert manifest.entry("a").error == "no camera_info"
    assert len((out / FILE).read_text().splitlines()) == 4


def test_the_finished_bag_decides_not_the_list(tmp_path, bags):
    out = tmp_path / "out"
    with Manifest(out, bags, SETTINGS) as manifest:
        manifest.update("a", state="running")
        (out / "a").mkdir()  # finished, and the line was not written any more
        manifest.update("b", state="done")  # and this one was removed by hand
    with Manifest(out, bags, SETTINGS) as manifest:
        assert states(manifest) == {"a": "done", "b": "waiting", "c": "waiting"}


def test_failed_bags_wait_again_in_the_next_run(tmp_path, bags):
    with Manifest(tmp_path / "out", bags, SETTINGS) as manifest:
        manifest.update("a", state="failed", attempts=3, error="broken")
    with Manifest(tmp_path / "out", bags, SETTINGS) as manifest:
        assert asdict(manifest.entry("a"))["state"] == "waiting" and manifest.entry("a").attempts == 3


def test_other_settings_are_not_mixed(tmp_path, bags):
    with Manifest(tmp_path / "out", bags, SETTINGS):
        pass
    before = (tmp_path / "out" / FILE).read_bytes()
    with pytest.raises(ValueError, match="model.*'nano'.*'wan'"):
        Manifest(tmp_path / "out", bags, {**SETTINGS, "model": "wan"}).__enter__()
    assert (tmp_path / "out" / FILE).read_bytes() == before


def test_another_bag_under_a_known_name_is_refused(tmp_path, bags):
    with Manifest(tmp_path / "out", bags, SETTINGS):
        pass
    with pytest.raises(ValueError, match="under the name 'a'"):
        Manifest(tmp_path / "out", [NamedBag("a", tmp_path / "elsewhere" / "a")], SETTINGS).__enter__()


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path, bags):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("x")
    with pytest.raises(ValueError, match="thesis.tex"):
        Manifest(tmp_path / "out", bags, SETTINGS).__enter__()
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_output_and_recordings_lie_apart(tmp_path):
    with pytest.raises(ValueError, match="lies inside the recording"):
        Manifest(tmp_path / "a" / "out", [NamedBag("a", tmp_path / "a")], SETTINGS).__enter__()
    with pytest.raises(ValueError, match="lies inside output"):
        Manifest(tmp_path, [NamedBag("a", tmp_path / "a")], SETTINGS).__enter__()


def test_two_runs_on_one_folder_are_refused(tmp_path, bags):
    with Manifest(tmp_path / "out", bags, SETTINGS):
        with pytest.raises(ValueError, match="another process"):
            Manifest(tmp_path / "out", bags, SETTINGS).__enter__()
    with Manifest(tmp_path / "out", bags, SETTINGS):
        pass


def test_a_manifest_damaged_in_the_middle_is_refused_with_the_line(tmp_path, bags):
    with Manifest(tmp_path / "out", bags, SETTINGS):
        pass
    lines = (tmp_path / "out" / FILE).read_text().splitlines()
    (tmp_path / "out" / FILE).write_text("\n".join([lines[0], lines[1][:9], *lines[2:]]) + "\n")
    with pytest.raises(ValueError, match="line 2 is damaged"):
        Manifest(tmp_path / "out", bags, SETTINGS).__enter__()


def test_an_unknown_state_is_refused(tmp_path, bags):
    with Manifest(tmp_path / "out", bags, SETTINGS) as manifest:
        with pytest.raises(ValueError, match="choose one of waiting"):
            manifest.update("a", state="finished")
        assert manifest.entry("a") == Entry("a", str(bags[0].bag))
