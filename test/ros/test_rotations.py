"""Matrices of transforms are ours, whether tf_transformations is there, agrees, differs or fails."""

import sys
from types import ModuleType

import numpy as np
import pytest

from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.ros import rotations


def _library(matrix):
    module = ModuleType("tf_transformations")
    module.quaternion_matrix = matrix
    return module


def _right(q):
    return matrix_from_pose7([0, 0, 0, *q])


def _fails(q):
    raise AttributeError("module 'numpy' has no attribute 'float'")


@pytest.mark.parametrize("matrix, used", [(_right, True), (lambda q: _right(np.roll(q, 1)), False), (_fails, False)])
def test_the_library_is_used_where_it_agrees(monkeypatch, matrix, used):
    monkeypatch.setitem(sys.modules, "tf_transformations", _library(matrix))
    monkeypatch.setattr(rotations, "_LIBRARY", rotations._find_library())
    assert (rotations._LIBRARY is not None) == used
    pose = np.array([0.1, 0.2, 0.3, 0.5, -0.5, 0.5, 0.5])
    np.testing.assert_allclose(rotations.matrix_from_transform(pose), matrix_from_pose7(pose), atol=1e-12)


def test_what_is_not_finite_is_refused():
    with pytest.raises(ValueError):
        rotations.matrix_from_transform(np.full(7, np.nan))
