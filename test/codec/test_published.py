"""The published decoding, as a baseline: right on clean frames, with its known weaknesses."""

import numpy as np

from action_images_ros.codec.published import decode_published
from action_images_ros.codec.synthetic import generate


def test_clean_frames_are_located_to_a_few_centimetres_and_always_called_closed():
    data = generate("clean_128", 30, np.random.default_rng(0))
    decoded = decode_published(data.images, data.K, data.E)
    error = np.linalg.norm(decoded.position - data.world_from_tool[:, :3, 3], axis=1)
    assert np.median(error) < 0.02
    cosine = np.sum(decoded.x_axis * data.world_from_tool[:, :3, 0], axis=1)
    assert np.degrees(np.arccos(np.clip(np.median(cosine), -1, 1))) < 8
    assert (decoded.openness == 0).all()


def test_a_background_of_noise_pulls_its_centroids_away():
    data = generate("noise_5", 30, np.random.default_rng(0))
    decoded = decode_published(data.images, data.K, data.E)
    assert np.median(np.linalg.norm(decoded.position - data.world_from_tool[:, :3, 3], axis=1)) > 0.04
