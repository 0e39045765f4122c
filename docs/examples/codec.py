"""Draw a motion as action images of two cameras and read the poses back."""

import numpy as np

from action_images_ros import Camera, decode, encode

cameras = [Camera.looking_at([1.3, 0.6, 0.8], [0.5, 0.0, 0.15], size=(96, 96)),
           Camera.looking_at([1.2, -0.7, 0.9], [0.5, 0.0, 0.15], size=(96, 96))]  # fmt: skip
K, world_from_camera = Camera.stack(cameras)
world_from_tool = np.tile(np.diag([1.0, -1.0, -1.0, 1.0]), (9, 1, 1))  # 9 frames, the gripper points down
world_from_tool[:, :3, 3] = np.linspace([0.40, -0.05, 0.25], [0.55, 0.05, 0.10], 9)
openness = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0.0])

images = encode(world_from_tool, openness, K, world_from_camera, size=(96, 96)).images  # [V, T, H, W, 3]
decoded = decode(images, K, world_from_camera)

error = np.linalg.norm(decoded.poses[:, :3] - world_from_tool[:, :3, 3], axis=1)
print(f"valid frames: {decoded.valid.sum()} of 9, largest error: {1000 * error.max():.3f} mm")
print("openness:", decoded.openness.round().astype(int).tolist())
