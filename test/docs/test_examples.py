"""The examples and the notebook run; the example policy drives the cell through the live graph."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import action_images_ros

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def test_the_codec_example_reads_back_what_it_drew(capsys):
    runpy.run_path(str(EXAMPLES / "codec.py"))
    assert "valid frames: 9 of 9" in capsys.readouterr().out


def test_the_model_example_gives_a_chunk(capsys):
    found = runpy.run_path(str(EXAMPLES / "image_to_pose.py"))
    assert len(found["chunk"]) == 9 and found["chunk"].valid.sum() >= 2
    assert "after 1.6 s" in capsys.readouterr().out


def test_every_cell_of_the_notebook_runs():
    notebook = json.loads((EXAMPLES / "action_images.ipynb").read_text())
    scope: dict = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), scope)
    assert scope["decoded"].valid.all()


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Environment of a process in which the example policy is installed, from a copy of its source, without network."""
    folder = tmp_path_factory.mktemp("own_policy")
    source = folder / "source"
    source.mkdir()
    for path in (EXAMPLES / "own_policy").glob("*.*"):
        (source / path.name).write_bytes(path.read_bytes())
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(folder / "site"), str(source)], check=True, timeout=120)
    paths = [str(folder / "site"), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def test_an_installed_policy_is_loaded_by_its_name(installed):
    code = (
        "from action_images_ros import Policy, load_policy\n"
        "from action_images_ros.policy.registry import policy_card\n"
        "policy = load_policy('reach_point')\n"
        "assert isinstance(policy, Policy) and policy_card('reach_point') == policy.card\n"
        "print(policy.card.output)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=installed, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "poses", done.stderr


def test_an_installed_policy_drives_the_cell_through_the_live_graph(installed):
    example = str(EXAMPLES / "own_policy_in_the_graph.py")
    done = subprocess.run([sys.executable, example], env=installed, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the tool is within 10 mm" in done.stdout


@pytest.mark.parametrize(
    "name", ["own_policy/reach_point.py", "own_policy/pyproject.toml", "own_policy_in_the_graph.py"]
)
def test_the_tutorial_shows_the_files_as_they_are(name):
    assert (EXAMPLES / name).read_text() in (EXAMPLES.parent / "tutorials" / "your_own_policy.md").read_text()


def test_the_example_policy_stays_short():
    assert len((EXAMPLES / "own_policy" / "reach_point.py").read_text().splitlines()) <= 30


def test_the_api_page_shows_the_whole_public_face():
    page = (EXAMPLES.parent / "api.md").read_text()
    shown = {line.rsplit(".", 1)[1] for line in page.splitlines() if line.startswith(":::")}
    assert shown == set(action_images_ros.__all__) - {"__version__"}
