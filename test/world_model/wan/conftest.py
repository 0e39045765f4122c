from pathlib import Path

import numpy as np
import pytest
import torch
import wan_folder
from cameras import in_front
from safetensors.torch import load_file, save_file

from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.policy.observation import Observation

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    """The reference file of a published denoiser of two blocks.

    Stored without its two large camera matrices W [128, 12288]: the reference inputs hold six camera frames x, so that
    the matrix of rank 6 with the same products W x gives the same output, at a fifth of the size.
    """
    tensors = load_file(DATA / "golden_wan_tiny.safetensors")
    frames = tensors.pop("reduced.frames").double()
    for name in [name for name in tensors if name.startswith("reduced.")]:
        whole = tensors.pop(name).double() @ frames
        tensors["weights." + name.removeprefix("reduced.")] = whole.float()
    path = tmp_path_factory.mktemp("reference") / "tiny.safetensors"
    save_file(tensors, path)
    return path


@pytest.fixture(scope="session")
def wan_parts(tmp_path_factory):
    """A whole model folder of tiny random parts; do not change it (see `folder`)."""
    return wan_folder.write_wan_folder(tmp_path_factory.mktemp("wan"))


@pytest.fixture
def folder(wan_parts, tmp_path):
    """A copy of the model folder that a test may spoil."""
    import shutil

    return Path(shutil.copytree(wan_parts, tmp_path / "model"))


@pytest.fixture(scope="session")
def wan(wan_parts):
    """The tiny model, loaded as a user loads it."""
    from action_images_ros.policy.registry import load_policy

    threads = torch.get_num_threads()
    model = load_policy(wan_parts, threads=1)
    torch.set_num_threads(threads)
    return model


@pytest.fixture
def observe():
    """Makes an observation of the tiny model's size."""

    def make(views=2, size=wan_folder.SIZE, instruction="lift the red block", seed=0):
        rng = np.random.default_rng(seed)
        return Observation(
            stamp_ns=7,
            camera_names=tuple("abcd"[:views]),
            images=rng.integers(0, 255, (views, *size, 3), dtype=np.uint8),
            K=np.stack([intrinsics_from_fovy(50, *size)] * views),
            world_from_camera=np.stack([in_front(a) for a in (-0.5, 0.5, 0.2, 0.0)[:views]]),
            tool_pose=np.array([0.5, 0.0, 0.2, 1.0, 0, 0, 0]),
            openness=1.0,
            instruction=instruction,
        )

    return make
