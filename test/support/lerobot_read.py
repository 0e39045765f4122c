"""Reads a dataset with the lerobot library; run by test_lerobot_library.py in an environment of its own.

Usage: python lerobot_read.py DATASET OUT.npz
"""

import json
import sys

import numpy as np
import torch

# torchvision's wheels are built for CUDA; beside a CPU build of torch their operators are missing, and importing it
# stops at describing these two. No reader of datasets calls them.
operators = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from lerobot.datasets.lerobot_dataset import LeRobotDataset  # noqa: E402


def main(root: str, out: str) -> None:
    dataset = LeRobotDataset("local/converted", root=root, video_backend="pyav")
    items = [dataset[i] for i in range(len(dataset))]
    arrays = {key: np.stack([np.asarray(item[key]) for item in items]) for key in items[0] if key != "task"}
    window = LeRobotDataset(
        "local/converted",
        root=root,
        video_backend="pyav",
        episodes=[1],
        delta_timestamps={"action": [0.0, 0.2], "observation.images.left": [-0.2, 0.0]},
    )[2]
    facts = {
        "frames": len(dataset),
        "episodes": dataset.num_episodes,
        "fps": dataset.fps,
        "tasks": [item["task"] for item in items],
        "cameras": list(dataset.meta.camera_keys),
        "stats": {
            key: {name: np.asarray(value).tolist() for name, value in numbers.items()}
            for key, numbers in dataset.meta.stats.items()
        },
        "window_task": window["task"],
    }
    np.savez(
        out,
        facts=np.frombuffer(json.dumps(facts).encode(), np.uint8),
        window_action=window["action"],
        window_images=window["observation.images.left"],
        **arrays,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
