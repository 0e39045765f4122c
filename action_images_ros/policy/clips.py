"""Clips: the input and output of a video model in any of its modes, a batch of windows at once.

Which parts of a clip a mode reads (spec: "One video model, five uses"):

| mode | images | poses and openness | generated |
|---|---|---|---|
| joint | the first | the first | video and action images |
| policy | the first | the first | action images |
| label | all T | the first, or None where the arm's pose is unknown | action images |
| world | the first | all T | video |
| video | the first | none | video |

A mode ignores what it does not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry.arrays import Floats, Images
from ..geometry.camera import normalise_signs
from ..geometry.pose import matrix_from_pose7

__all__ = ["Clips", "Pictures"]


@dataclass(frozen=True)
class Clips:
    """B clips, each seen by the same number V of calibrated cameras; checked when made.

    images: uint8 RGB [B, V, n, H, W, 3], n = 1 or more frames, dt of the model apart. K: [B, V, 3, 3] px of these
    images. world_from_camera: [B, V, 4, 4] of the optical frames, or [B, V, n, 4, 4] where a camera moves: action
    images are drawn in each frame's own picture, a model conditions on the cameras at the start (`first_cameras`).
    instructions: B strings, none empty.
    poses: [B, m, 7] xyz (m) + quaternion xyzw of the MODEL tool frame in the world, at the times of the frames, or
    None. openness: [B, m] in [0, 1], 1 open, given exactly where poses are.
    Raises ValueError when any of these does not hold.
    """

    images: Images
    K: Floats
    world_from_camera: Floats
    instructions: Sequence[str]
    poses: Floats | None = None
    openness: Floats | None = None

    def __post_init__(self) -> None:
        images = np.asarray(self.images)
        if images.dtype != np.uint8 or images.ndim != 6 or images.shape[-1] != 3 or 0 in images.shape:
            raise ValueError(f"images is {images.dtype} {list(images.shape)}; give uint8 RGB [B, V, n, H, W, 3]")
        batch, views = images.shape[:2]
        K, E = np.asarray(self.K, np.float64), np.asarray(self.world_from_camera, np.float64)
        moving = E.shape == (batch, views, images.shape[2], 4, 4)
        if K.shape != (batch, views, 3, 3) or not (moving or E.shape == (batch, views, 4, 4)):
            raise ValueError(
                f"K is {list(K.shape)} and world_from_camera {list(E.shape)} for images "
                f"{list(images.shape)}; give [{batch}, {views}, 3, 3] and [{batch}, {views}, 4, 4]"
            )
        if moving:
            every, E = normalise_signs(np.broadcast_to(K[:, :, None], (*E.shape[:3], 3, 3)), E)
            K = every[:, :, 0]
        else:
            K, E = normalise_signs(K, E)
        if isinstance(self.instructions, str) or len(self.instructions) != batch:
            raise ValueError(f"instructions is {self.instructions!r}; give {batch} strings, one per clip")
        if (self.poses is None) != (self.openness is None):
            raise ValueError("poses and openness belong together: give both, or neither")
        for name, value in (("images", images), ("K", K), ("world_from_camera", E)):
            object.__setattr__(self, name, value)
        if self.poses is not None:
            poses, openness = np.asarray(self.poses, np.float64), np.asarray(self.openness, np.float64)
            if poses.ndim != 3 or poses.shape[::2] != (batch, 7) or openness.shape != poses.shape[:2]:
                raise ValueError(
                    f"poses is {list(poses.shape)} and openness {list(openness.shape)}; give "
                    f"[{batch}, m, 7] and [{batch}, m]"
                )
            if not (np.isfinite(openness).all() and (openness >= 0).all() and (openness <= 1).all()):
                raise ValueError(
                    f"openness reaches from {openness.min()} to {openness.max()}; give 0 (closed) to 1 (open)"
                )
            matrix_from_pose7(poses)
            object.__setattr__(self, "poses", poses)
            object.__setattr__(self, "openness", openness)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def first_cameras(self) -> Floats:
        """[B, V, 4, 4]: where the cameras are at the first frame."""
        return self.world_from_camera[:, :, 0] if self.world_from_camera.ndim == 5 else self.world_from_camera


@dataclass(frozen=True)
class Pictures:
    """What a mode generated: uint8 [B, V, T, H, W, 3], None where the mode generates none of that kind.

    Frames that were given are in it as they were given.
    """

    video: Images | None
    action_images: Images | None

    @property
    def actions_drawn(self) -> Images:
        """The action images; ValueError for a mode that generates none."""
        if self.action_images is None:
            raise ValueError("action_images is None; this needs a mode that generates actions")
        return self.action_images
