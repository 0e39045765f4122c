"""A 5 B model without its weights: the networks of a configuration with random numbers, for benchmarks and tests.

Its output is noise. Times and memory equal those of the real weights, on which the computation does not depend.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import torch
from diffusers import AutoencoderKLWan

from ...policy.card import ModelCard
from .action_decoder import ActionDecoder
from .autoencoder import Autoencoder
from .denoiser import WanDenoiser
from .model import WanWorldModel
from .settings import WanSettings
from .text import WanTextEncoder

TINY = {
    "denoiser": {
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "in_channels": 4,
        "out_channels": 4,
        "text_dim": 16,
        "freq_dim": 16,
        "ffn_dim": 32,
        "num_layers": 2,
        "camera_grid": (4, 2, 2),
    },
    "vae": {
        "base_dim": 4,
        "decoder_base_dim": 4,
        "z_dim": 4,
        "dim_mult": [1, 2, 4, 4],
        "num_res_blocks": 2,
        "temperal_downsample": [False, True, True],
        "is_residual": True,
        "patch_size": 2,
        "in_channels": 12,
        "out_channels": 12,
        "scale_factor_spatial": 16,
        "scale_factor_temporal": 4,
        "latents_mean": [0.1, -0.2, 0.0, 0.3],
        "latents_std": [0.5, 1.0, 1.5, 0.8],
    },
    "text_encoder": {
        "vocab_size": 64,
        "d_model": 16,
        "d_kv": 4,
        "d_ff": 24,
        "num_layers": 2,
        "num_heads": 4,
        "feed_forward_proj": "gated-gelu",
    },
}
"""All three networks, a few thousand parameters each: the published structure in small."""


def folder_configs(folder: Path) -> dict[str, dict]:
    """The three configurations of a model folder."""
    return {part: json.loads((Path(folder) / part / "config.json").read_text()) for part in TINY}


def random_model(configs: dict, card: ModelCard, settings: WanSettings) -> WanWorldModel:
    """A world model of these configurations on the settings' device; compiled, quantised or offloaded it is not."""
    from transformers import UMT5Config, UMT5EncoderModel

    device, dtype = settings.torch_device(), getattr(torch, settings.dtype)
    torch.manual_seed(0)
    with _made_on(device, dtype):
        denoiser = WanDenoiser.from_config(configs["denoiser"])
        vae = AutoencoderKLWan.from_config(configs["vae"])
        encoder = UMT5EncoderModel(UMT5Config(**configs["text_encoder"]))
    words = _Words(configs["text_encoder"]["vocab_size"])
    text = WanTextEncoder(encoder, words, settings.text_tokens)
    for name, tensor in [*denoiser.named_parameters(), *denoiser.named_buffers()]:
        if any(kept in name for kept in WanDenoiser._keep_in_fp32_modules):  # as from_pretrained does
            tensor.data = tensor.data.float()
    return WanWorldModel(denoiser, Autoencoder(vae), text, card, settings)


def random_decoder(model: WanWorldModel) -> ActionDecoder:
    """A small decoder with random weights for the model's autoencoder."""
    vae = model.autoencoder.vae
    decoder = ActionDecoder(latent_channels=vae.config.z_dim, spatial=vae.config.scale_factor_spatial)
    return decoder.to(vae.device, vae.dtype).eval().requires_grad_(False)


class _made_on:
    """Parameters are made where and as they are used: 12 B of them in float32 would not fit a host."""

    def __init__(self, device, dtype):
        self.device, self.dtype = device, dtype

    def __enter__(self):
        self.before = torch.get_default_dtype()
        torch.set_default_dtype(self.dtype)
        self.device.__enter__()

    def __exit__(self, *error):
        self.device.__exit__(*error)
        torch.set_default_dtype(self.before)


class _Words:
    """Stands in for the tokenizer: a number for every word."""

    def __init__(self, vocabulary: int):
        self.vocabulary = vocabulary

    def __call__(self, text: str, **_):
        ids = [2 + sum(word.encode()) % (self.vocabulary - 2) for word in text.split()] + [1]
        return SimpleNamespace(input_ids=torch.tensor([ids]))
