"""The answer of every policy: one chunk, as action images or as poses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..codec.decode import DecodedActions
from ..geometry.arrays import Array, ArrayLike, Floats, Images
from .observation import Observation

__all__ = ["Prediction"]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One chunk of T frames; frame i is meant for ``stamp_ns + i * dt``, frame 0 is the observation itself.

    stamp_ns: of the observation, the chunk's id. dt: seconds between frames. camera_names: V names. K: `[V, 3, 3]` px,
    world_from_camera: `[V, 4, 4]`, of the images (`[V, T, 4, 4]` where a camera moved: labels). Exactly one of
    action_images, uint8 `[V, T, H, W, 3]`, and actions: poses `[T, 7]` of the MODEL tool frame in the world, openness
    `[T]`, covariance `[T, 6, 6]`, valid `[T]`. video: uint8 `[V, T, H, W, 3]`, None where none was predicted.
    stage_seconds: wall time of each stage; step_seconds: of each sampling step. `from_images` and `from_poses` take
    what belongs to the observation from it.
    Raises ValueError that names the field, its value and the remedy.
    """

    stamp_ns: int
    dt: float
    camera_names: tuple[str, ...]
    K: Floats
    world_from_camera: Floats
    action_images: Images | None = None
    actions: DecodedActions | None = None
    video: Images | None = None
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    step_seconds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        names = tuple(self.camera_names)
        object.__setattr__(self, "camera_names", names)
        if not (np.isfinite(self.dt) and self.dt > 0):
            raise ValueError(f"dt is {self.dt}; give the seconds between two frames, more than 0")
        views = len(names)
        for name, shape in (("K", (views, 3, 3)), ("world_from_camera", (views, 4, 4))):
            value = np.asarray(getattr(self, name), dtype=np.float64)
            moving = (
                name == "world_from_camera" and value.ndim == 4 and (views, 4, 4) == (value.shape[0], *value.shape[2:])
            )
            if value.shape != shape and not moving:
                raise ValueError(f"{name} is {list(value.shape)}; give {list(shape)}, one per camera of {list(names)}")
            object.__setattr__(self, name, value)
        if (self.action_images is None) == (self.actions is None):
            given = "neither" if self.actions is None else "both"
            raise ValueError(f"{given} of action_images and actions is given; give exactly one of them")
        if self.action_images is not None:
            object.__setattr__(self, "action_images", _images("action_images", self.action_images, views))
        if self.video is not None:
            object.__setattr__(self, "video", _images("video", self.video, views))
        if self.actions is not None:
            object.__setattr__(self, "actions", _actions(self.actions))

    @property
    def drawn(self) -> Images:
        """The action images; ValueError for a prediction of poses."""
        if self.action_images is None:
            raise ValueError("action_images is None; this needs a policy that predicts action images, not poses")
        return self.action_images

    @classmethod
    def from_images(
        cls,
        observation: Observation,
        dt: float,
        action_images: Images,
        *,
        video: Images | None = None,
        stage_seconds: Mapping[str, float] | None = None,
        step_seconds: tuple[float, ...] = (),
    ) -> Prediction:
        """A chunk of action images, uint8 `[V, T, H, W, 3]`, drawn for the cameras of the observation."""
        return cls(
            **_of(observation),
            dt=dt,
            action_images=action_images,
            video=video,
            stage_seconds=stage_seconds or {},
            step_seconds=step_seconds,
        )

    @classmethod
    def from_poses(
        cls,
        observation: Observation,
        dt: float,
        poses: ArrayLike,
        openness: ArrayLike,
        *,
        sigma_position_m: ArrayLike,
        sigma_rotation_rad: ArrayLike,
        valid: ArrayLike | None = None,
        stage_seconds: Mapping[str, float] | None = None,
    ) -> Prediction:
        """A chunk of poses.

        poses: `[T, 7]` xyz (m) and quaternion xyzw, of the same frame as ``observation.tool_pose``, which is frame 0.
        openness: `[T]`, 0 closed to 1 open. sigma_position_m, sigma_rotation_rad: standard deviation of each frame, one
        number or `[T]`; frames less certain than the limits of `arm_command` are not executed. valid: bool `[T]`,
        frames that may be executed, all where None.
        Raises ValueError where a valid frame is not finite, a quaternion is not of unit length or a sigma is negative.
        """
        array = np.asarray(poses, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != 7 or len(array) < 2:
            raise ValueError(f"poses is {list(array.shape)}; give [T, 7], T of 2 or more: xyz and quaternion xyzw")
        count = len(array)
        covariance = np.zeros((count, 6, 6))
        for name, value, axes in (
            ("sigma_position_m", sigma_position_m, (0, 1, 2)),
            ("sigma_rotation_rad", sigma_rotation_rad, (3, 4, 5)),
        ):
            sigma = np.asarray(value, dtype=np.float64)
            if sigma.shape not in ((), (count,)) or not np.isfinite(sigma).all() or (sigma < 0).any():
                raise ValueError(f"{name} is {value!r}; give a finite number of 0 or more, or {count} of them")
            for axis in axes:
                covariance[:, axis, axis] = sigma**2
        usable = np.ones(count, bool) if valid is None else np.asarray(valid)
        return cls(
            **_of(observation),
            dt=dt,
            stage_seconds=stage_seconds or {},
            actions=DecodedActions(array, np.asarray(openness, dtype=np.float64), covariance, usable),
        )

    def with_video(self, video: Images, stage_seconds: Mapping[str, float]) -> Prediction:
        """The same with its video uint8 `[V, T, H, W, 3]` and the seconds that it took."""
        return replace(self, video=video, stage_seconds={**self.stage_seconds, **stage_seconds})

    @property
    def frames(self) -> int:
        """T."""
        return int(self.images().shape[1]) if self.actions is None else len(self.actions.poses)

    def images(self) -> Images:
        """The action images; ValueError where the prediction holds poses."""
        if self.action_images is None:
            raise ValueError("action_images is None; this prediction holds poses, use its actions")
        return self.action_images

    @property
    def horizon(self) -> float:
        """Seconds from the observation to the last frame."""
        return (self.frames - 1) * self.dt


def _of(observation: Observation) -> dict[str, Any]:
    return {
        "stamp_ns": observation.stamp_ns,
        "camera_names": tuple(observation.camera_names),
        "K": observation.K,
        "world_from_camera": observation.world_from_camera,
    }


def _images(name: str, value: object, views: int) -> Images:
    images = np.asarray(value)
    if (
        images.dtype != np.uint8
        or images.ndim != 5
        or images.shape[0] != views
        or images.shape[4] != 3
        or (0 in images.shape)
    ):
        raise ValueError(f"{name} is {images.dtype} {list(images.shape)}; give uint8 RGB [{views}, T, H, W, 3]")
    return images


def _actions(actions: DecodedActions) -> DecodedActions:
    """The same with checked shapes and values; valid frames are finite, with unit quaternions and openness 0..1."""
    count = len(actions.poses)
    arrays: dict[str, Array] = {}
    for name, shape in (
        ("poses", (count, 7)),
        ("openness", (count,)),
        ("covariance", (count, 6, 6)),
        ("valid", (count,)),
    ):
        array = np.asarray(getattr(actions, name), dtype=bool if name == "valid" else np.float64)
        if array.shape != shape:
            raise ValueError(f"{name} is {list(array.shape)}; give {list(shape)}, one entry per frame")
        arrays[name] = array
    valid = arrays["valid"]
    for name in ("poses", "openness", "covariance"):
        wrong = valid & ~np.isfinite(arrays[name].reshape(count, -1)).all(axis=1)
        if wrong.any():
            frame = int(np.argmax(wrong))
            raise ValueError(
                f"{name}[{frame}] is {arrays[name][frame].tolist()}; give finite values, or mark the frame as not valid"
            )
    length = np.linalg.norm(arrays["poses"][:, 3:], axis=1)
    wrong = valid & ~(np.abs(length - 1.0) < 1e-3)
    if wrong.any():
        frame = int(np.argmax(wrong))
        raise ValueError(
            f"poses[{frame}] has the quaternion {arrays['poses'][frame, 3:].tolist()} of length "
            f"{length[frame]:g}; give a unit quaternion xyzw"
        )
    wrong = valid & ~((arrays["openness"] >= 0) & (arrays["openness"] <= 1))
    if wrong.any():
        frame = int(np.argmax(wrong))
        raise ValueError(f"openness[{frame}] is {arrays['openness'][frame]}; give 0 (closed) to 1 (open)")
    return DecodedActions(arrays["poses"], arrays["openness"], arrays["covariance"], valid)
