"""Quaternions to matrices: tf_transformations where it is installed and proved to agree, else SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..geometry.pose import matrix_from_pose7

__all__ = ["HAS_TF_TRANSFORMATIONS", "matrix_from_transform"]

Array = npt.NDArray[np.float64]


def _own(pose7: Array) -> Array:
    return np.asarray(matrix_from_pose7(pose7))


def _foreign(library: Any, pose7: Array) -> Array:
    matrix = np.array(library.quaternion_matrix(pose7[3:]), dtype=np.float64)
    matrix[:3, 3] = pose7[:3]
    return matrix


def _find_library():
    """tf_transformations, when it gives our matrices on a sample: one for another numpy fails only when it is used."""
    try:
        import tf_transformations

        rng = np.random.default_rng(0)
        for _ in range(20):
            pose = rng.normal(size=7)
            pose[3:] /= np.linalg.norm(pose[3:])
            np.testing.assert_allclose(_foreign(tf_transformations, pose), _own(pose), atol=1e-9)
        return tf_transformations
    except Exception:  # whatever is wrong with it, SciPy does the same
        return None


_LIBRARY = _find_library()
HAS_TF_TRANSFORMATIONS = _LIBRARY is not None


def matrix_from_transform(pose7: Array) -> Array:
    """`parent_from_child` `[4, 4]` of a pose `[7]` (m, unit quaternion xyzw). ValueError when it is not finite."""
    own = _own(pose7)  # checks the pose
    return own if _LIBRARY is None else _foreign(_LIBRARY, np.asarray(pose7, dtype=np.float64))
