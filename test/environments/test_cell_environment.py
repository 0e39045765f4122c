import numpy as np

from action_images_ros.environments.cell_environment import CellEnvironment
from action_images_ros.environments.protocol import Environment


def test_the_cell_is_an_environment_whose_expert_succeeds():
    environment = CellEnvironment("reach_target", 3, image_size=(32, 32))
    assert isinstance(environment, Environment) and environment.K.shape == (2, 3, 3)
    begin = environment.tcp_pose
    for _ in range(400):
        environment.step_expert(1)
        if environment.success():
            break
    assert environment.success() and not environment.took_wrong_object()
    assert environment.expert_openness() in (0.0, 1.0)
    environment.reset(4)
    assert environment.time_ns == 0 and not environment.success()
    environment.reset(3)
    np.testing.assert_allclose(environment.tcp_pose, begin)
    environment.close()
