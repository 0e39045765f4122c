import colorsys

import numpy as np
import pytest

from action_images_ros.cell.scene.palette import PALETTE, shade
from action_images_ros.cell.scene.randomise import WORKSPACE_CENTRE, draw_azimuths, draw_cameras, hsv, look_at
from action_images_ros.geometry.camera import intrinsics_from_fovy, project


@pytest.mark.parametrize("count", [2, 3, 4])
def test_cameras_stand_within_the_stated_ranges_and_apart_from_each_other(count):
    rng = np.random.default_rng(count)
    for _ in range(100):
        views = draw_cameras(rng, count)
        azimuths = []
        for view in views:
            offset = view.world_from_camera[:3, 3] - WORKSPACE_CENTRE
            distance = np.linalg.norm(offset)
            azimuths.append(np.degrees(np.arctan2(offset[1], offset[0])))
            assert 0.9 <= distance <= 1.3
            assert 25 <= np.degrees(np.arcsin(offset[2] / distance)) <= 55
            assert 42 <= view.fovy <= 60
        assert max(np.abs(azimuths)) <= 60 + 1e-9
        gaps = np.diff(np.sort(azimuths))
        assert gaps.min() >= 40 - 1e-9
        assert len({view.name for view in views}) == count


def test_azimuths_fill_their_range():
    rng = np.random.default_rng(0)
    drawn = np.concatenate([draw_azimuths(rng, 2) for _ in range(300)])
    assert drawn.min() < -55 and drawn.max() > 55 and (np.abs(drawn) < 15).any()


def test_the_workspace_is_in_every_picture():
    rng = np.random.default_rng(1)
    corners = np.array([[x, y, z] for x in (0.35, 0.65) for y in (-0.2, 0.2) for z in (0.0, 0.25)])
    for _ in range(50):
        for view in draw_cameras(rng, 3):
            uv, depth = project(corners, intrinsics_from_fovy(view.fovy, 96, 96), view.world_from_camera)
            assert (depth > 0).all()
            assert (uv > -12).all() and (uv < 96 + 12).all()
            centre, _ = project(WORKSPACE_CENTRE, intrinsics_from_fovy(view.fovy, 96, 96), view.world_from_camera)
            assert np.abs(centre - 47.5).max() < 15


def test_look_at_gives_an_upright_optical_frame():
    pose = look_at(np.array([1.5, 0.2, 0.8]), np.array([0.5, 0.0, 0.1]))
    rotation = pose[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    assert rotation[2, 0] == pytest.approx(0.0), "x is level"
    assert rotation[2, 1] < 0, "y points down"
    uv, depth = project(np.array([0.5, 0.0, 0.1]), intrinsics_from_fovy(50, 96, 96), pose)
    np.testing.assert_allclose(uv, 47.5, atol=1e-9)
    assert depth > 0


def test_hsv_agrees_with_the_standard_library():
    for h, s, v in np.random.default_rng(2).random((50, 3)):
        np.testing.assert_allclose(hsv(h, s, v), colorsys.hsv_to_rgb(h, s, v), atol=1e-12)


def test_a_jittered_colour_stays_nearest_to_its_own_name():
    rng = np.random.default_rng(3)
    hues = {name: value[0] for name, value in PALETTE.items()}
    for name in PALETTE:
        for _ in range(50):
            hue = colorsys.rgb_to_hsv(*shade(rng, name))[0]
            distance = {other: abs((hue - h + 0.5) % 1 - 0.5) for other, h in hues.items()}
            assert min(distance, key=distance.get) == name
            assert sorted(distance.values())[1] > 0.1, "well separated from the next colour"
