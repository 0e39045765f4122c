"""The documentation site builds without a warning, and the README keeps to what it promises."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from action_images_ros.parameter import specs
from action_images_ros.ros.node_parameters import NODE_PARAMETERS

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="docs/ is not here")


@pytest.mark.skipif(
    any(find_spec(name) is None for name in ("mkdocs", "material", "mkdocstrings", "mkdocs_same_dir")),
    reason="the extra docs is not installed",
)
def test_the_site_builds_strictly(tmp_path):
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "-q",
            "-f",
            "docs/mkdocs.yml",
            "-d",
            str(tmp_path / "site"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    written = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.html")}
    generated = {f"reference/{name}.html" for name in ("cli", "topics", "parameters")}
    assert {"index.html", "api.html", *generated} <= written
    text = (tmp_path / "site" / "reference" / "parameters.html").read_text()
    declared = {spec.name for kinds in NODE_PARAMETERS.values() for kind in kinds for spec in specs(kind)}
    assert len(declared) > 80 and not [name for name in declared if f">{name}<" not in text]
    assert "verify-denoiser" in (tmp_path / "site" / "reference" / "cli.html").read_text()


def test_the_readme_is_short():
    assert len(README.read_text().splitlines()) <= 150


def test_the_python_of_the_readme_runs(capsys):
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.S)[1]
    assert len(code.splitlines()) <= 14
    exec(compile(code, "README.md", "exec"), {})
    assert "True" in capsys.readouterr().out


def test_links_and_pictures_of_the_readme_exist():
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README.read_text()):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_pictures_are_small():
    for path in (ROOT / "docs").rglob("*"):
        if path.suffix in {".webp", ".gif", ".png", ".jpg"}:
            assert path.stat().st_size <= 4e6, path
