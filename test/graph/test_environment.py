"""What processes of the graph are given: the shared-memory profile, an own domain for what is only simulated."""

import subprocess
import sys

from action_images_ros.graph.environment import cell_environment, graph_environment, isolated_environment


def test_the_profile_is_set_unless_the_user_has_one():
    assert graph_environment({})["FASTRTPS_DEFAULT_PROFILES_FILE"].endswith("config/fastdds.xml")
    assert graph_environment({"FASTRTPS_DEFAULT_PROFILES_FILE": "mine"})["FASTRTPS_DEFAULT_PROFILES_FILE"] == "mine"


def test_a_simulation_is_kept_to_this_machine_and_its_own_domain(monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", "0")
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    monkeypatch.setenv("ROS_STATIC_PEERS", "10.0.0.7")
    environment = isolated_environment()
    assert environment["ROS_DOMAIN_ID"] != "0" and 0 < int(environment["ROS_DOMAIN_ID"]) <= 232
    assert environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"
    assert "ROS_STATIC_PEERS" not in environment
    assert isolated_environment(42)["ROS_DOMAIN_ID"] == "42"


def test_the_profile_has_the_segment_and_message_size_that_raw_images_need():
    import xml.etree.ElementTree as ElementTree

    root = ElementTree.parse(graph_environment({})["FASTRTPS_DEFAULT_PROFILES_FILE"]).getroot()
    values = {element.tag.split("}")[1]: element.text for element in root.iter()}
    assert int(values["segment_size"]) == 16 * 2**20 and int(values["maxMessageSize"]) == 4 * 2**20


def test_a_simulated_graph_gets_the_profile_without_network_unless_the_user_has_one():
    ours = graph_environment({})
    assert cell_environment(ours)["FASTRTPS_DEFAULT_PROFILES_FILE"].endswith("fastdds_cell.xml")
    assert cell_environment({"FASTRTPS_DEFAULT_PROFILES_FILE": "mine"}) == {}
    assert graph_environment({}, cell=True)["FASTRTPS_DEFAULT_PROFILES_FILE"].endswith("fastdds_cell.xml")
    assert isolated_environment()["FASTRTPS_DEFAULT_PROFILES_FILE"].endswith("fastdds_cell.xml")


_SOCKETS = """
import os, rclpy
from pathlib import Path
rclpy.init()
node = rclpy.create_node("node")
links = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink() and link.exists()]
for table in ("udp", "udp6", "tcp", "tcp6"):
    for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
        if f"socket:[{line.split()[9]}]" in links or line.split()[9] in str(links):
            print(line.split()[1].split(":")[0])
"""


def test_a_process_of_a_simulated_graph_has_no_socket_on_a_network(monkeypatch):
    """Loopback, and the group of discovery, which nothing but loopback joins."""
    for name in ("FASTRTPS_DEFAULT_PROFILES_FILE", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.delenv(name, raising=False)
    environment = {**graph_environment(cell=True), "ROS_DOMAIN_ID": "93"}
    found = subprocess.run(
        [sys.executable, "-c", _SOCKETS], env=environment, capture_output=True, text=True, timeout=60
    ).stdout.split()
    assert set(found) == {"0100007F", "0100FFEF"}  # 127.0.0.1, 239.255.0.1
