"""What processes of the graph are given: the shared-memory profile, an own domain for what is only simulated."""

import json

import pytest

from action_images_ros.graph.environment import graph_environment, isolated_environment
from action_images_ros.policy.card import read_card_facts


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


def _card(tmp_path, **changes):
    (tmp_path / "model_card.json").write_text(json.dumps({"image_size": [96, 96], "frames": 9, "dt": 0.2, **changes}))
    return str(tmp_path)


def test_a_card_tells_size_frames_and_time_without_torch(tmp_path):
    facts = read_card_facts(_card(tmp_path))
    assert (facts.image_size, facts.frames, facts.dt) == ((96, 96), 9, 0.2)


@pytest.mark.parametrize("changes", [{"frames": 1}, {"dt": 0.0}, {"dt": None}, {"image_size": [4]}, {"frames": "many"}])
def test_a_card_that_makes_no_sense_is_refused(tmp_path, changes):
    with pytest.raises(ValueError, match="model_card.json"):
        read_card_facts(_card(tmp_path, **changes))


def test_a_folder_without_a_card_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="model_card.json does not exist"):
        read_card_facts(str(tmp_path))
