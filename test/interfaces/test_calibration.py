"""Camera poses from a file, or the reason why not."""

import numpy as np
import pytest

from action_images_ros.interfaces.calibration import read_calibration

GOOD = "base_frame: base\ncameras:\n  left: {position: [1, 2, 3], orientation: [0, 0, 0, 1]}\n"


def test_poses_are_read_by_camera(tmp_path):
    (tmp_path / "c.yaml").write_text(GOOD)
    cameras = read_calibration(tmp_path / "c.yaml", "base")
    np.testing.assert_array_equal(cameras["left"][:3, 3], [1, 2, 3])


@pytest.mark.parametrize(
    "text, words",
    [
        (GOOD.replace("base\n", "map\n"), "given in 'map', base_frame is 'base'"),
        ("cameras: {}", "needs base_frame"),
        (GOOD.replace("0, 1]", "0, 0]"), "c.yaml: .*zero quaternion"),
        ("{", "c.yaml"),
        (GOOD.replace("1, 2, 3", "1, x, 3"), "needs"),
    ],
)
def test_files_that_are_not_like_that_are_refused(tmp_path, text, words):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ValueError, match=words):
        read_calibration(tmp_path / "c.yaml", "base")
    with pytest.raises(ValueError, match="none.yaml.*readable"):
        read_calibration(tmp_path / "none.yaml", "base")
