"""Several recordings go to folders of their own, once."""

from pathlib import Path

import pytest
from labelling_small import TruthModel
from recordings import record, small_episode

from action_images_ros.labelling.batch import label_bags, targets


def test_each_recording_has_its_target():
    assert targets([Path("a")], Path("out")) == {Path("a"): Path("out")}
    assert list(targets([Path("x/a"), Path("y/b.mcap")], Path("out")).values()) == [Path("out/a"), Path("out/b")]
    with pytest.raises(ValueError, match="names must differ"):
        targets([Path("x/a"), Path("y/a")], Path("out"))


def test_what_is_done_is_left_alone_and_the_model_loaded_once(tmp_path):
    episode, loads = small_episode(frames=6), []

    def load(folder, threads=None):
        loads.append(folder)
        return TruthModel(episode)

    bags = [record(tmp_path / name, episode) for name in "ab"]
    reports, failed = label_bags(bags, tmp_path / "out", "nano", load=load)
    assert len(reports) == 2 and not failed and len(loads) == 1
    bags.append(record(tmp_path / "c", episode))
    reports, failed = label_bags(bags, tmp_path / "out", "nano", load=load)
    assert [Path(report["output"]).name for report in reports] == ["c"] and not failed
