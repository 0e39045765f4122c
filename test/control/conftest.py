import pytest
from control_rig import Arm

from action_images_ros.control.executor import ChunkExecutor
from action_images_ros.control.settings import Limits


@pytest.fixture
def limits():
    return Limits((0.0, -0.8, 0.0), (1.5, 0.8, 0.8), 0.4, 1.5, 3.0, 10.0, 60.0, 200.0)


@pytest.fixture
def arm(limits):
    """An enabled arm at rest at START that has been ticked for half a second."""
    arm = Arm(lambda clock: ChunkExecutor(limits, steady_clock=clock))
    arm.executor.enable()
    arm.run(0.5)
    return arm
