"""One ROS context for the session, in a domain of its own on this machine only; a fresh rig per test."""

import json
import os
import random

import pytest
import rclpy
from rclpy.context import Context
from rclpy.signals import SignalHandlerOptions
from ros_rig import Rig


@pytest.fixture(scope="session")
def ros_context():
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    context = Context()
    rclpy.init(args=[], context=context, domain_id=random.randint(1, 100),
               signal_handler_options=SignalHandlerOptions.NO)
    yield context
    context.try_shutdown()


@pytest.fixture
def rig(ros_context):
    rig = Rig(ros_context)
    yield rig
    rig.close()


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A folder that holds a model's card and nothing else."""
    folder = tmp_path_factory.mktemp("card")
    (folder / "model_card.json").write_text(json.dumps({"image_size": [96, 96], "frames": 9, "dt": 0.2}))
    return str(folder)
