"""LeRobot plug-in: `--policy.type=action_images` and `--env.type=action_images` of `lerobot-eval`.

LeRobot imports every installed package named `lerobot_policy_*`; importing this one registers both.
"""

from .configuration_action_images import ActionImagesConfig
from .environment import ActionImagesEnv

__all__ = ["ActionImagesConfig", "ActionImagesEnv"]
