"""`calibrate` on recordings that cannot be calibrated: a clear verdict, an exit code, nothing written."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from calibration_rigs import cameras, tool_poses
from recordings import record, small_episode
from scipy.spatial.transform import Rotation

from action_images_ros.cli import calibration as command
from action_images_ros.cli import data as data_commands
from action_images_ros.cli.main import main
from action_images_ros.codec.encode import encode, to_uint8
from action_images_ros.data.episode import Episode
from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.labelling.calibrate import camera_judge
from action_images_ros.policy import registry
from action_images_ros.policy.card import ModelCard

FRAMES = 18


class Reader:
    """Label mode that draws what the cameras truly saw; a frame's number is its pictures' brightness."""

    card = ModelCard(name="reader", image_size=(96, 96), frames=9, dt=0.2)

    def __init__(self, K, E, poses):
        self.K, self.E, self.poses, self.blind = K, E, poses, ()

    def label(self, clips, *, steps=1, seed=0):
        drawn = []
        for pictures in clips.images[:, 0, :, 0, 0, 0]:
            poses = matrix_from_pose7(self.poses[pictures])
            images = np.array(to_uint8(encode(poses, np.ones(len(poses)), self.K, self.E, (96, 96)).images))
            images[list(self.blind)] = 0
            drawn.append(images)
        return np.stack(drawn)


@pytest.fixture
def rig(monkeypatch):
    """A right recording; a test makes it a wrong one before it runs the command."""
    rng = np.random.default_rng(3)
    K, E = cameras(rng)
    poses = tool_poses(rng, FRAMES)
    images = np.empty((2, FRAMES, 96, 96, 3), np.uint8)
    images[:] = np.arange(FRAMES)[None, :, None, None, None]
    told = SimpleNamespace(K=K.copy(), E=E.copy(), poses=poses.copy(), names=("left", "right"), images=images)
    reader = Reader(K, E, poses)
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(registry, "load_policy", lambda *_, **__: reader)
    monkeypatch.setattr(command, "_episode", lambda *_: (_recording(told), "base"))
    return SimpleNamespace(told=told, reader=reader, E=E)


def _recording(told):
    views = len(told.names)
    return Episode(
        task="reach_target",
        seed=0,
        instruction="reach",
        dt=0.2,
        images=told.images[:views],
        K=told.K[:views],
        world_from_camera=told.E[:views],
        camera_names=told.names,
        poses=told.poses,
        openness=np.ones(FRAMES),
        success=True,
        perturbed=False,
    )


def _run(tmp_path, capsys, *options):
    output = tmp_path / "calibration.yaml"
    sys.argv = ["action-images", "calibrate", str(tmp_path), "--output", str(output), *options]
    with pytest.raises(SystemExit) as end:
        main()
    code = end.value.code
    told = capsys.readouterr()
    return code, told.out + told.err, output


def _one_camera(rig):
    rig.told.names = ("left",)


def _blind(rig):
    rig.reader.blind = (1,)


def _still(rig):
    rig.told.poses[:] = rig.reader.poses[:] = rig.told.poses[:1]


def _turned(degrees):
    def wrong(rig):
        turn = Rotation.from_euler("z", degrees, degrees=True)
        rig.told.poses[:, 3:] = (Rotation.from_quat(rig.told.poses[:, 3:]) * turn).as_quat()

    return wrong


def _exchanged(rig):
    rig.told.E = rig.told.E[::-1].copy()


def _focal(rig):
    rig.told.K[:, :2, :2] *= 1.4


BAD = {
    "one camera": (_one_camera, ("cameras is ['left']", "2")),
    "a camera that never sees the gripper": (_blind, ("right", "never read")),
    "an arm that stands still": (_still, ("tool motion",)),
    "the hand turned by 90 deg": (_turned(90), ("robot_tool_from_model_tool", "90")),
    "the hand turned by 180 deg": (_turned(180), ("robot_tool_from_model_tool", "180")),
    "exchanged cameras": (_exchanged, ("exchanged", "left", "right")),
    "a wrong focal length": (_focal, ("focal length",)),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_calibrated_is_named_and_nothing_is_written(rig, tmp_path, capsys, case):
    wrong, words = BAD[case]
    wrong(rig)
    code, told, output = _run(tmp_path, capsys)
    assert code not in (0, None)
    assert all(word in told for word in words), told
    assert "Traceback" not in told
    assert not output.exists()


def test_a_wrong_camera_is_corrected_and_no_file_written_over(rig, tmp_path, capsys):
    rig.told.E[1, :3, 3] += 0.04 * rig.E[1, :3, 0]
    code, told, output = _run(tmp_path, capsys)
    assert code in (0, None) and "corrected" in told and output.exists()
    before = output.read_text()
    code, told, _ = _run(tmp_path, capsys)
    assert code == 2 and "exists" in told
    assert output.read_text() == before


def test_check_judges_and_writes_nothing(rig, tmp_path, capsys):
    code, _, output = _run(tmp_path, capsys, "--check")
    assert code in (0, None) and not output.exists()
    rig.told.E[1, :3, 3] += 0.04 * rig.E[1, :3, 0]
    code, _, output = _run(tmp_path, capsys, "--check")
    assert code == 1 and not output.exists()


def test_inspect_names_a_camera_that_is_off_and_no_right_one(rig):
    judge = camera_judge(rig.reader)
    assert judge(_recording(rig.told)) == []
    rig.told.E[1, :3, 3] += 0.04 * rig.E[1, :3, 0]
    (said,) = judge(_recording(rig.told))
    assert "camera right" in said and "action-images calibrate" in said


def test_inspect_asks_the_model_that_is_named(tmp_path, monkeypatch, capsys):
    record(tmp_path / "demo", small_episode(3, frames=6, size=(32, 48)))
    monkeypatch.setattr(data_commands, "_camera_judge", lambda model: lambda episode: [f"judged by {model}"])
    monkeypatch.setattr(sys, "argv", ["action-images", "inspect", str(tmp_path), "--model", "nano"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1 and "judged by nano" in capsys.readouterr().out
