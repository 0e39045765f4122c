import shutil

import pytest
from recordings import record, small_episode
from scripted_labeller import scripted

from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.labelling.offline import LabelOptions
from action_images_ros.scale.archive import Workers, fingerprint, label_archive, make_labeller
from action_images_ros.world_model.nano.checkpoints import ModelCard, save_random_model

TINY = {"width": 24, "layers": 1, "heads": 2, "quarter_channels": 8, "eighth_channels": 8, "condition": 16}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "tiny"
    save_random_model(folder, TINY, ModelCard("tiny", (32, 48), 5, 0.2))
    return folder


def test_an_archive_is_labelled_by_the_model_in_a_process(tmp_path, model):
    for seed in range(2):
        record(tmp_path / "bags" / f"b{seed}", small_episode(seed, frames=6, size=(32, 48)))
    (tmp_path / "bags" / "cut.mcap").write_bytes(b"\x89MCAP0\r\n")
    summary = label_archive([tmp_path / "bags"], tmp_path / "out", model, LabelOptions(), Workers(threads=1))
    assert [(e.name, e.state) for e in summary.entries] == [("b0", "done"), ("b1", "done"), ("cut", "failed")]
    with Bag(tmp_path / "out" / "b0") as labelled, Bag(tmp_path / "bags" / "b0") as source:
        assert set(source.topics) < set(labelled.topics)
        assert list(labelled.messages(source.topics)) == list(source.messages())


def test_labels_of_two_models_or_options_are_not_mixed(tmp_path, bags, model):
    label_archive([bags], tmp_path / "out", model, LabelOptions(), make=scripted())
    other = shutil.copytree(model, tmp_path / "other" / "tiny")
    weights = next(other.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ValueError, match="model_files"):
        label_archive([bags], tmp_path / "out", other, LabelOptions(), make=scripted())
    with pytest.raises(ValueError, match="known_pose.*'auto'.*'no'"):
        label_archive([bags], tmp_path / "out", model, LabelOptions(known_pose="no"), make=scripted())
    again = label_archive([bags], tmp_path / "out", model, LabelOptions(batch=2), make=scripted(fail_start="not asked"))
    assert again.resumed == 5  # windows per call change no label, and nothing was left to do


def test_a_worker_that_has_another_model_is_refused(model):
    with pytest.raises(ValueError, match="every node needs the same"):
        make_labeller(model, "0" * 16, LabelOptions(), 1)
    assert len(fingerprint(model)) == 16


def test_threads_share_the_processors(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert Workers(count=2).model_threads() == 4 and Workers(count=16).model_threads() == 1
    assert Workers(ray="auto", cpus=3.5).model_threads() == 3 and Workers(threads=5).model_threads() == 5
