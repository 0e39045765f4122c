"""The registry and the judgement of the fault campaign, and three faults of it against the live graph."""

import json

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped

from action_images_ros.apps.campaign.faults import FAULTS, faults_named
from action_images_ros.apps.campaign.report import markdown
from action_images_ros.apps.campaign.run import Outcome, run_campaign
from action_images_ros.apps.campaign.tap import CELL_REMAPS
from action_images_ros.graph.options import GraphOptions, processes


def test_every_fault_has_a_name_of_its_own_and_spoils_tapped_topics():
    assert len({row.name for row in FAULTS}) == len(FAULTS) >= 50
    assert all(set(row.messages) <= set(CELL_REMAPS) and (row.messages or row.act) for row in FAULTS)


def test_faults_are_chosen_by_name_and_group_and_others_are_refused():
    assert [row.name for row in faults_named("pose: NaN")] == ["pose: NaN"]
    assert {row.group for row in faults_named("nodes,people")} == {"nodes", "people"}
    assert not any("," in row.name for row in FAULTS)
    assert faults_named("all") == FAULTS
    for wrong in ("gravity", "", "pose: NaN,gravity"):
        with pytest.raises(ValueError, match="faults has"):
            faults_named(wrong)


def _spoilt(name, count=3):
    """What becomes of `count` messages of current_pose, 0.1 s apart, at x = 0.1, 0.2, .."""
    (make,) = faults_named(name)[0].messages.values()
    spoil, answers = make(), []
    for index in range(count):
        message = PoseStamped()
        message.header.stamp.sec, message.pose.position.x = 100 + index, 0.1 * (index + 1)
        message.pose.orientation.w = 1.0
        answers.append(spoil(message))
    return answers


def test_messages_are_spoilt_as_the_fault_says():
    assert _spoilt("pose: silent") == [None] * 3
    frozen = _spoilt("pose: frozen with new stamps", 1)[0]
    assert frozen.pose.position.x == pytest.approx(0.1)
    low = _spoilt("pose: one sample 0.3 m low")
    np.testing.assert_allclose([m.pose.position.z for m in low], [-0.3, 0, 0])
    assert [m.header.stamp.sec for m in _spoilt("pose: 1 s old")] == [99, 100, 101]
    assert all(len(answer) == 2 for answer in _spoilt("pose: every message twice"))


def test_a_remapped_topic_reaches_the_command_line_of_its_node(tmp_path):
    specs = processes(GraphOptions(remaps={"cell": {"current_pose": "tap/current_pose"}}))
    arguments = {spec.node.name: spec.ros_arguments(tmp_path) for spec in specs}
    assert "current_pose:=tap/current_pose" in arguments["cell"]
    assert not any("tap/" in word for word in arguments["policy"])


def test_the_table_names_what_was_not_as_expected():
    good = Outcome("a", "g", "held", True, "faulted", 12.3, 0.41, "faulted: x | y")
    bad = Outcome("b", "g", "held", False, "executing", 300.0, 3.0, "")
    table = markdown([good, bad]).splitlines()
    assert len(table) == 4 and "| yes | 12 | 0.41 |" in table[2] and "**no**" in table[3]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("campaign")
    card = {"name": "tiny", "image_size": [96, 96], "frames": 9, "dt": 0.2}
    (folder / "model_card.json").write_text(json.dumps(card))
    names = "pose: offset of 15 cm,decoder is stopped,disabled in motion"
    return {row.fault: row for row in run_campaign(faults_named(names), model=str(folder), log=folder / "graph.log")}


def test_faults_in_motion_brake_the_arm_and_are_named(outcomes):
    assert all(row.moved_mm < 400 and not row.problem for row in outcomes.values()), outcomes
    told = {name: row.told for name, row in outcomes.items()}
    assert "current_pose" in told["pose: offset of 15 cm"]
    assert "node decoder is silent" in told["decoder is stopped"]
    assert {row.state for row in outcomes.values()} <= {"faulted", "disabled"}
