"""Replayed through the live graph a recording gets the labels that it gets offline."""

import json

import numpy as np
import pytest
from labelling_small import TruthModel
from recordings import NAMES, record, small_episode

from action_images_ros.data.rosbag2.bag import Bag, stamp_of
from action_images_ros.interfaces import topics
from action_images_ros.labelling.offline import LabelOptions, label_bag
from action_images_ros.nodes.decoder_node import DecoderNode
from action_images_ros.nodes.label_node import LabelNode
from action_images_ros.ros import qos
from action_images_ros.ros.chunk_messages import chunk_from_messages
from action_images_ros.ros.conversions import ns_from_stamp

CAMERAS = list(NAMES[:2])
TURN = [0.0, 0.0, 0.7071067811865476, 0.7071067811865476]
FRAMES = 14


@pytest.fixture(scope="module")
def episode():
    return small_episode(frames=FRAMES)


@pytest.fixture(scope="module")
def source(episode, tmp_path_factory):
    return record(tmp_path_factory.mktemp("bags") / "source", episode)


class Player:
    """Publishes the bytes of a recording, in its order and as fast as they are used."""

    def __init__(self, rig, node):
        self.rig, self.node, self.publishers = rig, node, {}

    def _publisher(self, topic, kind):
        if topic not in self.publishers:
            rows = topics.topic_names(topics.TOPICS, CAMERAS)
            row = rows[topic.removeprefix("/cell/")]
            publisher = self.rig.probe.create_publisher(topics.message_type(kind), topic, qos.PROFILES[row.qos])
            self.rig.spin_until(publisher.get_subscription_count, f"a subscription to {topic}")
            self.publishers[topic] = publisher
        return self.publishers[topic]

    def play(self, source, without=lambda message: False, settled=lambda: True):
        taken, live = [0], self.node.live
        put = live.put

        def counted(*arguments, **options):
            put(*arguments, **options)
            taken[0] += 1

        live.put = counted
        sent = 0
        with Bag(source) as bag:
            for message in bag.messages():
                if not without(message):
                    self._publisher(message.topic, message.type).publish(message.data)
                    sent += 1
                    self.rig.spin_until(lambda sent=sent: taken[0] == sent and live.waiting, message.topic)
                    self.rig.spin_until(settled, "the chunks so far")
        live.end()
        live.put = put


def _start(rig, episode, **parameters):
    node = rig.start(
        lambda **kwargs: LabelNode(lambda node: TruthModel(episode), **kwargs),
        cameras=CAMERAS,
        robot="cell",
        robot_tool_from_model_tool=TURN,
        idle=60.0,
        **parameters,
    )
    assert node.started, node.problems()
    return node


def _offline(source, episode, output, **options):
    report = label_bag(source, output, TruthModel(episode), LabelOptions(**options))
    with Bag(output) as bag:
        wanted = {}
        for message in bag.messages():
            if message.topic.startswith("/cell/label/"):
                wanted.setdefault(message.topic.removeprefix("/cell/label/"), []).append(message)
        contents = {topic: [bag.read(m) for m in messages] for topic, messages in wanted.items()}
    return report, wanted, contents


def _pose(message):
    p, q = message.pose.pose.position, message.pose.pose.orientation
    return [p.x, p.y, p.z, q.x, q.y, q.z, q.w]


def test_live_and_offline_give_the_same_labels(rig, episode, source, tmp_path):
    node = _start(rig, episode, pace=0.5)
    assert rig.start(DecoderNode, cameras=CAMERAS, dt=0.2, robot_tool_from_model_tool=TURN).started
    poses, gripper = rig.listen("label/pose"), rig.listen("label/gripper")
    drawn = rig.listen("chunk/<cam>/action_images", "right")
    chunks = [rig.listen(f"chunk/{part}") for part in ("poses", "gripper", "confidence")]
    path = rig.listen("label/path")
    report, messages, contents = _offline(source, episode, tmp_path / "out")
    Player(rig, node).play(source, settled=lambda: all(len(c) == node.windows for c in (*chunks, drawn)))
    rig.spin_until(lambda: len(poses) == len(gripper) == FRAMES and path, "a label of every frame")
    rig.spin_until(lambda: all(len(c) == report["windows"] for c in chunks), "every chunk decoded")
    assert [ns_from_stamp(m.header.stamp) for m in poses] == [stamp_of(m.data) for m in messages["pose"]]
    np.testing.assert_array_equal([_pose(m) for m in poses], [_pose(m) for m in contents["pose"]])
    np.testing.assert_array_equal([m.pose.covariance for m in poses], [m.pose.covariance for m in contents["pose"]])
    assert [m.position[0] for m in gripper] == [m.position[0] for m in contents["gripper"]]
    assert [bytes(m.data) for m in drawn] == [m.data.tobytes() for m in contents["chunk/right/action_images"]]
    for part, heard in zip(("poses", "gripper", "confidence"), chunks, strict=True):
        assert len(heard) == len(contents[f"chunk/{part}"]), part
    offline = [
        chunk_from_messages(p, g, c, "base")
        for p, g, c in zip(*(contents[f"chunk/{part}"] for part in ("poses", "gripper", "confidence")), strict=True)
    ]
    for live, other in zip(
        (chunk_from_messages(*parts, "base") for parts in zip(*chunks, strict=True)), offline, strict=True
    ):
        assert live.stamp_ns == other.stamp_ns
        np.testing.assert_allclose(live.poses, other.poses, rtol=0, atol=1e-12)  # camera poses went through messages
        np.testing.assert_array_equal(live.valid, other.valid)


def test_what_offline_leaves_out_live_leaves_out_too(rig, episode, source, tmp_path):
    """A frame without the right camera's picture, and no arm."""
    node = _start(rig, episode, known_pose="no")
    poses, gaps = rig.listen("label/pose"), rig.listen("label/gap")

    def lost(message):
        return message.topic == "/cell/right/image_raw" and message.log_ns // 200_000_000 == 11

    Player(rig, node).play(source, lost)
    rig.spin_until(lambda: len(poses) == FRAMES - 1 and gaps, "the labels")
    assert json.loads(gaps[0].data)["stamp_ns"] == 2_200_000_000
    assert 2_200_000_000 not in {ns_from_stamp(m.header.stamp) for m in poses}
    assert node._labeller.known_pose == "no" and all(clips.poses is None for clips in node._labeller.model.seen)


@pytest.mark.parametrize(
    "parameters, words",
    [
        ({"cameras": ["left"]}, "at least 2"),
        ({"known_pose": "maybe"}, "known_pose is 'maybe'"),
        ({"stride": 9}, "stride is 9; give 1 to 4"),
        ({"robot": "terminator"}, "terminator"),
    ],
)
def test_parameters_that_make_no_sense_are_named(rig, episode, parameters, words):
    node = rig.start(
        lambda **kwargs: LabelNode(lambda node: TruthModel(episode), **kwargs), **{"cameras": CAMERAS, **parameters}
    )
    assert not node.started and words in node.problems()["configure"]
