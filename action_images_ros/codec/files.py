"""Encoding and decoding from file to file (`.npz`), for the command line; every input is checked at this boundary."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from ..geometry.arrays import Array
from ..geometry.pose import matrix_from_action
from .decode import decode
from .encode import encode, to_uint8

__all__ = ["decode_file", "encode_file"]


def encode_file(in_npz: str | Path, out_npz: str | Path) -> dict[str, Array]:
    """Encode the actions of `in_npz` and write the images to `out_npz`; return the arrays.

    In: `actions [T, 7]` xyz (m), extrinsic "xyz" Euler (rad), openness 0..1; `K [V, 3, 3]` px; `E [V, 4, 4]`
    world_from_camera (`[V, T, 4, 4]` where a camera moves); `size [2]` = H, W. Out: `uv [V, T, 3, 2]` px (NaN: behind
    the camera), `images [V, T, H, W, 3]` uint8. Raises ValueError naming the array, its value and the remedy.
    """
    data = _load(in_npz, ("actions", "K", "E", "size"))
    actions = _numbers("actions", data["actions"], "give T rows of x y z, three Euler angles and openness")
    if actions.ndim != 2 or actions.shape[1] != 7 or len(actions) == 0:
        raise ValueError(
            f"actions has shape {list(actions.shape)}, expected [T, 7] with T >= 1; "
            "give rows of x y z (m), Euler angles (rad) and openness"
        )
    size = _numbers("size", data["size"], "give H and W in pixels")
    if size.shape != (2,):
        raise ValueError(f"size has shape {list(size.shape)}, expected [2]; give H and W in pixels")
    if not np.isfinite(size).all():
        raise ValueError(f"size is {size.tolist()}; give H and W as whole, finite pixel counts")
    _refuse_poses(actions)
    world_from_tool, openness = matrix_from_action(actions)
    drawn = encode(world_from_tool, openness, *_cameras(data), (size[0], size[1]))
    result: dict[str, Array] = {"uv": drawn.uv, "images": to_uint8(drawn.images)}
    np.savez_compressed(Path(out_npz), allow_pickle=False, **result)
    return result


def decode_file(in_npz: str | Path, out_npz: str | Path) -> dict[str, Array]:
    """Decode the images of `in_npz` and write the poses to `out_npz`; return the arrays.

    In: `images [V, T, H, W, 3]` uint8 or float in [0, 1], `K [V, 3, 3]`, `E [V, 4, 4]` or `[V, T, 4, 4]`. Out: `poses
    [T, 7]` xyz (m) and quaternion xyzw, `openness [T]`, `covariance [T, 6, 6]` and `valid [T]` as `decode` gives them.
    """
    data = _load(in_npz, ("images", "K", "E"))
    if data["images"].dtype != np.uint8:
        _numbers("images", data["images"], "give uint8, or float in [0, 1]")
    result = decode(data["images"], *_cameras(data))._asdict()
    np.savez_compressed(Path(out_npz), **result)
    return result


def _refuse_poses(actions: np.ndarray) -> None:
    """ValueError where the rows are poses with a quaternion, as `decode` writes them, instead of actions."""
    rows = np.asarray(actions, dtype=np.float64)
    unit = np.abs(np.linalg.norm(rows[:, 3:], axis=1) - 1.0) < 1e-5
    if unit.all() and np.abs(rows[:, 3:6]).max() > 1e-3:
        raise ValueError(
            "actions is [T, 7] with a unit quaternion in its last four columns: poses, as decode writes them; give x y "
            "z, three Euler angles (rad) and openness (geometry.pose: action_from_matrix)"
        )


def _load(path: str | Path, names: tuple[str, ...]) -> dict[str, Array]:
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} does not exist; give an .npz file with the arrays {', '.join(names)}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, NpzFile):
                raise ValueError("it holds a single array")
            missing = [name for name in names if name not in archive.files]
            if missing:
                raise ValueError(
                    f"{path} has the arrays {archive.files} but not {', '.join(missing)}; "
                    f"write all of {', '.join(names)}"
                )
            return {name: archive[name] for name in names}
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path} is not a readable .npz file ({error}); write it with numpy.savez") from None
    except ValueError as error:
        if str(path) in str(error):
            raise
        raise ValueError(
            f"{path} cannot be read as plain arrays ({error}); write numeric arrays with numpy.savez"
        ) from None


def _numbers(name: str, array: Array, remedy: str) -> Array:
    if not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
        raise ValueError(f"{name} has dtype {array.dtype}; {remedy}, as real numbers")
    return array


def _cameras(data: dict[str, Array]) -> tuple[Array, Array]:
    cameras = []
    for name, size in (("K", 3), ("E", 4)):
        array = _numbers(name, data[name], f"give one {size}x{size} matrix per camera")
        moving = name == "E" and array.ndim == 4
        if (array.ndim != 3 and not moving) or array.shape[-2:] != (size, size) or len(array) == 0:
            raise ValueError(
                f"{name} has shape {list(array.shape)}, expected [V, {size}, {size}] with V >= 1; "
                f"give one {size}x{size} matrix per camera"
            )
        cameras.append(array)
    if len(cameras[0]) != len(cameras[1]):
        raise ValueError(f"K holds {len(cameras[0])} cameras and E {len(cameras[1])}; give both for every camera")
    return cameras[0], cameras[1]
