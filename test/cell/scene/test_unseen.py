import numpy as np
import pytest

from action_images_ros.cell.scene import randomise
from action_images_ros.cell.scene.scene import compile_scene
from action_images_ros.cell.scene.unseen import draw_unseen_cameras, draw_unseen_lights, miscalibrated
from action_images_ros.geometry.camera import intrinsics_from_fovy, project
from action_images_ros.gl import mujoco


def test_unseen_cameras_stand_outside_every_training_range_by_no_more_than_is_stated():
    rng = np.random.default_rng(0)
    distances = []
    for _ in range(200):
        views = draw_unseen_cameras(rng)
        sides = []
        for view in views:
            offset = view.world_from_camera[:3, 3] - randomise.WORKSPACE_CENTRE
            distance, azimuth = np.linalg.norm(offset), np.degrees(np.arctan2(offset[1], offset[0]))
            assert 60 <= abs(azimuth) <= 75
            assert 0.9 * 0.8 <= distance <= 0.9 or 1.3 <= distance <= 1.3 * 1.2
            assert view.fovy < 42 or view.fovy > 60
            sides.append(np.sign(azimuth))
            distances.append(distance)
        assert sorted(sides) == [-1, 1]
        assert [view.name for view in views] == ["camera_0", "camera_1"]
    assert 0.3 < np.mean(np.array(distances) < 1) < 0.7, "near and far ones occur"


def test_unseen_cameras_frame_the_workspace_like_those_of_training():
    corners = np.array([[x, y, z] for x in (0.35, 0.65) for y in (-0.2, 0.2) for z in (0.0, 0.25)])
    spread = {}
    for name, draw in (("seen", lambda rng: randomise.draw_cameras(rng, 2)), ("unseen", draw_unseen_cameras)):
        rng, heights = np.random.default_rng(1), []
        for _ in range(50):
            for view in draw(rng):
                uv, depth = project(corners, intrinsics_from_fovy(view.fovy, 96, 96), view.world_from_camera)
                assert (depth > 0).all() and (uv > -14).all() and (uv < 96 + 14).all()
                heights.append(np.ptp(uv[:, 1]))
        spread[name] = np.mean(heights)
    assert spread["unseen"] == pytest.approx(spread["seen"], rel=0.15)


def test_unseen_lights_lie_outside_the_training_ranges():
    model, rng = compile_scene(lambda spec: None), np.random.default_rng(2)
    sun, other = model.light("light_0").id, model.light("light_1").id
    for _ in range(50):
        randomise.draw_lights(model, rng)
        assert not model.light_castshadow.any()
        draw_unseen_lights(model, rng)
        assert np.arccos(-model.light_dir[sun, 2]) > 0.9
        assert model.light_diffuse[sun].max() > 0.45 and np.ptp(model.light_diffuse[sun]) > 0.08
        assert model.light_castshadow[sun] and not model.light_diffuse[other].any()
        assert not 0.3 <= model.vis.headlight.ambient[0] <= 0.45


def test_a_shadow_falls_under_the_unseen_light():
    def post(spec):
        spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.03, 0.03, 0.2], pos=[0.6, 0.0, 0.2])

    model = compile_scene(post)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    draw_unseen_lights(model, np.random.default_rng(0))
    pictures = []
    with mujoco.Renderer(model, 64, 64) as renderer:
        for shadows in (0, 1):
            renderer.update_scene(data, camera="camera_0")
            renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = shadows
            pictures.append(renderer.render().astype(int))
    darker = (pictures[0] - pictures[1]).sum(-1) > 30
    assert 0.005 < darker.mean() < 0.6


def test_a_miscalibrated_camera_is_off_by_just_as_much_as_was_asked_for_and_each_in_its_own_direction():
    E = np.stack([randomise.look_at(np.array([1.4, y, 0.8]), randomise.WORKSPACE_CENTRE) for y in (-0.5, 0.0, 0.5)])
    wrong = miscalibrated(E, np.random.default_rng(3), 0.02, 0.01)
    moves = wrong[:, :3, 3] - E[:, :3, 3]
    np.testing.assert_allclose(np.linalg.norm(moves, axis=1), 0.02)
    assert np.linalg.matrix_rank(moves, tol=1e-4) == 3
    np.testing.assert_allclose(
        wrong[:, :3, :3] @ np.swapaxes(wrong[:, :3, :3], 1, 2), np.tile(np.eye(3), (3, 1, 1)), atol=1e-12
    )
    np.testing.assert_array_equal(miscalibrated(E, np.random.default_rng(3), 0.0, 0.0), E)
