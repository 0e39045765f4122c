"""Fixtures of more than one folder of tests, and which tests share a process of `pytest -n`."""

import os
import random

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the cores are taken by the other processes
LIVE = ("apps", "docs", "graph", "launch", "nodes", "ros")
EXPORTED = ("benchmarks", "evaluation/test_export", "world_model/onnx")
"""Tests that start graphs, at most one at a time, and those that need the exported model: one process runs them."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Files stay whole under `pytest -n`; one process runs LIVE and EXPORTED."""
    from xdist.scheduler import LoadScopeScheduling

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.split("::")[0]
            return "together" if file.startswith(tuple(f"test/{name}" for name in LIVE + EXPORTED)) else file

    return Files(config, log)


@pytest.fixture(scope="session")
def exported_folder(tmp_path_factory):
    """A tiny model with random weights and its exports for two views, policy and world. Copy it to change it."""
    from action_images_ros.world_model.nano.checkpoints import ModelCard, save_random_model
    from action_images_ros.world_model.onnx.export import export_graph

    folder = tmp_path_factory.mktemp("exported")
    arguments = {"width": 24, "layers": 1, "heads": 2, "quarter_channels": 8, "eighth_channels": 8, "condition": 16}
    save_random_model(folder, arguments, ModelCard("tiny", (32, 48), 9, 0.2))
    for mode in ("policy", "world"):
        export_graph(folder, folder, mode, 2)
    return folder


@pytest.fixture(scope="session")
def ros_context():
    """One ROS context for the session, in a domain of its own on this machine only."""
    import rclpy
    from rclpy.context import Context
    from rclpy.signals import SignalHandlerOptions

    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    context = Context()
    rclpy.init(
        args=[], context=context, domain_id=random.randint(1, 100), signal_handler_options=SignalHandlerOptions.NO
    )
    yield context
    context.try_shutdown()


@pytest.fixture
def rig(ros_context):
    """Nodes and topics of one test."""
    from ros_rig import Rig

    rig = Rig(ros_context)
    yield rig
    rig.close()
