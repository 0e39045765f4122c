"""Episodes as RLBench itself saves them: a folder of PNGs per camera and low_dim_obs.pkl.

TASK/variationN/episodes/episodeM (or TASK/all_variations/..) holds CAMERA_rgb/0.png, 1.png, .. and low_dim_obs.pkl with
gripper_pose, gripper_open and, in misc, CAMERA_camera_intrinsics and CAMERA_camera_extrinsics of every frame. A wrist
camera moves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...geometry.camera import normalise_signs
from ...interfaces.images import rgb_from_file
from ...policy.observation import prepare_image
from ..episode import Episode
from ..format import Options, Remark, every
from ..gripper import find_gripper, parse_gripper
from .demo_pickle import read_demo

__all__ = ["DEMO", "STEP_S", "read_stock_episode"]

DEMO = "low_dim_obs.pkl"
STEP_S = 0.05
"""Seconds between frames: the time step of RLBench's simulation."""

Floats = npt.NDArray[np.float64]


def read_stock_episode(
    folder: Path, task: str, seed: int, instruction: str, options: Options
) -> Iterator[Episode | Remark]:
    """One episode's folder; ValueError naming the file, the value and the remedy."""
    file = folder / DEMO
    observations = read_demo(file)
    step = every(options.dt, STEP_S)
    chosen = range(0, len(observations), step)
    cameras = _cameras(folder, options)
    matrices = [_calibration(file, observations, name) for name in cameras]
    poses, opened = _column(file, observations, "gripper_pose", 7), _column(file, observations, "gripper_open", 1)[:, 0]
    convention = parse_gripper(options.setup.get("gripper", ""))
    try:
        openness = (convention or find_gripper(opened, "gripper_open")).openness(opened)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    images, K = _pictures(folder, cameras, [k for k, _ in matrices], len(observations), step, options)
    E = np.stack([e[::step] for _, e in matrices])
    yield Episode(
        task=task,
        seed=seed,
        instruction=instruction,
        dt=step * STEP_S,
        images=images,
        K=K,
        world_from_camera=E if np.abs(E - E[:, :1]).max() > 1e-6 else E[:, 0],
        poses=poses[chosen],
        openness=openness[chosen],
        success=True,
        camera_names=tuple(cameras),
    )


def _cameras(folder: Path, options: Options) -> list[str]:
    there = sorted(path.name.removesuffix("_rgb") for path in folder.glob("*_rgb") if path.is_dir())
    if not there:
        raise ValueError(
            f"{folder} has no folder CAMERA_rgb; its content is {sorted(p.name for p in folder.iterdir())}"
        )
    wanted = [str(name) for name in options.setup.get("cameras", ())]
    missing = [name for name in wanted if name not in there]
    if missing:
        raise ValueError(f"cameras is {', '.join(wanted)}; {missing} are not there: {there}")
    return wanted or there


def _column(file: Path, observations: list[dict[str, Any]], name: str, size: int) -> Floats:
    """`[T, size]` of a value of every observation."""
    try:
        values = np.array([entry[name] for entry in observations], dtype=np.float64).reshape(len(observations), -1)
    except (KeyError, TypeError, ValueError):
        has = sorted(key for key, value in observations[0].items() if value is not None)
        raise ValueError(f"{file}: not every observation has {name}; record it with RLBench. It has {has}") from None
    if values.shape[1] != size:
        raise ValueError(f"{file}: {name} has {values.shape[1]} values, {size} are expected")
    return values


def _calibration(file: Path, observations: list[dict[str, Any]], camera: str) -> tuple[Floats, Floats]:
    """K `[3, 3]` and world_from_camera `[T, 4, 4]` with positive focal lengths."""
    names = f"{camera}_camera_intrinsics", f"{camera}_camera_extrinsics"
    try:
        K, E = (
            np.array([_values(entry["misc"][name]) for entry in observations], dtype=np.float64).reshape(-1, side, side)
            for name, side in zip(names, (3, 4), strict=True)
        )
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"{file}: not every observation has {names[0]} and {names[1]} in misc; record it with a later RLBench, or "
            f"leave camera {camera} out (--cameras)"
        ) from None
    try:
        K, E = (np.asarray(matrix, np.float64) for matrix in normalise_signs(K, E))
    except ValueError as error:
        raise ValueError(f"{file}: camera {camera}: {error}") from None
    if np.ptp(K, axis=0).max() > 1e-6 * np.abs(K).max():
        raise ValueError(f"{file}: camera {camera} zooms; leave it out (--cameras)")
    return K[0], E


def _values(entry: Any) -> Any:
    return getattr(entry, "value", entry)


def _pictures(
    folder: Path, cameras: list[str], matrices: list[Floats], count: int, step: int, options: Options
) -> tuple[npt.NDArray[np.uint8], Floats]:
    """uint8 RGB `[V, T, H, W, 3]` and K `[V, 3, 3]`."""
    views, intrinsics = [], []
    for camera, matrix in zip(cameras, matrices, strict=True):
        files = sorted((folder / f"{camera}_rgb").glob("*.png"), key=_number)
        if len(files) != count:
            raise ValueError(
                f"{folder / f'{camera}_rgb'} has {len(files)} pictures, {DEMO} has {count} observations; the episode "
                "is not complete: copy it again"
            )
        wrong = next((n for n, file in enumerate(files) if _number(file) != n), None)
        if wrong is not None:
            raise ValueError(
                f"{folder / f'{camera}_rgb'} has no {wrong}.png; the episode is not complete: copy it again"
            )
        view: list[npt.NDArray[np.uint8]] = []
        K, shape = matrix, None
        for file in files[::step]:
            try:
                image = np.asarray(rgb_from_file(file.read_bytes(), "png"), np.uint8)
            except ValueError as error:
                raise ValueError(f"{file} cannot be read: {error}; copy it again") from None
            if shape not in (None, image.shape):
                raise ValueError(f"{file} is {image.shape[1]}x{image.shape[0]}, another size than the first; repair it")
            shape = image.shape
            if options.size is not None:
                image, K = prepare_image(image, matrix, options.size)
            view.append(np.asarray(image, np.uint8))
        views.append(np.stack(view))
        intrinsics.append(K)
    sizes = {name: view.shape[1:3] for name, view in zip(cameras, views, strict=True)}
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{name} {w}x{h}" for name, (h, w) in sizes.items())
        raise ValueError(f"{folder}: the cameras' pictures differ in size ({shown}); give one size (--size)")
    return np.stack(views), np.stack(intrinsics)


def _number(file: Path) -> int:
    digits = re.search(r"(\d+)$", file.stem)
    return int(digits[1]) if digits else -1
