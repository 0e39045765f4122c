"""The cell's Panda, loaded once."""

import numpy as np
import pytest

from action_images_ros.control.settings import RobotSettings
from action_images_ros.robot_model.load import load_check

SPEEDS = (2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61)


@pytest.fixture(scope="session")
def panda():
    """Its check with the table as the only keep-out."""
    return load_check(RobotSettings(robot_description="panda", max_joint_speed=SPEEDS))


@pytest.fixture(scope="session")
def pose_of(panda):
    """Pose `[7]` of its tool at joint positions `[7]`."""
    return lambda q: panda.model.tool(np.asarray(q, dtype=float))[0].copy()
