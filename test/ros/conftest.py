"""One ROS context for the session, in a domain of its own on this machine only; a fresh rig per test that asks."""

import os
import random

import pytest


@pytest.fixture(scope="session")
def ros_context():
    import rclpy
    from rclpy.context import Context
    from rclpy.signals import SignalHandlerOptions

    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    context = Context()
    rclpy.init(args=[], context=context, domain_id=random.randint(1, 100),
               signal_handler_options=SignalHandlerOptions.NO)
    yield context
    context.try_shutdown()


@pytest.fixture
def rig(ros_context):
    from ros_rig import Rig

    rig = Rig(ros_context)
    yield rig
    rig.close()
