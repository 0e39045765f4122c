"""The graph as separate processes, the oracle for a model: it closes the loop and is wired as the table says."""

import json
import subprocess
import sys
from xml.etree import ElementTree

import pytest
import rclpy
from geometry_msgs.msg import PoseStamped

from action_images_ros.apps.trials import run_trial
from action_images_ros.graph.client import GraphError
from action_images_ros.graph.options import GraphOptions
from action_images_ros.graph.security import policy_of
from action_images_ros.graph.session import Session
from action_images_ros.interfaces.topics import TOPICS, topic_names
from action_images_ros.ros import qos

CAMERAS = ("camera_0", "camera_1")
NODES = {"cell", "policy", "decoder", "arm_command", "view"}


@pytest.fixture(scope="module")
def session(model_folder, tmp_path_factory):
    log = tmp_path_factory.mktemp("graph") / "graph.log"
    return Session(
        GraphOptions(
            policy="oracle", model=model_folder, overrides={"policy": {"nice": 0}, "cell": {"image_size": [96, 96]}}
        ),
        log=log,
    )


@pytest.fixture(scope="module")
def client(session):
    with session as client:
        yield client
    assert session.exit_codes == dict.fromkeys(NODES, 0)


def _endpoints(client, list_all):
    """topic -> {node: [(type, qos profile)]} of this package's nodes, for one side of the graph."""
    found = {}
    for name, _ in client.node.get_topic_names_and_types():
        for info in list_all(name):
            if info.node_name in NODES:
                found.setdefault(name, {}).setdefault(info.node_name, []).append((info.topic_type, info.qos_profile))
    return found


# What the table leaves to ROS itself.
_ROS_OWN = ("/rosout", "/parameter_events", "transition_event", "heartbeat")


def _expected(side):
    """The table's rows as this graph is configured: raw images, raw chunks."""
    rows = [row for row in TOPICS if not row.name.endswith("/compressed")]
    return {
        name if name.startswith("/") else f"/cell/{name}": row
        for name, row in topic_names(rows, CAMERAS).items()
        if NODES & set(getattr(row, side))
    }


@pytest.mark.parametrize("side", ["publishers", "subscribers"])
def test_the_running_graph_is_wired_as_the_table_says(client, side):
    expected = _expected(side)
    node = client.node
    query = node.get_publishers_info_by_topic if side == "publishers" else node.get_subscriptions_info_by_topic

    def wired():
        found = _endpoints(client, query)
        return (
            found
            if all(set(getattr(row, side)) & NODES <= set(found.get(name, {})) for name, row in expected.items())
            else None
        )

    found = client.wait_for("discovery of every endpoint", wired, 30.0)
    for name, row in expected.items():
        assert set(found[name]) - ({"cell"} if name == "/clock" else set()) == set(getattr(row, side)) & NODES - (
            {"cell"} if name == "/clock" else set()
        ), name
        of_row = qos.PROFILES[row.qos]
        expected_durability = {of_row.durability}
        if side == "subscribers" and row.said_by_user:  # `ros2 topic pub` is volatile: heard by a second subscription
            expected_durability.add(qos.volatile(of_row).durability)
        for endpoints in found[name].values():
            assert {kind for kind, _ in endpoints} == {row.type}, name
            assert {profile.reliability for _, profile in endpoints} == {of_row.reliability}, name
            assert {profile.durability for _, profile in endpoints} == expected_durability, name
    if side == "publishers":
        extra = {name for name in found if name not in expected and not name.endswith(_ROS_OWN)}
        assert extra == set()


def test_the_oracle_reaches_the_target_through_the_whole_graph(client):
    trial = run_trial(client, "reach_target", 1, limit_seconds=20.0)
    assert trial.success
    assert trial.chunks >= 1


def test_scenes_that_are_set_up_anew_raise_no_doubt_about_cameras(client):
    """Every scene has its own cameras, and the arm is set back: what was seen in the last one must not count."""
    told, chunks = [], []
    client.listen("sensor_check", told.append)
    client.listen("chunk/confidence", chunks.append)
    assert client.value("policy", "health_camera_0") == "good"
    for task, seed in (("push_button", 20001), ("reach_target", 20002)):
        client.enable(False)
        client.say("")
        scene = client.set_up(task, seed)
        client.say(scene["instruction"])
        client.enable(True)
        of_scene = len(chunks)
        client.wait_for(f"chunks of {task}", lambda seen=of_scene: len(chunks) >= seen + 3, 60.0)
    client.enable(False)
    doubts = [message.message for message in told if any(name in message.message for name in CAMERAS)]
    assert [doubt for doubt in doubts if "no image from" not in doubt] == []  # a busy machine may be silent


def test_a_disabled_arm_stays_where_it_is(client):
    """The sentinel: the arm, enabled afterwards, moves from exactly where it was."""
    client.enable(False)
    scene = client.set_up("reach_target", 2)
    poses = []
    client.listen("current_pose", poses.append)
    client.say(scene["instruction"])
    chunks = []
    client.listen("chunk/confidence", chunks.append)
    client.wait_for("three chunks", lambda: len(chunks) >= 3, 60.0)
    still = [pose.pose.position for pose in poses]
    assert max(abs(p.x - still[0].x) + abs(p.y - still[0].y) + abs(p.z - still[0].z) for p in still) < 2e-3
    client.enable(True)
    client.wait_for(
        "motion",
        lambda: abs(poses[-1].pose.position.x - still[0].x) + abs(poses[-1].pose.position.y - still[0].y) > 0.02,
        60.0,
    )
    client.enable(False)


def test_every_node_beats_and_tells_its_state(client):
    client.wait_for("diagnostics of every node", lambda: set(client.diagnostics) >= NODES, 20.0)
    assert json.loads(json.dumps(client.status))["task"] == "reach_target"
    assert "ORACLE" in client.value("policy", "policy")


def test_a_user_without_the_ros2_command_can_speak_and_enable(session, client):
    def user(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "action_images_ros.cli", "tell", *arguments],
            capture_output=True,
            text=True,
            env=session.environment,
            timeout=60,
        )

    assert user("say", "wave").stdout.strip() == "instruction: 'wave'"
    client.wait_for("the instruction at the policy", lambda: client.value("policy", "instruction") == "wave", 60.0)
    assert user("enable").stdout.strip() == "enabled"
    client.wait_for(
        "the arm's state", lambda: client.value("arm_command", "state") in ("idle", "holding", "executing"), 20.0
    )
    assert user("disable").returncode == 0
    refused = user("approve")
    assert refused.returncode == 2 and "nothing waits for approval" in refused.stderr


def test_a_scene_that_does_not_exist_is_refused(client):
    with pytest.raises(GraphError, match="task is 'juggle'"):
        client.set_up("juggle", 1)
    client.set_up("reach_target", 1)


def test_the_graph_is_not_to_be_seen_from_other_domains(session, client):
    context = rclpy.context.Context()
    rclpy.init(args=[], context=context, domain_id=101 + session.domain % 19)  # nobody else draws these
    try:
        stranger = rclpy.create_node("stranger", context=context)
        heard = {name for name, _ in stranger.get_topic_names_and_types()}
        stranger.destroy_node()
    finally:
        context.try_shutdown()
    assert not any(name.startswith("/cell/") for name in heard)


def test_the_security_policy_names_all_that_the_running_nodes_do(client):
    rights = {}
    for enclave in ElementTree.fromstring(policy_of("cell")).iter("enclave"):
        rights[enclave.get("path").rsplit("/", 1)[1]] = {entry.text for entry in enclave.iter() if entry.text}
    node = client.node
    for name in NODES:
        for query in (
            node.get_publisher_names_and_types_by_node,
            node.get_subscriber_names_and_types_by_node,
            node.get_service_names_and_types_by_node,
        ):
            for full, _ in query(name, "/cell"):
                assert full in rights[name] or full.removeprefix("/cell/") in rights[name] | {"clock"}, (name, full)


def test_a_second_commander_is_named_and_the_arm_not_enabled(client):
    client.enable(True, patience_s=20.0)
    client.enable(False)
    rival = client.node.create_publisher(PoseStamped, "target_pose", qos.COMMAND)
    try:
        client.wait_for("the rival's name", lambda: "also published by /cell/user" in client.complaints(), 20.0)
        with pytest.raises(GraphError, match="also published by /cell/user"):
            client.enable(True, patience_s=0.5)
    finally:
        client.node.destroy_publisher(rival)
    client.wait_for("peace", lambda: "also published" not in client.complaints(), 60.0)
    client.enable(True, patience_s=10.0)
    client.enable(False)


def test_the_checklist_finds_everything_in_the_cell(session, client):
    done = subprocess.run(
        [sys.executable, "-m", "action_images_ros.cli", "check-robot", "cell", "--seconds", "4"],
        capture_output=True,
        text=True,
        env=session.environment,
        timeout=60,
    )
    assert done.returncode in (0, 1) and "next: " in done.stdout and "Traceback" not in done.stderr
    assert not [line for line in done.stdout.splitlines() if line.startswith("missing")]
    assert "ok        target_pose: published by arm_command alone" in done.stdout
