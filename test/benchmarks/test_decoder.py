"""The decoder's yardstick: the bound is the images' own Fisher information, the kinds are what they say."""

import json

import numpy as np
import pytest

from action_images_ros.benchmarks import decoder as decoding
from action_images_ros.codec import bound as bound_module
from action_images_ros.codec import synthetic
from action_images_ros.codec.encode import action_points, blob_sigma, encode
from action_images_ros.geometry.camera import project
from action_images_ros.geometry.pose import rotation_from_vector


def gaussians(pose, K, E, size):
    """Three full Gaussians per view `[V, 3, H, W]`, without pedestal."""
    uv = project(action_points(pose), K[:, None], E[:, None])[0]
    x, y = np.arange(size[1]), np.arange(size[0])
    gx, gy = (np.exp(-0.5 * ((a - uv[..., k, None]) / blob_sigma(size)) ** 2) for k, a in ((0, x), (1, y)))
    return gy[..., :, None] * gx[..., None, :]


@pytest.mark.parametrize("length", [0.0, 1.2])
def test_bound_is_the_fisher_information_of_the_rendered_images(length):
    size, noise = (64, 64), 0.05
    data = synthetic.generate(synthetic.Kind("", size=size), 1, np.random.default_rng(4))
    pose = data.world_from_tool[0]
    derivatives = []
    for axis in np.eye(6) * 1e-5:
        rendered = []
        for sign in (1, -1):
            moved = pose.copy()
            moved[:3, 3] += sign * axis[:3]
            moved[:3, :3] = rotation_from_vector(sign * axis[3:]) @ pose[:3, :3]
            rendered.append(gaussians(moved, data.K, data.E, size))
        derivatives.append((rendered[0] - rendered[1]) / 2e-5)
    waves = np.fft.fft2(np.stack(derivatives), s=(128, 128))
    omega = 2 * np.pi * np.fft.fftfreq(128)
    spectrum = np.full((128, 128), noise**2)
    if length:
        spectrum = 4 * np.pi * length**2 * noise**2 * np.exp(-(length**2) * (omega[:, None] ** 2 + omega**2))
    spectrum += 1 / (12 * 255**2)
    fisher = np.einsum("ivkhw,jvkhw,hw->ij", waves, waves.conj(), 1 / spectrum, optimize=True).real / 128**2
    bound = bound_module.pose_bound(pose[None], data.K, data.E, bound_module.blob_information(size, noise, length))[0]
    np.testing.assert_allclose(np.sqrt(np.diag(bound)), np.sqrt(np.diag(np.linalg.inv(fisher))), rtol=0.06)


def test_generated_noise_has_the_stated_strength_and_smoothness():
    rng = np.random.default_rng(0)
    noise = synthetic._noise(rng, (2, 3, 128, 128, 3), 0.05, 2.4)
    assert noise.std() == pytest.approx(0.05, rel=0.01)
    neighbours = np.mean(noise[:, :, 2:] * noise[:, :, :-2]) / noise.var()
    assert neighbours == pytest.approx(np.exp(-4 / (4 * 2.4**2)), abs=0.02)


@pytest.mark.parametrize("name", [*synthetic.KINDS, *synthetic.GARBAGE])
def test_every_kind_is_generated_as_declared(name):
    data = synthetic.generate(name, 3, np.random.default_rng(1))
    kind = synthetic.KINDS.get(name, synthetic.Kind("garbage"))
    assert data.images.shape == (kind.views, 3, *kind.size, 3) and data.images.dtype == np.uint8
    assert (data.K[:, 0, 0] < 0).all() == kind.negative_focal
    if name in synthetic.KINDS:
        uv = encode(data.world_from_tool, data.openness, data.K, data.E, kind.size).uv
        assert (uv > 0).all() and (uv < np.array([kind.size[1], kind.size[0]]) - 1).all()


def test_the_table_is_plain_data_with_one_row_per_kind():
    seen = []
    rows = decoding.decoder_table(20, kinds=["clean_64", "two_blobs"], progress=seen.append)
    assert seen == ["clean_64", "two_blobs"]
    assert json.loads(json.dumps(rows)) == rows
    clean, garbage = rows
    assert clean["position_mm_median"] < clean["published_position_mm_median"]
    assert clean["published_openness_right"] < 1 == clean["openness_right"]
    assert garbage["garbage"] and garbage["valid"] < 0.2
