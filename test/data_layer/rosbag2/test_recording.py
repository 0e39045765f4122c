"""An episode is written with the topics, types and QoS of the graph."""

import pytest
from recordings import record, small_episode

from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.data.rosbag2.recording import write_recording
from action_images_ros.data.rosbag2.topics import BagSetup
from action_images_ros.data.rosbag2.writer import qos_named
from action_images_ros.interfaces.topics import TOPICS, topic_names


@pytest.mark.parametrize("images", ["raw", "png"])
def test_topics_are_those_of_the_graph(tmp_path, images):
    episode = small_episode(frames=2, size=(8, 8))
    table = {f"/cell/{name}": row for name, row in topic_names(TOPICS, episode.camera_names).items()}
    with Bag(record(tmp_path / "demo", episode, images=images)) as bag:
        for name, topic in bag.topics.items():
            assert topic.type == table[name].type and topic.qos == qos_named(table[name].qos), name


def test_what_a_recording_needs_is_asked_for(tmp_path):
    with pytest.raises(ValueError, match="robot is not given"):
        write_recording(tmp_path / "a", small_episode(), BagSetup())
    with pytest.raises(ValueError, match="images is 'gif'"):
        record(tmp_path / "a", images="gif")
    assert not list(tmp_path.iterdir())
