"""Rigid poses: homogeneous matrices, pose vectors and the stored action layout.

Three layouts occur and must not be confused:

* pose7:   float64 `[..., 7]` = x y z (m) and a unit quaternion x y z w;
* action:  float64 `[..., 7]` = x y z (m), extrinsic "xyz" Euler angles (rad, scipy's lower-case "xyz"), openness;
* matrix:  float64 `[..., 4, 4]`, `world_from_tool`, the tool's axes in columns 0..2.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from .arrays import ArrayLike, Floats

__all__ = [
    "action_from_matrix",
    "continuous_quaternions",
    "interpolate",
    "inverse",
    "matrix_from_action",
    "matrix_from_pose7",
    "pose7_from_matrix",
    "rotation_angle",
    "rotation_from_vector",
    "to_model_tool",
    "to_robot_tool",
    "vector_from_rotation",
]


def _as_finite(name: str, value: ArrayLike, last: tuple[int, ...], remedy: str) -> Floats:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not numeric ({error}); {remedy}") from None
    if array.shape[-len(last) :] != last:
        wanted = ", ".join(["..."] + [str(n) for n in last])
        raise ValueError(f"{name} has shape {list(array.shape)}, expected [{wanted}]; {remedy}")
    finite = np.isfinite(array)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"{name}{list(where)} is {array[where]}; {remedy}")
    return array


def _rigid(rotation: Floats, translation: Floats) -> Floats:
    matrix = np.zeros(translation.shape[:-1] + (4, 4))
    matrix[..., :3, :3] = rotation
    matrix[..., :3, 3] = translation
    matrix[..., 3, 3] = 1.0
    return matrix


def matrix_from_pose7(pose7: ArrayLike) -> Floats:
    """Homogeneous matrices `[..., 4, 4]` of poses `[..., 7]` (m, quaternion xyzw; any non-zero quaternion norm).

    Raises ValueError on NaN, infinity or a zero quaternion.
    """
    pose7 = _as_finite("pose7", pose7, (7,), "give position in metres and a quaternion x y z w")
    norm = np.linalg.norm(pose7[..., 3:], axis=-1)
    if np.any(norm < 1e-6):
        where = [int(i) for i in np.argwhere(norm < 1e-6)[0]]
        raise ValueError(
            f"pose7{where or ''} has the zero quaternion {pose7[tuple(where)][3:].tolist()}; "
            "an unset orientation is not the identity: send 0 0 0 1 for no rotation"
        )
    rotation = Rotation.from_quat(pose7[..., 3:].reshape(-1, 4)).as_matrix()
    return _rigid(rotation.reshape(pose7.shape[:-1] + (3, 3)), pose7[..., :3])


def pose7_from_matrix(matrix: ArrayLike) -> Floats:
    """Poses `[..., 7]` (m, unit quaternion xyzw with w >= 0) of rigid matrices `[..., 4, 4]`."""
    matrix = _as_finite("matrix", matrix, (4, 4), "give a rigid 4x4 matrix, translation in metres")
    quaternion = Rotation.from_matrix(matrix[..., :3, :3].reshape(-1, 3, 3)).as_quat()
    quaternion *= np.where(quaternion[:, 3:] < 0, -1.0, 1.0)
    return np.concatenate([matrix[..., :3, 3], quaternion.reshape(matrix.shape[:-2] + (4,))], axis=-1)


def matrix_from_action(actions: ArrayLike) -> tuple[Floats, Floats]:
    """Stored actions `[..., 7]` (xyz, extrinsic "xyz" Euler in rad, openness) to `([..., 4, 4], openness [...])`."""
    actions = _as_finite("actions", actions, (7,), "give x y z in metres, Euler angles in radians and openness 0..1")
    openness = actions[..., 6]
    if np.any((openness < 0) | (openness > 1)):
        bad = openness[(openness < 0) | (openness > 1)].ravel()[0]
        raise ValueError(f"actions[..., 6] (openness) is {bad}; give a value between 0 (closed) and 1 (open)")
    rotation = Rotation.from_euler("xyz", actions[..., 3:6].reshape(-1, 3)).as_matrix()
    return _rigid(rotation.reshape(actions.shape[:-1] + (3, 3)), actions[..., :3]), openness.copy()


def action_from_matrix(matrix: ArrayLike, openness: ArrayLike) -> Floats:
    """Rigid matrices `[..., 4, 4]` and openness `[...]` to stored actions `[..., 7]` (see `matrix_from_action`)."""
    matrix = _as_finite("matrix", matrix, (4, 4), "give a rigid 4x4 matrix, translation in metres")
    euler = Rotation.from_matrix(matrix[..., :3, :3].reshape(-1, 3, 3)).as_euler("xyz")
    openness = np.broadcast_to(np.asarray(openness, dtype=np.float64), matrix.shape[:-2])
    return np.concatenate([matrix[..., :3, 3], euler.reshape(matrix.shape[:-2] + (3,)), openness[..., None]], axis=-1)


def inverse(matrix: ArrayLike) -> Floats:
    """Inverse of rigid matrices `[..., 4, 4]` (transpose of the rotation, not a general inverse)."""
    matrix = np.asarray(matrix, dtype=np.float64)
    rotation = np.swapaxes(matrix[..., :3, :3], -1, -2)
    return _rigid(rotation, -np.einsum("...ij,...j->...i", rotation, matrix[..., :3, 3]))


def interpolate(pose7_a: ArrayLike, pose7_b: ArrayLike, fraction: ArrayLike) -> Floats:
    """Pose between a (`fraction` 0) and b (1): linear in position, shortest-way slerp in rotation.

    pose7_a, pose7_b: `[..., 7]`, fraction: `[...]`; shapes broadcast. Antipodal quaternions are the same rotation.
    """
    remedy = "interpolate between finite poses"
    pose7_a = _as_finite("pose7_a", pose7_a, (7,), remedy)
    pose7_b = _as_finite("pose7_b", pose7_b, (7,), remedy)
    fraction = np.asarray(fraction, dtype=np.float64)
    shape = np.broadcast_shapes(pose7_a.shape[:-1], pose7_b.shape[:-1], fraction.shape)
    a = np.broadcast_to(pose7_a, shape + (7,)).reshape(-1, 7)
    b = np.broadcast_to(pose7_b, shape + (7,)).reshape(-1, 7)
    t = np.broadcast_to(fraction, shape).reshape(-1, 1)
    for name, pose in (("pose7_a", a), ("pose7_b", b)):
        if np.any(np.linalg.norm(pose[:, 3:], axis=1) < 1e-6):
            raise ValueError(f"{name} has a zero quaternion; send 0 0 0 1 for no rotation")
    start = Rotation.from_quat(a[:, 3:])
    turn = (start.inv() * Rotation.from_quat(b[:, 3:])).as_rotvec()
    quaternion = (start * Rotation.from_rotvec(turn * t)).as_quat()
    quaternion *= np.where(np.sum(quaternion * a[:, 3:], axis=1, keepdims=True) < 0, -1.0, 1.0)
    return np.concatenate([a[:, :3] + t * (b[:, :3] - a[:, :3]), quaternion], axis=1).reshape(shape + (7,))


def continuous_quaternions(pose7: ArrayLike) -> Floats:
    """The same poses `[T, 7]` with quaternion signs chosen so that neighbours in time never flip."""
    pose7 = np.array(pose7, dtype=np.float64)
    dots = np.sum(pose7[1:, 3:] * pose7[:-1, 3:], axis=-1)
    sign = np.concatenate([[1.0], np.cumprod(np.where(dots < 0, -1.0, 1.0))])
    pose7[:, 3:] *= sign[: len(pose7), None]
    return pose7


def rotation_angle(rotation_a: ArrayLike, rotation_b: ArrayLike) -> Floats:
    """Angle `[...]` in radians between rotations `[..., 3, 3]`, accurate near 0 and near pi."""
    relative = np.swapaxes(np.asarray(rotation_a, dtype=np.float64), -1, -2) @ np.asarray(rotation_b, dtype=np.float64)
    axis = np.stack(
        [
            relative[..., 2, 1] - relative[..., 1, 2],
            relative[..., 0, 2] - relative[..., 2, 0],
            relative[..., 1, 0] - relative[..., 0, 1],
        ],
        axis=-1,
    )
    angle: Floats = np.arctan2(np.linalg.norm(axis, axis=-1), np.trace(relative, axis1=-2, axis2=-1) - 1.0)
    return angle


def rotation_from_vector(vector: ArrayLike) -> Floats:
    """Rotation matrices `[..., 3, 3]` of rotation vectors `[..., 3]` (rad; Rodrigues)."""
    vector = np.asarray(vector, dtype=np.float64)
    return Rotation.from_rotvec(vector.reshape(-1, 3)).as_matrix().reshape(vector.shape[:-1] + (3, 3))


def vector_from_rotation(rotation: ArrayLike) -> Floats:
    """Rotation vectors `[..., 3]` (rad, length <= pi) of rotation matrices `[..., 3, 3]`."""
    rotation = np.asarray(rotation, dtype=np.float64)
    return Rotation.from_matrix(rotation.reshape(-1, 3, 3)).as_rotvec().reshape(rotation.shape[:-2] + (3,))


def _turn_tool(pose7: ArrayLike, rotation: ArrayLike) -> Floats:
    pose7 = np.asarray(pose7, dtype=np.float64)
    rotation = np.asarray(rotation, dtype=np.float64)
    if (
        rotation.shape != (3, 3)
        or not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
        or np.linalg.det(rotation) < 0
    ):
        raise ValueError(f"robot_tool_from_model_tool is {rotation.tolist()}; give a 3x3 rotation matrix")
    matrix = matrix_from_pose7(pose7)
    matrix[..., :3, :3] = matrix[..., :3, :3] @ rotation
    return pose7_from_matrix(matrix)


def to_model_tool(pose7_robot: ArrayLike, robot_tool_from_model_tool: ArrayLike) -> Floats:
    """Poses `[..., 7]` of the robot's tool frame as poses of the model's tool frame (same origin, other axes)."""
    return _turn_tool(pose7_robot, robot_tool_from_model_tool)


def to_robot_tool(pose7_model: ArrayLike, robot_tool_from_model_tool: ArrayLike) -> Floats:
    """Poses `[..., 7]` of the model's tool frame as poses of the robot's tool frame (same origin, other axes)."""
    return _turn_tool(pose7_model, np.asarray(robot_tool_from_model_tool, dtype=np.float64).T)
