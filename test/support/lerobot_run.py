"""Runs a script of the lerobot library in its environment: python lerobot_run.py lerobot_train --OPTION=VALUE ..

Beside a CPU build of torch, torchvision's operators may be missing, see `torchvision_operators`.
"""

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "action_images_ros/lerobot_runtime"))

from torchvision_operators import import_torchvision

import_torchvision()
del sys.path[:2]  # the scripts' own folders
sys.argv = sys.argv[1:]
runpy.run_module(f"lerobot.scripts.{sys.argv[0]}", run_name="__main__")
