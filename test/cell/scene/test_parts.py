import numpy as np
import pytest

from action_images_ros.cell.scene.parts import Part, add_parts, finger_reach, put_body, resize_parts, within_reach
from action_images_ros.gl import mujoco

LARGE = [
    Part("shelf", (0.0, 0.0, 0.1), (0.1, 0.1, 0.01)),
    Part("mark", (0.0, 0.0, 0.12), (0.1, 0.1, 0.01), solid=False),
]
SMALL = [Part("shelf", (0.3, 0.0, 0.2), (0.02, 0.02, 0.01))]


@pytest.fixture
def model():
    spec = mujoco.MjSpec()
    add_parts(spec, spec.worldbody.add_body(name="rack"), LARGE)
    ball = spec.worldbody.add_body(name="ball", pos=[0, 0, 0.13])
    ball.add_freejoint()
    ball.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.01, 0, 0], mass=0.01)
    return spec.compile()


def resting_height(model, x, y=0.0):
    data = mujoco.MjData(model)
    data.qpos[:3] = [x, y, 0.25]
    mujoco.mj_step(model, data, 250)
    return data.qpos[2]


def test_what_stands_on_a_part_goes_with_its_new_place_and_size(model):
    assert resting_height(model, 0.05) == pytest.approx(0.12, abs=2e-3), "on the shelf, through what is only to look at"
    resize_parts(model, SMALL)
    assert resting_height(model, 0.3) == pytest.approx(0.22, abs=2e-3)
    assert resting_height(model, 0.05) < 0 and resting_height(model, 0.3, 0.05) < 0


def test_a_body_is_put_and_turned(model):
    put_body(model, "rack", [0.4, 0.1, 0.0], np.pi / 2)
    data = mujoco.MjData(model)
    resize_parts(model, SMALL)
    mujoco.mj_kinematics(model, data)
    np.testing.assert_allclose(data.geom("shelf").xpos, [0.4, 0.4, 0.2], atol=1e-9)


def test_closed_fingers_are_thin_along_the_tools_x_axis():
    assert finger_reach(np.array([-1.0, 0, 0])) < finger_reach(np.array([0, 1.0, 0])) < 0.03


def test_what_lies_outside_the_workspace_box_of_the_cell_is_out_of_reach():
    assert within_reach(np.array([0.5, 0.3, 0.1]))
    assert not any(within_reach(np.array(spot)) for spot in ([0.25, 0, 0], [0.75, 0, 0], [0.5, -0.35, 0]))
