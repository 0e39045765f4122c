"""The published denoiser: Wan2.2-TI2V-5B's transformer with a camera in every block.

Each block pools the camera latents of a latent frame, maps them linearly to the model's width and adds the result to
every token of that frame, after norm and modulation and before q, k and v. A square linear layer (`projector`) follows
the self-attention, before its gate. Everything else is diffusers' `WanTransformer3DModel`.
"""

from __future__ import annotations

import math

import torch
from diffusers.configuration_utils import register_to_config
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel, WanTransformerBlock
from torch import Tensor, nn
from torch.nn import functional as F


class CameraBlock(WanTransformerBlock):
    """A Wan block conditioned on the camera of each frame."""

    def __init__(self, dim: int, ffn_dim: int, num_heads: int, camera_features: int, cross_attn_norm: bool, eps: float):
        super().__init__(dim, ffn_dim, num_heads, cross_attn_norm=cross_attn_norm, eps=eps)
        self.cam_encoder = nn.Linear(camera_features, dim)
        self.projector = nn.Linear(dim, dim)

    def forward(
        self, hidden_states: Tensor, encoder_hidden_states: Tensor, temb: Tensor, rotary_emb: tuple, camera: Tensor
    ) -> Tensor:
        """hidden_states: [B, F * n, C]; encoder_hidden_states: [B, L, C]; temb: [B, 6, C]; camera: [B, F, features]."""
        modulation = (self.scale_shift_table + temb.float()).chunk(6, dim=1)
        shift, scale, gate, ffn_shift, ffn_scale, ffn_gate = modulation

        x = (self.norm1(hidden_states.float()) * (1 + scale) + shift).type_as(hidden_states)
        frames = camera.shape[1]
        x = (x.unflatten(1, (frames, -1)) + self.cam_encoder(camera)[:, :, None]).flatten(1, 2)
        x = self.projector(self.attn1(x, None, None, rotary_emb))
        hidden_states = (hidden_states.float() + x * gate).type_as(hidden_states)

        x = self.norm2(hidden_states.float()).type_as(hidden_states)
        hidden_states = hidden_states + self.attn2(x, encoder_hidden_states, None, None)

        x = (self.norm3(hidden_states.float()) * (1 + ffn_scale) + ffn_shift).type_as(hidden_states)
        return (hidden_states.float() + self.ffn(x).float() * ffn_gate).type_as(hidden_states)


class WanDenoiser(WanTransformer3DModel):
    """Velocity of the packed canvas. The defaults are the published configuration: 6,415,549,632 parameters."""

    _no_split_modules = ["CameraBlock"]
    _repeated_blocks = ["CameraBlock"]

    @register_to_config
    def __init__(
        self,
        patch_size: tuple[int, ...] = (1, 2, 2),
        num_attention_heads: int = 24,
        attention_head_dim: int = 128,
        in_channels: int = 48,
        out_channels: int = 48,
        text_dim: int = 4096,
        freq_dim: int = 256,
        ffn_dim: int = 14336,
        num_layers: int = 30,
        cross_attn_norm: bool = True,
        qk_norm: str | None = "rms_norm_across_heads",
        eps: float = 1e-6,
        image_dim: int | None = None,
        added_kv_proj_dim: int | None = None,
        rope_max_seq_len: int = 1024,
        pos_embed_seq_len: int | None = None,
        camera_grid: tuple[int, ...] = (48, 16, 16),
    ) -> None:
        super().__init__(
            patch_size,
            num_attention_heads,
            attention_head_dim,
            in_channels,
            out_channels,
            text_dim,
            freq_dim,
            ffn_dim,
            0,
            cross_attn_norm,
            qk_norm,
            eps,
            image_dim,
            added_kv_proj_dim,
            rope_max_seq_len,
            pos_embed_seq_len,
        )
        self.register_to_config(num_layers=num_layers)  # the parent was told of none: its blocks have no camera
        width = num_attention_heads * attention_head_dim
        features = math.prod(camera_grid)
        self.blocks = nn.ModuleList(
            CameraBlock(width, ffn_dim, num_attention_heads, features, cross_attn_norm, eps) for _ in range(num_layers)
        )

    def pool_cameras(self, camera: Tensor) -> Tensor:
        """Camera latents [B, F, 2 * latent channels, h, w] -> features [B, F, 48 * 16 * 16], for all blocks."""
        return F.adaptive_avg_pool3d(camera, tuple(self.config.camera_grid)).flatten(2)

    def forward(self, hidden_states: Tensor, timestep: Tensor, encoder_hidden_states: Tensor, camera: Tensor) -> Tensor:
        """Velocity ``noise - clean`` of every latent frame, [B, 48, F, h, w].

        hidden_states: [B, 48, F, h, w], known frames clean, the others noised. timestep: [B], 1000 times the noise
        level, one for all tokens. encoder_hidden_states: text [B, L, text_dim]. camera: [B, F, 96, h, w].
        """
        batch, _, frames, height, width = hidden_states.shape
        patch_t, patch_h, patch_w = self.config.patch_size
        rotary = self.rope(hidden_states)
        camera = self.pool_cameras(camera)
        x = self.patch_embedding(hidden_states).flatten(2).transpose(1, 2).contiguous()
        temb, modulation, text, _ = self.condition_embedder(timestep, encoder_hidden_states, None)
        modulation = modulation.unflatten(1, (6, -1))
        for block in self.blocks:
            if torch.is_grad_enabled() and self.gradient_checkpointing:
                x = self._gradient_checkpointing_func(block, x, text, modulation, rotary, camera)
            else:
                x = block(x, text, modulation, rotary, camera)
        shift, scale = (self.scale_shift_table + temb.unsqueeze(1)).chunk(2, dim=1)
        x = self.proj_out((self.norm_out(x.float()) * (1 + scale) + shift).type_as(x))
        grid = (frames // patch_t, height // patch_h, width // patch_w)
        x = x.reshape(batch, *grid, patch_t, patch_h, patch_w, -1).permute(0, 7, 1, 4, 2, 5, 3, 6)
        return x.flatten(6, 7).flatten(4, 5).flatten(2, 3)
