"""The import contracts of pyproject.toml (layers of packages, no circles), and types."""

import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_every_import_points_down_the_layers_and_none_goes_round_in_a_circle():
    code = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    result = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_contract_is_softened():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {contract["type"] for contract in contracts} == {"layers", "acyclic_siblings"}
    assert not [contract["name"] for contract in contracts if contract.get("ignore_imports")]


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
def test_mypy_finds_nothing():
    result = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_types_are_strict_where_the_mathematics_and_the_data_are():
    mypy = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    (strict,) = (entry for entry in mypy["overrides"] if entry.get("disallow_untyped_defs"))
    layers = ("geometry", "codec", "control", "interfaces", "policy", "metrics", "data")
    assert {f"action_images_ros.{layer}.*" for layer in layers} <= set(strict["module"])
    assert not [entry for entry in mypy["overrides"] if entry.get("ignore_errors")]
