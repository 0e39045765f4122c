import numpy as np
import pytest
from observations import noise_observation

from action_images_ros.codec.decode import decode
from action_images_ros.codec.encode import to_uint8
from action_images_ros.policy.card import ModelCard
from action_images_ros.world_model.inputs import model_inputs

CARD = ModelCard("tiny", (96, 128), 9, 0.2)


def test_the_present_pose_is_drawn_into_every_view():
    seen = noise_observation((96, 128))
    drawn, rays = model_inputs(seen, CARD)
    assert drawn.shape == (2, 1, 96, 128, 3) and drawn.dtype == np.float32
    assert rays.shape == (2, 6, 24, 32) and rays.dtype == np.float32
    decoded = decode(to_uint8(drawn), seen.K, seen.world_from_camera)
    assert np.allclose(decoded.poses[0, :3], seen.tool_pose[:3], atol=1e-3)


def test_pictures_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"\(96, 96\).*\(96, 128\)"):
        model_inputs(noise_observation((96, 96)), CARD)
