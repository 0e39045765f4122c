"""Observations from camera images: synchronisation, crop, resize, and the intrinsics that belong to the result.

Training, evaluation, labelling and the policy node share this preprocessing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..geometry.camera import crop_intrinsics, normalise_signs, resize_intrinsics, validate_intrinsics
from ..geometry.pose import matrix_from_pose7, to_model_tool

__all__ = ["Observation", "Synchroniser", "observe", "prepare_image"]


@dataclass(frozen=True)
class Observation:
    """What the model sees at one instant; checked when made, so that the model never has to.

    stamp_ns: capture time, integer nanoseconds; it becomes the id of the chunk predicted from it.
    camera_names: V names. images: uint8 RGB `[V, H, W, 3]` at model size. K: `[V, 3, 3]` px of these images.
    world_from_camera: `[V, 4, 4]` of the optical frames. tool_pose: `[7]` xyz (m) + quaternion xyzw of the
    MODEL tool frame in the world (robot base). openness: gripper, 0 closed to 1 open. instruction: not empty.
    Raises ValueError when any of these does not hold.
    """

    stamp_ns: int
    camera_names: tuple[str, ...]
    images: np.ndarray
    K: np.ndarray
    world_from_camera: np.ndarray
    tool_pose: np.ndarray
    openness: float
    instruction: str

    def __post_init__(self) -> None:
        names = tuple(self.camera_names)
        views = len(names)
        if views == 0 or len(set(names)) != views:
            raise ValueError(f"camera_names is {list(names)}; give at least one camera and every name once")
        images = np.asarray(self.images)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[0] != views or images.shape[3] != 3:
            raise ValueError(
                f"images is {images.dtype} {list(images.shape)}; give uint8 RGB "
                f"[{views}, H, W, 3], one size for all cameras (prepare_image makes them)"
            )
        K, E = np.asarray(self.K, dtype=np.float64), np.asarray(self.world_from_camera, dtype=np.float64)
        if K.shape != (views, 3, 3) or E.shape != (views, 4, 4):
            raise ValueError(
                f"K is {list(K.shape)} and world_from_camera {list(E.shape)}; "
                f"give [{views}, 3, 3] and [{views}, 4, 4], one per camera of {list(names)}"
            )
        K, E = normalise_signs(K, E)
        pose = np.asarray(self.tool_pose, dtype=np.float64)
        if pose.shape != (7,):
            raise ValueError(f"tool_pose has shape {list(pose.shape)}; give xyz and a quaternion xyzw")
        matrix_from_pose7(pose)
        openness = float(self.openness)
        if not 0.0 <= openness <= 1.0:
            raise ValueError(f"openness is {openness}; give 0 (closed) to 1 (open): check its range")
        if not str(self.instruction).strip():
            raise ValueError("instruction is empty; say what the arm is to do, e.g. 'lift the red block'")
        for name, value in (
            ("camera_names", names),
            ("images", images),
            ("K", K),
            ("world_from_camera", E),
            ("tool_pose", pose),
            ("openness", openness),
            ("stamp_ns", int(self.stamp_ns)),
        ):
            object.__setattr__(self, name, value)


def prepare_image(image: np.ndarray, K: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The image and its intrinsics at model size: largest centred crop of the model's aspect, then resized.

    image: uint8 RGB `[h, w, 3]`, any size. K: `[3, 3]` of that image. size: `(H, W)` of the model.
    Returns uint8 `[H, W, 3]` (area-averaged when shrinking, bilinear when growing) and float64 `[3, 3]`:
    a world point keeps its place in the picture. Raises ValueError on a wrong image, size or K.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"image is {image.dtype} {list(image.shape)}; give uint8 RGB [h, w, 3]")
    K = validate_intrinsics(np.asarray(K, dtype=np.float64))
    out_h, out_w = int(size[0]), int(size[1])
    if out_h < 1 or out_w < 1:
        raise ValueError(f"size is {tuple(size)}; give the model's (H, W) in pixels")
    height, width = image.shape[:2]
    if (height, width) == (out_h, out_w):
        return image.copy(), K.copy()
    crop_h = min(height, max(1, round(width * out_h / out_w)))
    crop_w = min(width, max(1, round(height * out_w / out_h)))
    y0, x0 = (height - crop_h) // 2, (width - crop_w) // 2
    crop = np.ascontiguousarray(image[y0 : y0 + crop_h, x0 : x0 + crop_w])
    shrinks = crop_h >= out_h and crop_w >= out_w
    resized = cv2.resize(crop, (out_w, out_h), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return resized, resize_intrinsics(crop_intrinsics(K, x0, y0), out_w / crop_w, out_h / crop_h)


def observe(
    stamp_ns: int,
    images: Mapping[str, np.ndarray],
    K: Mapping[str, np.ndarray],
    world_from_camera: Mapping[str, np.ndarray],
    robot_tool_pose: np.ndarray,
    openness: float,
    instruction: str,
    *,
    size: tuple[int, int],
    robot_tool_from_model_tool: np.ndarray,
) -> Observation:
    """An Observation from raw camera images and the robot's own tool pose.

    images, K, world_from_camera: by camera name, the images uint8 RGB `[h, w, 3]` of any size; their order is
    the views' order. robot_tool_pose: `[7]` of the ROBOT tool frame in the world; robot_tool_from_model_tool:
    `[3, 3]`, the constant rotation between the two. Negative focal lengths are normalised here, once.
    """
    names = tuple(images)
    prepared, intrinsics, extrinsics = [], [], []
    for name in names:
        try:
            k, e = normalise_signs(K[name], world_from_camera[name])
            picture, k = prepare_image(images[name], k, size)
        except ValueError as error:
            raise ValueError(f"camera {name!r}: {error}") from None
        prepared.append(picture)
        intrinsics.append(k)
        extrinsics.append(e)
    model_pose = to_model_tool(np.asarray(robot_tool_pose, dtype=np.float64), robot_tool_from_model_tool)
    return Observation(
        stamp_ns,
        names,
        np.stack(prepared),
        np.stack(intrinsics),
        np.stack(extrinsics),
        model_pose,
        openness,
        instruction,
    )


class Synchroniser:
    """Collects items of several cameras into sets whose stamps lie within `slop_s` seconds of each other.

    Keeps the last `depth` items per camera. No clock, no threads, no ROS: stamps are integer nanoseconds of
    any one clock. When a camera's stamps jump back (a simulation was reset) everything older is forgotten.
    """

    def __init__(self, cameras: Sequence[str], slop_s: float, depth: int = 8):
        if not cameras or len(set(cameras)) != len(cameras):
            raise ValueError(f"cameras is {list(cameras)}; give at least one camera and every name once")
        if not slop_s >= 0.0:
            raise ValueError(f"slop_s is {slop_s}; give the largest stamp difference in seconds, 0 or more")
        self.slop_ns = round(slop_s * 1e9)
        self._queues: dict[str, deque[tuple[int, Any]]] = {name: deque(maxlen=depth) for name in cameras}
        self._newest: dict[str, int] = {}

    def add(self, camera: str, stamp_ns: int, item: Any) -> tuple[int, dict[str, Any]] | None:
        """Add one item; `(stamp_ns, {camera: item})` when it completes a set, else None.

        The set's stamp is the latest of its items. Items up to the set's are dropped: sets never share one.
        """
        if camera not in self._queues:
            raise KeyError(f"camera {camera!r} is unknown; the cameras are {list(self._queues)}")
        if stamp_ns < self._newest.get(camera, stamp_ns):
            self.clear()
        self._newest[camera] = stamp_ns
        self._queues[camera].append((stamp_ns, item))
        chosen = {}
        for name, queue in self._queues.items():
            if not queue:
                return None
            chosen[name] = min(queue, key=lambda entry: abs(entry[0] - stamp_ns))
        stamps = [stamp for stamp, _ in chosen.values()]
        if max(stamps) - min(stamps) > self.slop_ns:
            return None
        for name, queue in self._queues.items():
            while queue and queue[0][0] <= chosen[name][0]:
                queue.popleft()
        return max(stamps), {name: item for name, (_, item) in chosen.items()}

    def clear(self) -> None:
        """Forget everything."""
        self._newest.clear()
        for queue in self._queues.values():
            queue.clear()

    def missing(self) -> list[str]:
        """Cameras without any image so far."""
        return [name for name in self._queues if name not in self._newest]

    def stale(self, now_ns: int, max_age_s: float) -> dict[str, float]:
        """Cameras whose newest item is older than `max_age_s`, with its age in seconds."""
        ages = {name: (now_ns - stamp) * 1e-9 for name, stamp in self._newest.items()}
        return {name: age for name, age in ages.items() if age > max_age_s}

    def spread(self) -> float | None:
        """Seconds between the newest stamps of the earliest and the latest camera; None until every camera has one."""
        if self.missing():
            return None
        return (max(self._newest.values()) - min(self._newest.values())) * 1e-9
