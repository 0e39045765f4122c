import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from action_images_ros.world_model.nano.regressor import PoseRegressor, chunk_poses, poses_of, rotation_from_6d


@pytest.fixture(scope="module")
def regressor():
    torch.manual_seed(0)
    model = PoseRegressor(
        width=24, layers=1, heads=2, quarter_channels=8, eighth_channels=8, condition=16, frames=9, head_channels=16
    ).eval()
    torch.nn.init.normal_(model.readout[-1].weight)  # as if trained: everything shows in the output
    return model


def given(inputs, views=2):
    return {name: value for name, value in inputs("policy", views).items() if name not in ("noised", "noise_level")}


@pytest.mark.parametrize("views", [1, 2, 3])
def test_any_number_of_views_gives_one_output_per_future_frame(regressor, inputs, views):
    with torch.no_grad():
        assert regressor(**given(inputs, views)).shape == (2, 8, 10)


@pytest.mark.parametrize("name", ["known", "rays", "text"])
def test_every_input_reaches_every_frame(regressor, inputs, name):
    before = given(inputs)
    with torch.no_grad():
        difference = (regressor(**before) - regressor(**dict(before, **{name: before[name] * 0.3}))).abs()
    assert (difference.amax(dim=(0, 2)) > 1e-5).all()


def test_the_frames_differ_by_their_queries(regressor, inputs):
    with torch.no_grad():
        raw = regressor(**given(inputs))
    assert (raw[:, 1:] - raw[:, :-1]).abs().amax(dim=(0, 2)).min() > 1e-4


def test_an_untrained_control_keeps_the_arm_where_it_is(inputs):
    torch.manual_seed(0)
    model = PoseRegressor(
        width=24, layers=1, heads=2, quarter_channels=8, eighth_channels=8, condition=16, frames=9, head_channels=16
    ).eval()
    with torch.no_grad():
        position, rotation, _ = poses_of(model(**given(inputs)), torch.eye(4).expand(2, 4, 4))
    assert position.abs().max() < 0.005 and (rotation - torch.eye(3)).abs().max() < 0.05


def test_any_six_numbers_become_a_rotation_and_the_columns_of_one_become_itself():
    rng = np.random.default_rng(0)
    matrices = rotation_from_6d(torch.from_numpy(rng.normal(size=(50, 6))))
    assert torch.allclose(matrices @ matrices.mT, torch.eye(3, dtype=torch.float64).expand(50, 3, 3), atol=1e-9)
    assert torch.allclose(torch.linalg.det(matrices), torch.ones(50, dtype=torch.float64))
    true = torch.from_numpy(Rotation.random(20, random_state=1).as_matrix())
    six = true[:, :, :2].mT.flatten(1)
    assert torch.allclose(rotation_from_6d(six), true, atol=1e-9)


def test_a_chunk_begins_where_the_arm_was_told_to_be_and_moves_from_there_in_world_axes():
    first = np.eye(4)
    first[:3, :3], first[:3, 3] = Rotation.from_euler("z", 0.7).as_matrix(), [0.5, 0.1, 0.3]
    raw = torch.zeros(1, 8, 10)
    raw[..., 2], raw[..., 9] = 1.0, -3.0
    quarter = Rotation.from_euler("x", 90, degrees=True).as_matrix()[:, :2].T.ravel() - [1, 0, 0, 0, 1, 0]
    raw[..., 3:9] = torch.from_numpy(quarter).float()
    poses, openness = chunk_poses(raw, first[None], np.array([0.8]))
    assert poses.shape == (1, 9, 4, 4) and openness.tolist() == [[0.8] + [0.0] * 8]
    np.testing.assert_array_equal(poses[0, 0], first)
    np.testing.assert_allclose(poses[0, 5, :3, 3], [0.5, 0.1, 0.4], atol=1e-6)
    np.testing.assert_allclose(
        poses[0, 5, :3, :3], Rotation.from_euler("x", 90, degrees=True).as_matrix() @ first[:3, :3], atol=1e-6
    )
