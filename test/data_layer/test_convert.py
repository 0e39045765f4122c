"""Conversions are whole or not there, go on where they were interrupted, and lose nothing without saying why."""

import json
import shutil

import numpy as np
import pytest
from datasets_small import assert_same, folder_of
from recordings import record, rewritten, small_episode, tree

from action_images_ros.data import convert as module
from action_images_ros.data.convert import convert
from action_images_ros.data.episode import load_episodes
from action_images_ros.data.format import Options
from action_images_ros.data.registry import FORMATS

EPISODES = [small_episode(seed, frames=5, size=(16, 16)) for seed in range(4)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return folder_of(tmp_path_factory.mktemp("convert") / "cache", EPISODES)


class Interrupted(BaseException):
    pass


@pytest.mark.parametrize("to", FORMATS)
def test_an_interrupted_conversion_goes_on_and_gives_the_same(cache, tmp_path, to, monkeypatch):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    convert(cache, whole, to)

    def stop_at(count):
        def progress(done, total, name):
            if done == count:
                raise Interrupted

        return progress

    with pytest.raises(Interrupted):
        convert(cache, broken, to, progress=stop_at(1))
    real = module._write

    def write_then_stop(writer, episode, number, *rest):
        real(writer, episode, number, *rest)
        if number == 2:
            raise Interrupted  # written, but not yet in the journal

    monkeypatch.setattr(module, "_write", write_then_stop)
    with pytest.raises(Interrupted):
        convert(cache, broken, to)
    monkeypatch.undo()
    assert not broken.exists()
    seen = []
    result = convert(cache, broken, to, progress=lambda done, total, name: seen.append((done, total)))
    assert (result.episodes, result.resumed) == (4, 2) and seen[-1] == (4, 4)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["broken", "whole"], "nothing of the work is left"
    a, b = tree(whole), tree(broken)
    a, b = (
        {name.replace(top.name, "x"): content for name, (content, _) in files.items() if "index.jsonl" not in name}
        for files, top in ((a, whole), (b, broken))
    )
    assert a.keys() == b.keys()
    back = convert(broken, tmp_path / "back", "cache")
    assert back.lost == []
    for found, wanted in zip(load_episodes(tmp_path / "back"), EPISODES, strict=True):
        assert_same(found, wanted, at_least_db=20)


def test_going_on_with_other_options_is_refused(cache, tmp_path):
    def stop(done, total, name):
        if done == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        convert(cache, tmp_path / "new", "lerobot", progress=stop)
    with pytest.raises(ValueError, match="options"):
        convert(cache, tmp_path / "new", "lerobot", Options(crf=30))


def test_damaged_items_are_told_and_the_others_converted(tmp_path):
    bags = tmp_path / "bags"
    bags.mkdir()
    for seed in range(3):
        record(bags / f"demo_{seed}", small_episode(seed, frames=6, size=(16, 16)))
    file = next((bags / "demo_1").glob("*.mcap"))
    file.write_bytes(file.read_bytes()[:-500])
    before = tree(bags)
    result = convert(bags, tmp_path / "cache", "cache")
    assert result.episodes == 2 and [item for item, _ in result.lost] == ["demo_1"]
    assert "cut off" in result.lost[0][1]
    assert [e.seed for e in load_episodes(tmp_path / "cache")] == [0, 2]
    assert tree(bags) == before


def test_nothing_is_left_when_nothing_came_out(tmp_path):
    record(tmp_path / "bag", small_episode(frames=2, size=(16, 16)))
    with pytest.raises(ValueError, match="2 frames.* 5"):
        convert(tmp_path / "bag", tmp_path / "cache", "cache")
    assert [p.name for p in tmp_path.iterdir()] == ["bag"]


def test_episodes_of_one_name_need_new_numbers(tmp_path):
    bags = tmp_path / "bags"
    bags.mkdir()
    for name in "ab":
        record(bags / name, small_episode(7, frames=6, size=(16, 16)))
    result = convert(bags, tmp_path / "clash", "cache")
    assert result.episodes == 1 and "--renumber" in result.lost[0][1]
    assert convert(bags, tmp_path / "numbered", "cache", Options(renumber=True)).episodes == 2
    assert [e.seed for e in load_episodes(tmp_path / "numbered")] == [0, 1]


def test_episodes_that_do_not_fit_the_dataset_are_left_out_with_the_reason(tmp_path):
    odd = [
        small_episode(0, frames=5, size=(16, 16)),
        small_episode(1, frames=5, size=(32, 16)),
        small_episode(2, frames=5, size=(16, 16), dt=0.15),
        small_episode(3, frames=5, size=(16, 16), views=3),
    ]
    result = convert(folder_of(tmp_path / "odd", odd), tmp_path / "dataset", "lerobot")
    assert result.episodes == 1
    reasons = [why for _, why in result.lost]
    assert "size is [32, 16]" in reasons[0] and "dt is 0.15 s" in reasons[1] and "cameras is" in reasons[2]
    assert convert(tmp_path / "odd", tmp_path / "square", "lerobot", Options(size=(16, 16))).episodes == 2


def test_targets_and_times_that_make_no_sense_are_refused(cache, tmp_path):
    for target, options, words in (
        (cache, Options(), "exists already"),
        (cache / "in", Options(), "lies inside"),
        (tmp_path / "x", Options(dt=0.1), "only recordings"),
    ):
        with pytest.raises(ValueError, match=words):
            convert(cache, target, "cache", options)
    assert not list(tmp_path.iterdir())


def test_a_torn_line_of_the_journal_is_taken_as_not_done(cache, tmp_path):
    def stop(done, total, name):
        if done == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        convert(cache, tmp_path / "new", "cache", progress=stop)
    journal = tmp_path / ".new.part.jsonl"
    lines = journal.read_text().splitlines()
    assert json.loads(lines[0])["to"] == "cache" and len(lines) == 3
    journal.write_text("\n".join(lines)[:-10])
    assert convert(cache, tmp_path / "new", "cache").resumed == 1
    assert len(load_episodes(tmp_path / "new")) == 4


def test_a_journal_without_its_folder_begins_anew(cache, tmp_path):
    def stop(done, total, name):
        if done == 1:
            raise Interrupted

    with pytest.raises(Interrupted):
        convert(cache, tmp_path / "new", "cache", progress=stop)
    shutil.rmtree(tmp_path / ".new.part")
    result = convert(cache, tmp_path / "new", "cache")
    assert (result.resumed, result.episodes) == (0, 4)
    np.testing.assert_array_equal(load_episodes(tmp_path / "new")[0].images, EPISODES[0].images)


def test_one_process_at_a_time_writes_a_target(cache, tmp_path):
    def second(done, total, name):
        with pytest.raises(ValueError, match="being written"):
            convert(cache, tmp_path / "new", "cache")

    assert convert(cache, tmp_path / "new", "cache", progress=second).episodes == 4
    assert [p.name for p in tmp_path.iterdir()] == ["new"], "the lock is gone"


@pytest.mark.parametrize("name", ["../../../evil", "/evil", "a/b", ".hidden"])
def test_a_name_in_a_file_does_not_lead_out_of_the_target(tmp_path, name):
    """A task in the cell's report and a camera in a side file: the episode is refused by name, nothing is written."""
    bag = record(tmp_path / "in" / "bag", EPISODES[0])

    def change(message, content):
        if message.topic.endswith("cell/status"):
            content.data = json.dumps(json.loads(content.data) | {"task": name})
        return content

    rewritten(bag, tmp_path / "bad" / "bag", change)
    for to in FORMATS:
        with pytest.raises(ValueError, match="files are named after it"):
            convert(tmp_path / "bad", tmp_path / "out", to, Options(robot="cell"))
    convert(bag, tmp_path / "lerobot", "lerobot")
    convert(bag, tmp_path / "rlbench", "rlbench")
    [own] = tmp_path.glob("rlbench/*/*/*/*/action_images.json")
    own.write_text(json.dumps(json.loads(own.read_text()) | {"task": name}))
    side = tmp_path / "lerobot" / "meta" / "action_images.jsonl"
    side.write_text(json.dumps(json.loads(side.read_text()) | {"task": name}) + "\n")
    for source in ("lerobot", "rlbench"):
        with pytest.raises(ValueError, match="files are named after it"):
            convert(tmp_path / source, tmp_path / "out", "cache")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad", "in", "lerobot", "rlbench"]
    assert not (tmp_path.parent / "evil").exists()
