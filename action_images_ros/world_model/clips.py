"""The canvas and the drawn action images of clips (see `policy.clips` for what each mode reads)."""

from __future__ import annotations

import numpy as np

from ..codec.encode import action_points, draw
from ..geometry.camera import project
from ..geometry.pose import matrix_from_pose7
from ..policy.clips import Clips
from .canvas import MODES, Canvas, build_canvas

__all__ = ["canvas_of", "draw_actions"]


def canvas_of(clips: Clips, mode: str, frames: int) -> Canvas:
    """The canvas of a mode for these clips; ValueError naming what the mode lacks. frames: T of the model."""
    if mode not in MODES:
        raise ValueError(f"mode = {mode!r}: use one of {', '.join(MODES)}")
    given = 0 if clips.poses is None else clips.poses.shape[1]
    seen = clips.images.shape[2]
    canvas = build_canvas(mode, clips.images.shape[1], frames, mode != "label" or given > 0)
    if mode == "label" and seen != frames:
        raise ValueError(f"images holds {seen} frames: label mode reads clips of exactly {frames}")
    if mode == "world" and given != frames:
        raise ValueError(f"poses holds {given} frames: world mode paints the video of exactly {frames}")
    if mode in ("joint", "policy") and not given:
        raise ValueError(f"poses is None: {mode} mode begins at the arm's present pose")
    return canvas


def draw_actions(clips: Clips, frames: int) -> np.ndarray:
    """The first ``frames`` actions of the clips as action images, float32 [B, V, frames, H, W, 3] in [0, 1]."""
    if clips.poses is None or clips.openness is None:
        raise ValueError("poses is None; give the poses and openness that are to be drawn")
    points = action_points(matrix_from_pose7(clips.poses[:, :frames]))  # [B, frames, 3, 3]
    E = clips.world_from_camera[:, :, :frames] if clips.world_from_camera.ndim == 5 else clips.first_cameras[:, :, None]
    uv, depth = project(points[:, None], clips.K[:, :, None, None], E[:, :, :, None])
    uv = np.where((depth > 1e-6)[..., None], uv, np.nan)
    return draw(uv, np.broadcast_to(clips.openness[:, None, :frames], uv.shape[:3]), clips.images.shape[3:5])
