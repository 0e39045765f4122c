"""Drive the simulated cell through the live ROS graph with the policy of own_policy/ (install it first)."""

import numpy as np

from action_images_ros.graph.options import GraphOptions
from action_images_ros.graph.session import Session

POINT = np.array([0.5, 0.1, 0.35])  # where reach_point goes

poses, chunks = [], []
with Session(GraphOptions(model="reach_point")) as client:
    client.set_up("reach_target", 1)
    client.listen("current_pose", lambda m: poses.append([getattr(m.pose.position, axis) for axis in "xyz"]))
    client.listen("chunk/poses", chunks.append)
    client.wait_for("the first pose of the tool", lambda: poses, 30.0)
    print(f"the tool is {1000 * np.linalg.norm(POINT - poses[-1]):.0f} mm away")
    client.say("go to the point")
    client.enable(True)
    client.wait_for("the tool at the point", lambda: np.linalg.norm(POINT - poses[-1]) < 0.01, 60.0)
    client.enable(False)
print(f"the tool is within 10 mm, after {len(chunks)} chunks")
