"""Conventions of the published weights, one function each.

Canvas order and known latents per mode are `canvas.build_canvas`, the rays `geometry.camera.published_plucker`, the
shifted noise levels `sampler.schedule`; negative focal lengths are rewritten by `geometry.camera.normalise_signs`.
"""

from __future__ import annotations

import html

import numpy as np
import torch
from torch import Tensor

from ...codec.encode import encode as encode_actions
from ...geometry.camera import published_plucker
from ...geometry.pose import matrix_from_pose7

MOMENT_SCALE = 3.0
"""Moments ``o x d`` (m) are divided by this, so that their picture fits the autoencoder's range."""
TRAIN_TIMESTEPS = 1000


def clean_prompt(text: str) -> str:
    """The instruction as Wan's text encoder was trained to read it.

    Broken unicode mended (ftfy), HTML entities resolved twice, every run of white space one blank, none at the ends.
    """
    import ftfy

    return " ".join(html.unescape(html.unescape(ftfy.fix_text(text))).split())


def camera_pictures(K: np.ndarray, world_from_camera: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cameras as two pictures each, float32 [2, V, H, W, 3]: ray directions, and moments over `MOMENT_SCALE`.

    K [V, 3, 3] px, world_from_camera [V, 4, 4]; relative to view 0, pixel centres at +0.5. The autoencoder encodes each
    like a video; the latents are concatenated to 96 channels.
    """
    rays = published_plucker(K, world_from_camera, size).astype(np.float32)
    return np.stack([rays[..., :3], rays[..., 3:] / np.float32(MOMENT_SCALE)])


def draw_known_actions(poses, openness, K, world_from_camera, size: tuple[int, int]) -> np.ndarray:
    """Action images given to the model, float32 [V, m, H, W, 3] in [0, 1], drawn from the arm's poses.

    poses: [m, 7] xyz (m) + quaternion xyzw of the MODEL tool frame; frame 0 is the arm's present pose. openness: [m].
    """
    return encode_actions(matrix_from_pose7(np.asarray(poses)), openness, K, world_from_camera, size).images


def to_model_range(images: np.ndarray) -> Tensor:
    """uint8 or float [0, 1] images -> float32 in [-1, 1]."""
    images = np.asarray(images)
    scale = 127.5 if images.dtype == np.uint8 else 0.5
    return torch.from_numpy(images.astype(np.float32) / np.float32(scale) - np.float32(1))


def timestep(noise_level: float) -> float:
    """Time step of the denoiser for a noise level s in [0, 1]: 1000 s, one number for all tokens."""
    return TRAIN_TIMESTEPS * noise_level


def guide(unconditional: Tensor, conditional: Tensor, guidance: float) -> Tensor:
    """Classifier-free guidance: away from the prediction without the instruction."""
    return unconditional + guidance * (conditional - unconditional)
