"""Policies are found by name or folder; what cannot be loaded is named with the remedy."""

import json
import subprocess
import sys

import pytest

import action_images_ros
from action_images_ros.policy import entries
from action_images_ros.policy.registry import load_policy, policy_card


def _package(folder, entry, body="class Policy:\n    def __init__(self, options):\n        pass\n"):
    """A package on disk with one entry point; its folder goes on sys.path."""
    name, target = entry.split("=")
    (folder / f"{target.split(':')[0]}.py").write_text(body)
    info = folder / f"{target.split(':')[0]}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {target.split(':')[0]}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{entries.GROUP}]\n{name}={target}\n")
    return name


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(FileNotFoundError, match="nonesuch.*nano.*installed policy.*wan"):
        load_policy("nonesuch")


def test_a_policy_that_lacks_predict_is_refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    name = _package(tmp_path, "half_policy=half_made:Policy")
    with pytest.raises(ValueError, match="half_policy.*half_made:Policy.*lacks card or predict"):
        load_policy(name)


def test_a_package_that_cannot_be_imported_is_named(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    name = _package(tmp_path, "broken_policy=broken_made:Policy", "import no_such_module_anywhere\n")
    with pytest.raises(ValueError, match="broken_policy.*broken.made.*no_such_module_anywhere.*reinstall"):
        load_policy(name)


def test_two_packages_with_one_name_are_refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    _package(tmp_path, "nano=usurper_made:Policy")
    with pytest.raises(ValueError, match="nano is both.*usurper_made:Policy"):
        load_policy("nano")


def test_a_folder_is_loaded_by_the_entry_its_card_names(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    body = (
        "class Policy:\n    def __init__(self, options):\n"
        "        self.card, self.folder = options.card, options.folder\n"
        "    def predict(self, observation, *, seed=0):\n        raise ValueError('nothing')\n"
    )
    name = _package(tmp_path, "folder_policy=folder_made:Policy", body)
    folder = tmp_path / "weights"
    folder.mkdir()
    card = {"name": "mine", "image_size": [50, 70], "frames": 6, "dt": 0.1, "backend": name, "output": "poses"}
    (folder / "model_card.json").write_text(json.dumps(card))
    policy = load_policy(folder)
    assert policy.folder == folder and policy.card == policy_card(folder) and policy.card.image_size == (50, 70)


def test_the_oracle_is_for_the_graph_of_the_cell():
    with pytest.raises(ValueError, match="oracle.*up --policy oracle"):
        load_policy("oracle")


def test_importing_the_package_loads_neither_torch_nor_rclpy():
    code = (
        "import sys, action_images_ros as a\n"
        "for name in a.__all__: getattr(a, name)\n"
        "sys.exit(bool({'torch', 'rclpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_an_unknown_name_of_the_public_face_lists_the_known_ones():
    with pytest.raises(AttributeError, match="load_model.*load_policy"):
        action_images_ros.load_model  # noqa: B018
