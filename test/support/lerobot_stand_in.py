"""LeRobot's process without LeRobot: answers `call` as `lerobot_runtime/server.py` does."""

import numpy as np

INPUTS = {
    "observation.state": ("STATE", (8,)),
    "observation.tool_pose": ("STATE", (7,)),
    "observation.images.left": ("VISUAL", (3, 96, 96)),
    "observation.images.right": ("VISUAL", (3, 96, 96)),
    "observation.intrinsics.left": ("STATE", (9,)),
    "observation.world_from_camera.right": ("STATE", (16,)),
}


class LeRobotStandIn:
    """Moves the tool 1 cm along x per action; actions: what it answers instead."""

    def __init__(self, inputs=INPUTS, action=(8,), actions=None):
        self.facts = {"type": "act", "inputs": dict(inputs), "outputs": {"action": ("ACTION", action)}}
        self.actions, self.asked = actions, []

    def call(self, method, **arguments):
        return getattr(self, method)(**arguments)

    def open(self, folder, threads):
        return self.facts

    def predict(self, **asked):
        self.asked.append(asked)
        if self.actions is not None:
            return np.asarray(self.actions, dtype=np.float32)
        actions = np.repeat(asked["vectors"]["observation.state"][None], 20, axis=0)
        actions[:, 0] += 0.01 * np.arange(1, 21)
        actions[:, 3:7] *= 1.3  # a network's quaternions are not of unit length
        actions[:, 7] = np.linspace(-0.1, 1.1, 20)
        return actions
