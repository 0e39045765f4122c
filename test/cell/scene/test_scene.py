import numpy as np
import pytest

from action_images_ros.cell.scene.scene import ASSETS, JOINT_NAMES, SURFACES, compile_scene, surface_texture
from action_images_ros.gl import mujoco


@pytest.fixture(scope="module")
def model():
    return compile_scene(lambda spec: None)


def test_the_robot_stands_at_the_origin_of_the_world_on_a_table_at_height_zero(model):
    np.testing.assert_allclose(model.body("link0").pos, 0)
    table = model.geom("table")
    assert table.pos[2] + table.size[2] == pytest.approx(0.0)


def test_the_tool_centre_lies_ahead_of_the_hand_along_its_approach(model):
    site = model.site("tcp")
    assert model.body(site.bodyid[0]).name == "hand"
    np.testing.assert_allclose(site.pos, [0, 0, 0.1034])
    np.testing.assert_allclose(site.quat, [1, 0, 0, 0])


def test_every_joint_of_the_arm_is_there(model):
    for name in JOINT_NAMES:
        assert model.joint(name).qposadr.size == 1


def test_the_arm_stays_where_it_is_without_sagging(model):
    data = mujoco.MjData(model)
    angles = np.array([0, -0.3, 0, -2.4, 0, 2.1, 0.785])
    data.qpos[:7] = angles
    data.ctrl[:7] = angles
    mujoco.mj_step(model, data, 500)
    np.testing.assert_allclose(data.qpos[:7], angles, atol=1e-3)


def test_the_servos_do_not_shake_however_far_their_command_jumps(model):
    data = mujoco.MjData(model)
    angles = np.array([0, -0.3, 0, -2.4, 0, 2.1, 0.785])
    data.qpos[:7] = angles
    jump = np.array([0.2, 0, -0.2, 0, 0.2, 0, -0.2])
    data.ctrl[:7] = angles + jump
    mujoco.mj_step(model, data, 1000)
    np.testing.assert_allclose(data.qpos[:7], angles + jump, atol=1e-3)
    np.testing.assert_allclose(data.qvel[:7], 0, atol=1e-3)


def test_the_meshes_stay_light(model):
    assert model.mesh_facenum.sum() < 13_000
    assert sum(path.stat().st_size for path in ASSETS.rglob("*") if path.is_file()) < 700_000


def test_licence_and_changes_lie_beside_the_vendored_files():
    folder = ASSETS / "franka_emika_panda"
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert "decimated" in (folder / "CHANGES.md").read_text()


def test_the_textures_differ_from_each_other_and_not_from_call_to_call():
    bank = [surface_texture(index) for index in range(SURFACES)]
    for index, texture in enumerate(bank):
        np.testing.assert_array_equal(texture, surface_texture(index))
        assert texture.min() > 100, "a texture only shades; the colour comes from the seed"
        for other in bank[:index]:
            assert not np.array_equal(texture, other)
