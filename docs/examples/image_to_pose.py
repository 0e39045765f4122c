"""From camera images to a chunk of robot poses with the nano model, in a scene of the simulated cell."""

import numpy as np

from action_images_ros import chunk_from_prediction, load_policy, observe
from action_images_ros.cell.cell import Cell

policy = load_policy("nano", threads=1)
with Cell("reach_target", seed=3, cameras=2) as cell:
    names = cell.camera_names
    observation = observe(
        cell.time_ns,
        dict(zip(names, cell.render(), strict=True)),
        dict(zip(names, cell.K, strict=True)),
        dict(zip(names, cell.calibration, strict=True)),
        cell.tcp_pose,
        cell.commanded_openness,
        cell.instruction,
        size=policy.card.image_size,
        robot_tool_from_model_tool=cell.robot_tool_from_model_tool,
    )
    prediction = policy.predict(observation, seed=0)
    chunk = chunk_from_prediction(prediction, cell.robot_tool_from_model_tool)

print(f"instruction: {observation.instruction!r}")
for time_s, pose, sure in zip(np.arange(len(chunk)) * chunk.dt, chunk.poses, chunk.valid, strict=True):
    print(f"after {time_s:.1f} s: x y z = {pose[:3].round(3).tolist()} m{'' if sure else ', not valid'}")
