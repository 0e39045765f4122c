import numpy as np

from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.world_model.rays import coarse_rays


def test_rays_pass_through_the_middle_of_their_block_of_pixels():
    """The quarter-size ray (i, j) is the ray of pixel (4 i + 1.5, 4 j + 1.5): centre of the 4 x 4 block."""
    K, E = intrinsics_from_fovy(50, 32, 48), np.eye(4)
    E[:3, 3] = [0.1, 0.2, 0.3]
    rays = coarse_rays(K, E, (32, 48))
    assert rays.shape == (6, 8, 12) and rays.dtype == np.float32
    pixel = np.array([4 * 5 + 1.5, 4 * 2 + 1.5, 1.0])
    direction = np.linalg.inv(K) @ pixel
    direction /= np.linalg.norm(direction)
    assert np.allclose(rays[:3, 2, 5], direction, atol=1e-6)
    assert np.allclose(rays[3:, 2, 5], np.cross([0.1, 0.2, 0.3], direction), atol=1e-6)
