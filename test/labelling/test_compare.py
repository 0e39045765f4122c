"""Errors are those of the labels, of labels only, and in the units that they say."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from action_images_ros.labelling.compare import Comparison
from action_images_ros.labelling.merge import FrameLabel
from action_images_ros.labelling.planner import Unlabelled

POSE = np.array([0.5, 0.0, 0.3, 1.0, 0.0, 0.0, 0.0])


def label(pose, openness=1.0, given=False, measured=POSE, measured_openness=1.0):
    return FrameLabel(
        0, 0, pose, openness, np.eye(6), 1, given, "" if pose is not None else "unreadable", measured, measured_openness
    )


def test_errors_are_in_millimetres_and_degrees():
    comparison = Comparison(np.eye(3))
    for millimetres, degrees in ((1, 2), (2, 4), (9, 8)):
        pose = POSE + [millimetres * 1e-3, 0, 0, 0, 0, 0, 0]
        pose[3:] = (Rotation.from_euler("z", degrees, degrees=True) * Rotation.from_quat(POSE[3:])).as_quat()
        comparison.frame(label(pose))
    figures = comparison.figures()
    assert figures["position_mm_median"] == pytest.approx(2) and figures["rotation_deg_median"] == pytest.approx(4)
    assert figures["position_mm_p95"] == pytest.approx(8.3) and figures["compared"] == 3


def test_what_was_told_or_never_measured_is_not_judged():
    comparison = Comparison(np.eye(3))
    comparison.frame(label(POSE + 0.1, given=True))
    comparison.frame(label(POSE, measured=None, measured_openness=None))
    comparison.frame(label(None))
    comparison.unlabelled(Unlabelled(1, 1, "too short"))
    figures = comparison.figures()
    assert figures["frames"] == 4 and figures["labelled"] == 2 and figures["told"] == 1
    assert figures["without_label"] == {"unreadable": 1, "too short": 1}
    assert figures["compared"] == 0 and figures["position_mm_median"] is None and figures["jaccard_4px"] is None


def test_openness_is_right_on_its_side_of_a_half():
    comparison = Comparison(np.eye(3))
    for openness, measured in ((0.9, 1.0), (0.6, 0.9), (0.4, 0.9), (0.1, 0.0)):
        comparison.frame(label(POSE, openness=openness, measured_openness=measured))
    assert comparison.figures()["openness_right"] == 0.75
