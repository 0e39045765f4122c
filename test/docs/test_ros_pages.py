"""The pages for ROS users name what exists: every robot file has its page, keys and files that are named are there."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from action_images_ros.interfaces.instruction import MAX_CHARACTERS
from action_images_ros.parameter import specs
from action_images_ros.ros.chunk_messages import MAX_FRAMES
from action_images_ros.ros.node_parameters import NODE_PARAMETERS

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="docs/ is not here")
PAGES = sorted((ROOT / "docs" / "robots").glob("*.md")) if (ROOT / "docs").is_dir() else []


def test_every_robot_has_its_page_with_the_way_to_the_first_motion():
    text = {path: path.read_text() for path in PAGES}
    for robot in (ROOT / "config" / "robots").glob("*.yaml"):
        if robot.stem != "cell":
            assert any(f"config/robots/{robot.name}" in page for page in text.values()), robot.name
    for page in text.values():
        for step in ("check-robot", "arm_command/enable", "arm_command/approve", "arm_command/stop", "/instruction"):
            assert step in page


def test_the_pages_are_in_the_site_and_their_keys_in_the_manifest():
    navigation = (ROOT / "docs" / "mkdocs.yml").read_text()
    for page in (*PAGES, ROOT / "docs" / "ros_host.md", ROOT / "docs" / "security.md"):
        assert page.relative_to(ROOT / "docs").as_posix() in navigation
    keys = {entry.text for entry in ElementTree.parse(ROOT / "package.xml").getroot() if entry.tag.endswith("depend")}
    host = (ROOT / "docs" / "ros_host.md").read_text()
    named = set(re.findall(r"`((?:python3-|tf2_|ros2|rosbag2_|cv_)\w[\w-]*)`", host)) - {"python3"}
    assert named and named <= keys | {"ros2"}
    assert set(re.search(r'--skip-keys "([^"]+)"', host)[1].split()) <= keys
    for file in re.findall(r"`(config/[\w/.]+)`", host + (ROOT / "docs" / "security.md").read_text()):
        assert (ROOT / file).is_file(), file


def test_the_bounds_that_the_security_page_names_are_those_of_the_code():
    page = (ROOT / "docs" / "security.md").read_text()
    assert f"{MAX_CHARACTERS:,} printable" in page and f"at most {MAX_FRAMES} frames" in page


def _parameter_rows():
    """Node, names and defaults of every row of the tables of parameters in docs/nodes.md."""
    for section in re.split(r"^## ", (ROOT / "docs" / "nodes.md").read_text(), flags=re.MULTILINE):
        node = section.split("`")[1] if section.startswith("`") else ""
        table = re.search(r"^\| parameter \| default \|.*\n\|[-|]+\n((?:\|.*\n)+)", section, re.MULTILINE)
        for row in table[1].splitlines() if table else ():
            names, defaults = (cell.strip() for cell in row.split("|")[1:3])
            yield node, names.split(", "), re.split("[,;] ", defaults)


def test_the_tables_of_parameters_name_what_is_declared_with_its_default():
    compared = 0
    for node, names, defaults in _parameter_rows():
        declared = {spec.name: spec for kind in NODE_PARAMETERS[node] for spec in specs(kind)}
        assert [n for n in names if not re.fullmatch(r"\.\.\.|\w+_\*", n) and n not in declared] == [], node
        for name, default in zip(names, defaults, strict=True) if len(names) == len(defaults) else ():
            spec, value = declared[name], default.split(" ")[0]
            if spec.kind in (int, float) and re.match(r"-?\d", value):
                assert float(value) == spec.default, (node, name)
            elif spec.kind is bool or (spec.kind is str and spec.choices and value in spec.choices):
                assert value == str(spec.default).lower(), (node, name)
            else:
                continue
            compared += 1
    assert compared > 30
