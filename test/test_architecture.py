"""The import contracts of pyproject.toml (layers of packages, no circles), types, lengths of modules and functions."""

import ast
import re
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


MOST_LINES = {"module": 320, "function": 60}

LONGER: dict[str, str] = {}
"""What may be longer ("folder/module.py", "folder/module.py:Class.function"), with the reason."""


def _lengths():
    """Lines of every module ("folder/module.py") and function ("folder/module.py:Class.function")."""
    package = ROOT / "action_images_ros"
    for path in sorted(package.rglob("*.py")):
        text, name = path.read_text(), path.relative_to(package).as_posix()
        yield "module", name, len(text.splitlines())
        for function, lines in _functions(ast.parse(text)):
            yield "function", f"{name}:{function}", lines


def _functions(node, prefix=""):
    for child in ast.iter_child_nodes(node):
        named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if named and not isinstance(child, ast.ClassDef):
            yield prefix + child.name, child.end_lineno - child.lineno + 1
        yield from _functions(child, f"{prefix}{child.name}." if named else prefix)


def test_no_module_and_no_function_is_longer_than_the_bar():
    longer = {name: lines for kind, name, lines in _lengths() if lines > MOST_LINES[kind]}
    assert longer.keys() == LONGER.keys(), {
        name: longer.get(name, "fits by now") for name in longer.keys() ^ LONGER.keys()
    }


def test_complexity_is_bounded_at_15():
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "C901" in ruff["select"] and ruff["mccabe"]["max-complexity"] <= 15
    softened = [path for path in (ROOT / "action_images_ros").rglob("*.py") if "noqa: C901" in path.read_text()]
    assert not softened and "per-file-ignores" not in ruff


def test_no_ability_of_a_policy_is_probed_for():
    """Abilities are protocols (`policy/protocol.py`): isinstance or `require`, never getattr or hasattr."""
    probe = re.compile(r"\b(?:get|has)attr\((?:self\.)?_?(?:policy|model|world_model|source|labeller),")
    package = ROOT / "action_images_ros"
    # LeRobot's own policies, in LeRobot's process, are another library's objects.
    files = [path for path in package.rglob("*.py") if path.relative_to(package).parts[0] != "lerobot_runtime"]
    assert [path.name for path in files if probe.search(path.read_text())] == []


def test_the_name_of_an_optical_frame_is_made_in_one_place():
    package = ROOT / "action_images_ros"
    made = [path.relative_to(package).as_posix() for path in package.rglob("*.py") if "}_optical" in path.read_text()]
    assert made == ["interfaces/fields.py"]


def test_the_page_on_architecture_names_every_part_of_every_layer():
    page = ROOT / "docs" / "architecture.md"
    if not page.is_file():
        pytest.skip("docs/ is not here")
    (layers,) = (
        contract["layers"]
        for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    parts = [part for layer in layers for part in layer.split(" : ")]
    text = page.read_text()
    assert not [part for part in parts if f"`{part}/`" not in text and f"`{part}.py`" not in text]
