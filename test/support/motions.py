"""Short made-up episodes whose motion is known, for evaluation without a cell."""

import numpy as np
from cameras import in_front

from action_images_ros.data.episode import Episode
from action_images_ros.geometry.camera import intrinsics_from_fovy

SIZE = (48, 48)
STEP = 0.02


def falling(seed=0, frames=11, task="reach_target", dt=0.2):
    """The tool sinks by STEP (m) per frame before three cameras that see a slowly brightening noise picture."""
    rng = np.random.default_rng(seed)
    poses = np.tile([0.5, 0.0, 0.3, 1.0, 0.0, 0.0, 0.0], (frames, 1))
    poses[:, 2] -= STEP * np.arange(frames)
    still = rng.integers(0, 160, (3, 1, *SIZE, 3))
    images = (still + 8 * np.arange(frames)[None, :, None, None, None]).astype(np.uint8)
    return Episode(
        task=task,
        seed=seed,
        instruction="reach the red ball",
        dt=dt,
        images=images,
        K=np.stack([intrinsics_from_fovy(50, *SIZE)] * 3),
        world_from_camera=np.stack([in_front(a) for a in (-0.7, 0.0, 0.7)]),
        poses=poses,
        openness=(np.arange(frames) < 5).astype(float),
        success=True,
        camera_names=("camera_0", "camera_1", "camera_2"),
    )
