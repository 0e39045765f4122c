"""The client's own thread, without a running graph."""

import pytest
from std_msgs.msg import String

from action_images_ros.graph.client import GraphClient
from action_images_ros.ros import qos


@pytest.fixture
def client(ros_context):
    with GraphClient("client_test", context=ros_context) as client:
        yield client


def test_a_message_that_is_not_understood_leaves_the_client_listening(client):
    publisher = client.node.create_publisher(String, "cell/status", qos.LATCHED)
    heard = []
    client.listen("cell/status", heard.append)
    for text in ("{", "[]", '{"task": "reach_target"}'):
        publisher.publish(String(data=text))
        client.wait_for("the message", lambda text=text: text in [message.data for message in heard], 60.0)
        assert isinstance(client.status, dict)
    client.wait_for("the status", lambda: client.status == {"task": "reach_target"}, 60.0)
