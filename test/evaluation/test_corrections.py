import numpy as np
import pytest

from action_images_ros.cell import ROBOT_TOOL_FROM_MODEL_TOOL
from action_images_ros.cell.demonstrate import demonstrate
from action_images_ros.control.chunk import Chunk
from action_images_ros.evaluation import corrections
from action_images_ros.evaluation.corrections import Corrections
from action_images_ros.geometry.pose import to_robot_tool

SEED = 84_000


@pytest.fixture
def leads_to(monkeypatch):
    """leads_to(goal): for some seconds the model's chunks go straight to goal(cell) [3], m."""

    def use(goal, seconds=3.0):
        class Source:
            dt = 0.2

            def __init__(self, *_):
                self.seconds = []

            def __call__(self, cell):
                start = cell.tcp_pose
                poses = np.repeat(start[None], 9, axis=0)
                way = goal(cell) - start[:3]
                along = np.minimum(np.arange(9) * 0.03, np.linalg.norm(way)) / np.linalg.norm(way)
                poses[:, :3] += along[:, None] * way
                covariance = np.repeat(1e-8 * np.eye(6)[None], 9, axis=0)
                return Chunk(cell.time_ns, self.dt, poses, np.zeros(9), covariance, np.ones(9, dtype=bool))

            def moved(self, *_):
                pass

        monkeypatch.setattr(corrections, "ModelSource", Source)
        monkeypatch.setattr(corrections, "_loaded", lambda model: model)
        monkeypatch.setattr(corrections, "LED_SECONDS", (seconds, seconds))

    return use


def test_the_expert_goes_on_from_where_the_model_led(leads_to):
    beside = np.array([0.0, 0.12, 0.1])
    leads_to(lambda cell: cell.object_position + beside)
    episode = Corrections("nano")("reach_target", SEED, size=(16, 16), cameras=2, images=False)
    usual = demonstrate("reach_target", SEED, size=(16, 16), cameras=2, images=False)
    begun, goal = (to_robot_tool(e.poses, ROBOT_TOOL_FROM_MODEL_TOOL) for e in (episode, usual))
    assert episode.success
    np.testing.assert_allclose(begun[0, :3], goal[-1, :3] + beside, atol=0.03)
    np.testing.assert_allclose(begun[-1, :3], goal[-1, :3], atol=0.02)


def test_what_the_model_does_itself_is_no_correction(leads_to):
    leads_to(lambda cell: cell.object_position, seconds=8.0)
    assert not Corrections("nano")("reach_target", SEED, size=(16, 16), cameras=2, images=False).success


def test_the_expert_gets_out_from_behind_the_front_of_the_drawer(leads_to):
    def inside(cell):
        """Into the open drawer, from above: first over it, then down."""
        front = cell.data.body("drawer")
        spot = front.xpos - 0.06 * front.xmat.reshape(3, 3)[:, 0]
        over = np.linalg.norm((spot - cell.tcp_pose[:3])[:2]) > 0.015
        return np.array([spot[0], spot[1], 0.17 if over else 0.085])

    leads_to(inside)
    episode = Corrections("nano")("close_drawer", SEED, size=(16, 16), cameras=2, images=False)
    assert to_robot_tool(episode.poses, ROBOT_TOOL_FROM_MODEL_TOOL)[0, 2] < 0.12
    assert episode.success
