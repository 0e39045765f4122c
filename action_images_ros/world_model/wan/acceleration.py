"""Acceleration settings of `WanSettings`: compilation, quantisation, offloading, step caches.

The mechanisms are those of diffusers, accelerate and torchao; this module selects what works with these networks.
"""

from __future__ import annotations

import torch
from diffusers.hooks import apply_group_offloading
from diffusers.hooks._helpers import TransformerBlockMetadata, TransformerBlockRegistry
from torch import nn

from .denoiser import CameraBlock, WanDenoiser
from .settings import WanSettings

TransformerBlockRegistry.register(
    CameraBlock, TransformerBlockMetadata(return_hidden_states_index=0, return_encoder_hidden_states_index=None)
)

QUANTISED_MODULES = "blocks."  # embeddings and the output layer keep their type: they are small and sensitive
_FP8_CAPABILITY = (8, 9)


def start_run(denoiser: WanDenoiser, settings: WanSettings, steps: int) -> None:
    """Make the denoiser's step cache ready for a run of ``steps`` steps, or switch it off; forgets earlier runs."""
    config = _cache_config(settings, steps)
    if denoiser.is_cache_enabled and repr(config) != repr(denoiser._cache_config):
        denoiser.disable_cache()
    if config is None:
        return
    if not denoiser.is_cache_enabled:
        denoiser.enable_cache(config)
    denoiser._reset_stateful_cache()


def _cache_config(settings: WanSettings, steps: int):
    from diffusers import FirstBlockCacheConfig, MagCacheConfig, TaylorSeerCacheConfig

    if settings.cache == "off" or steps < 2:
        return None
    if settings.cache == "first_block":
        return FirstBlockCacheConfig(threshold=settings.cache_threshold)
    if settings.cache == "mag":
        return MagCacheConfig(
            threshold=settings.cache_threshold, num_inference_steps=steps, mag_ratios=list(settings.mag_ratios)
        )
    if settings.cache == "mag_calibrate":
        return MagCacheConfig(num_inference_steps=steps, calibrate=True)
    # Whole blocks are skipped and the velocity extrapolated: per-module factors of this model would be gigabytes.
    return TaylorSeerCacheConfig(
        cache_interval=3,
        disable_cache_before_step=3,
        max_order=1,
        use_lite_mode=True,
        taylor_factors_dtype=torch.float32,
    )


def compile_parts(denoiser: WanDenoiser, vae: nn.Module, which: str) -> None:
    """Compile the denoiser's repeated block (once for all, not the whole model: minutes) and the autoencoder's halves.

    which: one of `settings.COMPILED`. Nothing is computed yet: the first prediction of each shape takes longer.
    """
    if which in ("denoiser", "both"):
        denoiser.compile_repeated_blocks(fullgraph=True)
    if which in ("vae", "both"):
        vae.encoder.compile(dynamic=False)
        vae.decoder.compile(dynamic=False)


def quantise(denoiser: WanDenoiser, kind: str, device: torch.device) -> None:
    """Replace the weights of the blocks' linear layers. kind: int8 (weights only) or fp8 (weights and activations).

    fp8 needs a GPU of compute capability 8.9 or more (Ada, Hopper). ValueError where that or torchao is missing.
    """
    try:
        from torchao.quantization import Float8DynamicActivationFloat8WeightConfig, Int8WeightOnlyConfig, quantize_
    except ImportError:
        raise ValueError(f"quantise = {kind!r} needs torchao: pip install 'action_images_ros[quantise]'") from None
    if kind == "fp8":
        if device.type != "cuda" or torch.cuda.get_device_capability(device) < _FP8_CAPABILITY:
            raise ValueError(
                "quantise = 'fp8' needs a GPU of compute capability 8.9 or more (Ada, Hopper), and "
                f"{device} is none: use int8"
            )
        config = Float8DynamicActivationFloat8WeightConfig()
    else:
        config = Int8WeightOnlyConfig()
    quantize_(
        denoiser, config, lambda module, name: isinstance(module, nn.Linear) and name.startswith(QUANTISED_MODULES)
    )


def offload(module: nn.Module, device: torch.device) -> None:
    """Keep a network in the host's memory; each group of layers visits the device when it computes."""
    stream = device.type == "cuda"
    apply_group_offloading(
        module,
        onload_device=device,
        offload_device=torch.device("cpu"),
        offload_type="leaf_level",
        use_stream=stream,
        non_blocking=stream,
    )
