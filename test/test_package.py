"""What is installed, and that the descriptions of the package agree with each other and with the tree."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import action_images_ros
from action_images_ros.paths import models_path, share_path

ROOT = Path(__file__).resolve().parents[1]
NODES = sorted(path.stem for path in (ROOT / "action_images_ros" / "nodes").glob("*_node.py"))
MANIFEST = ElementTree.parse(ROOT / "package.xml").getroot()
SETUP = (ROOT / "setup.py").read_text()


def test_the_top_level_is_the_agreed_one():
    allowed = {
        "package.xml",
        "setup.py",
        "setup.cfg",
        "launch",
        "config",
        "action_images_ros",
        "models",
        "test",
        "README.md",
        "LICENSE",
        "Makefile",
        "constraints.txt",
        ".ci",
        ".gitignore",
        "docs",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "CITATION.cff",
        ".git-blame-ignore-revs",
        "pyproject.toml",
        "resource",
        ".github",
        ".pre-commit-config.yaml",
    }
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0 or not listed.stdout:
        pytest.skip("not a git checkout")
    found = {Path(line).parts[0] for line in listed.stdout.splitlines()}
    assert found <= allowed
    assert {"package.xml", "setup.py", "setup.cfg", "README.md", "LICENSE", "Makefile", "constraints.txt"} <= found


def test_the_manifest_is_one_that_colcon_takes_for_ament_python():
    assert MANIFEST.get("format") == "3"
    assert MANIFEST.findtext("name") == "action_images_ros"
    assert MANIFEST.findtext("export/build_type") == "ament_python"
    mail = MANIFEST.find("maintainer").get("email")
    # Otherwise colcon drops the ament handling silently.
    assert re.fullmatch(r"[-\w.%+]+@[-\w]+(\.[-\w]+)*\.[a-zA-Z]{2,}", mail)
    assert mail in SETUP


def test_versions_and_licences_agree():
    version = MANIFEST.findtext("version")
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert action_images_ros.__version__ == version
    assert MANIFEST.findtext("license") == "Apache-2.0" and 'license="Apache-2.0"' in SETUP
    assert "Apache License" in (ROOT / "LICENSE").read_text()


def test_every_dependency_asked_for_is_named():
    keys = {element.text for element in MANIFEST if element.tag.endswith("depend")}
    assert {
        "rclpy",
        "cv_bridge",
        "tf_transformations",
        "sensor_msgs",
        "geometry_msgs",
        "trajectory_msgs",
        "nav_msgs",
        "python3-numpy",
        "python3-scipy",
        "python3-opencv",
        "python3-pytorch-pip",
        "python3-onnxruntime-pip",
    } <= keys
    for name in ("numpy", "scipy", "opencv-python-headless", "torch", "diffusers", "onnxruntime", "mujoco", "mink"):
        assert re.search(rf'"{name}[>"]', SETUP), name


def test_nothing_of_ros_is_installed_from_pypi_on_a_ros_host():
    required = SETUP[SETUP.index("install_requires") : SETUP.index("extras_require")]
    assert "ros-jazzy" not in required and "rclpy" not in required
    extras = re.search(r"^EXTRAS := \$\(if \$\(ROS_DISTRO\),,([\w ]+)\)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert extras and set(extras[1].split()) == {"ros", "urdf", "live"}  # from apt, or asking for numpy 2


def test_every_package_installed_is_pinned():
    pinned = {
        re.split("==", line)[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    extras = ["ros", "cell", "evaluate", "wan", "train", "data", "live", "ray", "urdf", "test"]
    asked = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "requirements"), *extras],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout.split()
    names = {re.split("[><=]", line)[0].lower() for line in asked}
    assert len(names) > 20
    assert names <= pinned
    assert not [
        line
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not re.match(r"#|[\w.-]+==[\w.]+$", line)
    ]


def _pins(text):
    return dict(line.split("==") for line in text.splitlines() if "==" in line)


def test_a_ros_host_takes_other_versions_of_what_is_pinned():
    """`make install` with ROS sourced: all of constraints.txt, with the versions that go with apt's numpy 1.26."""
    script, environment = str(ROOT / ".ci" / "constraints"), dict(os.environ, ROS_DISTRO="jazzy")
    host = _pins(subprocess.run([script], capture_output=True, text=True, check=True, env=environment).stdout)
    environment.pop("ROS_DISTRO")
    plain = subprocess.run([script], capture_output=True, text=True, check=True, env=environment).stdout
    assert plain == (ROOT / "constraints.txt").read_text()
    own = _pins((ROOT / ".ci" / "jazzy-constraints.txt").read_text())
    assert host == _pins(plain) | own and own["numpy"].startswith("1.26")
    assert set(own) <= set(_pins(plain)), "a name is spelt otherwise in constraints.txt"


def test_every_node_has_its_executable_for_ros2_run():
    scripts = {path.name for path in (ROOT / "resource" / "lib").iterdir()}
    assert scripts == set(NODES)
    for name in NODES:
        path = ROOT / "resource" / "lib" / name
        assert os.access(path, os.X_OK)
        lines = path.read_text().splitlines()
        assert lines[0] == "#!/usr/bin/env python3" and f"action_images_ros.nodes.{name} import main" in lines[1]
        assert re.search(r"^def main\(", (ROOT / "action_images_ros" / "nodes" / f"{name}.py").read_text(), re.M)


def test_every_folder_with_code_is_a_package():
    folders = {path.parent for path in (ROOT / "action_images_ros").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_modules_keep_to_what_they_may_import():
    def imports(path):
        return re.findall(r"^\s*(?:from|import)\s+([\w.]+)", path.read_text(), re.M)

    for path in (ROOT / "action_images_ros").rglob("*.py"):
        folder = path.relative_to(ROOT / "action_images_ros").parts[0]
        roots = {name.split(".")[0] for name in imports(path)}
        if folder not in ("ros", "nodes", "graph", "apps", "benchmarks"):
            assert "rclpy" not in roots, path
        own = ("world_model", "training", "benchmarks", "lerobot_runtime")  # the last runs in LeRobot's environment
        if folder not in own and path.name != "features.py":  # evaluation's network
            assert not roots & {"torch", "diffusers"}, path


def test_the_share_directory_holds_configuration_and_models():
    assert share_path("package.xml").is_file()
    assert share_path("config/policy.yaml").is_file()
    assert (models_path("minilm") / "model.onnx").is_file()


def test_what_is_missing_is_named_with_what_there_is(tmp_path):
    with pytest.raises(FileNotFoundError, match="config/none.yaml"):
        share_path("config/none.yaml")
    with pytest.raises(FileNotFoundError, match="minilm"):
        models_path("no-such-model")


def test_a_model_can_be_given_as_a_folder(tmp_path):
    assert models_path(tmp_path) == tmp_path
    assert models_path("minilm").parent.name == "models"


@pytest.mark.skipif(
    Path(action_images_ros.__file__).is_relative_to(ROOT / "action_images_ros"),
    reason="runs from the source tree, not from an installation",
)
def test_an_installation_has_everything_ros_looks_for():
    share = share_path()
    prefix = share.parents[1]
    assert (prefix / "share/ament_index/resource_index/packages/action_images_ros").is_file()
    assert (share / "package.xml").is_file() and list((share / "launch").glob("*.launch.py"))
    for name in NODES:
        assert os.access(prefix / "lib" / "action_images_ros" / name, os.X_OK)
        assert (prefix / "bin" / name).is_file()
    assert (prefix / "bin" / "action-images").is_file()
    for folder in ("config", "models"):
        ours = {path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert ours <= {path.relative_to(share / folder) for path in (share / folder).rglob("*")}
    assets = {
        path.relative_to(ROOT)
        for path in (ROOT / "action_images_ros").rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    installed = Path(action_images_ros.__file__).parents[1]
    assert [path for path in assets if not (installed / path).is_file()] == []
