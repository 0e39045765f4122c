import numpy as np
import pytest
from lerobot_stand_in import INPUTS, LeRobotStandIn

from action_images_ros import ModelCard, Observation, Prediction, chunk_from_prediction, load_policy
from action_images_ros.child_process.child import NotInstalledError
from action_images_ros.lerobot_runtime.policy import LeRobotPolicy
from action_images_ros.policy.protocol import Policy, check_prediction

CARD = ModelCard("act", (96, 96), 9, 0.2, backend="lerobot", output="poses")
POSE = np.array([0.5, 0.1, 0.3, 0.0, 1.0, 0.0, 0.0])
NAMES = ("left", "right")


def observation(names=NAMES):
    return Observation(
        stamp_ns=7,
        camera_names=names,
        images=np.arange(2 * 96 * 96 * 3, dtype=np.uint8).reshape(2, 96, 96, 3),
        K=np.repeat(np.array([[90.0, 0, 47.5], [0, 90.0, 47.5], [0, 0, 1]])[None], 2, axis=0),
        world_from_camera=np.stack([np.eye(4), np.diag([1.0, -1, -1, 1])]),
        tool_pose=POSE,
        openness=1.0,
        instruction="lift the block",
    )


def test_a_chunk_begins_at_the_observation_and_goes_on_with_the_actions(tmp_path):
    policy = LeRobotPolicy(CARD, LeRobotStandIn(), tmp_path)
    seen = observation()
    prediction = policy.predict(seen, seed=3)
    assert isinstance(policy, Policy) and isinstance(check_prediction(prediction, seen, CARD), Prediction)
    chunk = chunk_from_prediction(prediction, np.eye(3))
    np.testing.assert_allclose(chunk.poses[:, 0], 0.5 + 0.01 * np.arange(9), atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(chunk.poses[:, 3:], axis=1), 1.0)
    assert chunk.valid.all() and chunk.openness[0] == 0.0 and (np.diff(chunk.openness[1:]) > 0).all()


def test_it_is_asked_in_lerobots_names(tmp_path):
    server = LeRobotStandIn()
    LeRobotPolicy(CARD, server, tmp_path).predict(observation(("right", "left")), seed=3)
    asked = server.asked[0]
    assert asked["seed"] == 3 and asked["task"] == "lift the block"
    np.testing.assert_array_equal(asked["images"]["observation.images.left"], observation().images[1])
    np.testing.assert_array_equal(asked["vectors"]["observation.state"], [*POSE, 1.0])
    np.testing.assert_array_equal(asked["vectors"]["observation.world_from_camera.right"], np.eye(4).reshape(-1))
    assert set(asked["vectors"]) | set(asked["images"]) == set(INPUTS)


@pytest.mark.parametrize(
    "inputs, action, words",
    [
        ({**INPUTS, "observation.joints": ("STATE", (7,))}, (8,), "observation.joints"),
        ({**INPUTS, "observation.state": ("STATE", (7,))}, (8,), r"observation.state of act is \[7\]"),
        ({**INPUTS, "observation.images.left": ("VISUAL", (3, 48, 64))}, (8,), r"images.left of act is \[3, 48, 64\]"),
        (INPUTS, (7,), r"action of act is \[7\]"),
        ({"observation.state": ("STATE", (8,))}, (8,), "no camera"),
    ],
)
def test_a_policy_of_another_kind_is_refused_when_it_is_loaded(tmp_path, inputs, action, words):
    with pytest.raises(ValueError, match=words):
        LeRobotPolicy(CARD, LeRobotStandIn(inputs, action), tmp_path)


@pytest.mark.parametrize(
    "actions, words",
    [
        (np.full((8, 8), np.nan), "not finite"),
        (np.zeros((8, 8)), "no rotation"),
        (np.zeros((8, 7)), r"\[8, 7\]"),
        (np.zeros((0, 8)), r"\[0, 8\]"),
    ],
)
def test_actions_that_are_none_give_no_chunk(tmp_path, actions, words):
    with pytest.raises(ValueError, match=words):
        LeRobotPolicy(CARD, LeRobotStandIn(actions=actions), tmp_path).predict(observation())


def test_cameras_of_other_names_are_told(tmp_path):
    with pytest.raises(ValueError, match="cameras are left, wrist.*left, right"):
        LeRobotPolicy(CARD, LeRobotStandIn(), tmp_path).predict(observation(("left", "wrist")))


def test_a_card_of_action_images_is_refused(tmp_path):
    card = ModelCard("act", (96, 96), 9, 0.2, backend="lerobot")
    with pytest.raises(ValueError, match="output of act"):
        LeRobotPolicy(card, LeRobotStandIn(), tmp_path)


def test_a_folder_is_loaded_by_its_cards_backend(tmp_path, monkeypatch):
    CARD.save(tmp_path)
    with pytest.raises(ValueError, match=r"no config.json"):
        load_policy(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setenv("ACTION_IMAGES_LEROBOT_PYTHON", str(tmp_path / "python"))
    with pytest.raises(NotInstalledError, match="lerobot is not installed.*make lerobot"):
        load_policy(tmp_path)
    with pytest.raises(ValueError, match="runtime is 'onnx'"):
        load_policy(tmp_path, runtime="onnx")
