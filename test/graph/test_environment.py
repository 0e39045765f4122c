"""What processes of the graph are given: the shared-memory profile, an own domain for what is only simulated."""

from action_images_ros.graph.environment import graph_environment, isolated_environment


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
