"""Folders of small episodes, and how alike two episodes are."""

import numpy as np

from action_images_ros.data.episode import append_index, save_episode

VALUES = ("task", "seed", "instruction", "dt", "success", "camera_names", "perturbed")


def folder_of(path, episodes):
    """A training cache of these episodes; its path."""
    path.mkdir(parents=True, exist_ok=True)
    for episode in episodes:
        append_index(
            path,
            {
                "file": save_episode(path, episode).name,
                "task": episode.task,
                "seed": episode.seed,
                "success": episode.success,
            },
        )
    return path


def psnr(a, b):
    """Peak signal to noise ratio of 8-bit pictures, dB."""
    error = ((np.asarray(a, float) - np.asarray(b, float)) ** 2).mean()
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


def assert_same(a, b, *, at_least_db=float("inf"), exact=1e-12):
    """Everything equal; numbers to `exact`, pictures to that many dB (inf: bit by bit)."""
    for name in VALUES:
        assert getattr(a, name) == getattr(b, name), name
    for name in ("K", "world_from_camera", "poses", "openness"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=0, atol=exact, err_msg=name)
    assert a.images.shape == b.images.shape and psnr(a.images, b.images) >= at_least_db
