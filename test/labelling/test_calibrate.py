import numpy as np
import pytest
from calibration_rigs import cameras, moved, readings, tool_poses

from action_images_ros.calibration.estimate import estimate_rig
from action_images_ros.interfaces.calibration import read_calibration
from action_images_ros.labelling.calibrate import calibration_report, overlay_page, write_calibration
from action_images_ros.labelling.camera_reader import ToolFrames


def rig(told_metres=0.05, told_radians=0.05):
    rng = np.random.default_rng(1)
    K, E = cameras(rng)
    r = readings(rng, tool_poses(rng, 16), K, E, 0.3)
    return E, r, estimate_rig(r, moved(E, rng, told_metres, told_radians))


def test_the_file_is_what_the_stack_reads(tmp_path):
    E, r, result = rig()
    path = write_calibration(tmp_path / "new" / "calibration.yaml", result, "base")
    read = read_calibration(path, "base").mounts
    for view, name in enumerate(r.cameras):
        assert np.allclose(read[name].pose, result.cameras[view].world_from_camera)
    assert not list(path.parent.glob(".*"))


def test_nothing_is_written_over_and_nothing_of_a_refused_rig(tmp_path):
    _, r, result = rig()
    path = tmp_path / "calibration.yaml"
    path.write_text("mine")
    with pytest.raises(ValueError, match="output"):
        write_calibration(path, result, "base")
    assert path.read_text() == "mine"
    refused = estimate_rig(r.select(np.arange(2)), None)
    with pytest.raises(ValueError, match="refused"):
        write_calibration(tmp_path / "other.yaml", refused, "base")
    assert not (tmp_path / "other.yaml").exists()


def test_report_and_page_show_every_camera(tmp_path):
    import json

    _, r, result = rig()
    report = json.loads(json.dumps(calibration_report(result)))
    assert [row["camera"] for row in report["cameras"]] == list(r.cameras)
    assert all(row["residual_after_px"] < row["residual_before_px"] for row in report["cameras"])
    images = np.zeros((2, len(r), 96, 96, 3), np.uint8)
    frames = ToolFrames(r.cameras, images, r.K, r.tool_poses, r.stamps_ns)
    assert overlay_page(tmp_path / "page.png", result, frames).stat().st_size > 0
