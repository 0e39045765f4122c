"""Modules, files and workflows that the documentation and CI name are there."""

import importlib
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="docs/ is not here")
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def test_every_import_that_a_page_shows_works():
    shown = {
        line.strip()
        for page in PAGES
        for line in re.findall(r"^ *(from action_images_ros[\w.]* import [\w, ]+?)(?: *#.*)?$", page.read_text(), re.M)
    }
    assert len(shown) > 5
    for line in shown:
        module, names = re.fullmatch(r"from ([\w.]+) import (.+)", line).groups()
        loaded = importlib.import_module(module)
        for name in names.split(", "):
            found = hasattr(loaded, name.split(" as ")[0])
            assert found or importlib.import_module(f"{module}.{name}"), line


def test_every_file_of_the_package_that_a_page_names_exists():
    missing = []
    for page in PAGES:
        for name in re.findall(
            r"`(?:action_images_ros/)?((?:[\w<>]+/)+[\w<>]+\.(?:py|yaml|xml|md|sh))`", page.read_text()
        ):
            places = (ROOT / name, ROOT / "action_images_ros" / name, ROOT / "docs" / name)
            if "<" not in name and not name.startswith(("out/", "runs/")) and not any(p.exists() for p in places):
                missing.append((page.name, name))
    assert missing == []


def test_ci_tests_both_pythons_and_builds_with_colcon():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12"]
    assert any("make test" in step.get("run", "") for step in jobs["test"]["steps"])
    assert jobs["ros"]["container"] == "ros:jazzy"
    text = "\n".join(step.get("run", "") for step in jobs["ros"]["steps"])
    assert all(command in text for command in ("rosdep install", "colcon build", "colcon test"))
    assert not [name for name in re.findall(r"\.ci/[\w-]+", text) if not (ROOT / name).exists()]
    setup = (ROOT / "setup.py").read_text()
    extras = re.search(r"\.ci/requirements ([\w ]+) >", text)[1].split()
    assert not [extra for extra in extras if f'"{extra}": [' not in setup]
    targets = re.findall(r"make (\w+)", "\n".join(s.get("run", "") for job in jobs.values() for s in job["steps"]))
    assert targets and not [t for t in targets if not re.search(rf"^{t}:", (ROOT / "Makefile").read_text(), re.M)]
