"""The pages for ROS users name what exists: every robot file has its page, keys and files that are named are there."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from action_images_ros.interfaces.instruction import MAX_CHARACTERS
from action_images_ros.ros.chunk_messages import MAX_FRAMES

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
