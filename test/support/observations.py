"""An observation of nothing in particular, for tests of the model."""

import numpy as np
from cameras import in_front

from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.policy.observation import Observation


def noise_observation(size=(96, 96), instruction="reach the red ball", views=2, seed=0):
    """Random pictures of `views` cameras in front of the workspace, the tool pointing down above the table."""
    rng = np.random.default_rng(seed)
    return Observation(
        stamp_ns=123,
        camera_names=tuple("abcd"[:views]),
        K=np.stack([intrinsics_from_fovy(50, *size)] * views),
        images=rng.integers(0, 255, (views, *size, 3), dtype=np.uint8),
        world_from_camera=np.stack([in_front(angle) for angle in np.linspace(-0.5, 0.5, views)]),
        tool_pose=np.array([0.5, 0.0, 0.2, 1.0, 0, 0, 0]),
        openness=1.0,
        instruction=instruction,
    )
