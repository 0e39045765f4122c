"""Recordings, data sets and training sheets become files that Rerun opens; a recorded chunk needs none of our code."""

import subprocess

import cv2
import numpy as np
import pytest
from mcap.reader import make_reader
from recordings import record, small_episode

from action_images_ros.apps.show import show
from action_images_ros.control.chunk import Chunk
from action_images_ros.data.episode import append_index, save_episode
from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.data.rosbag2.writer import BagWriter
from action_images_ros.display.rerun_log import HAS_RERUN, viewer_command
from action_images_ros.display.urdf_meshes import meshes_of
from action_images_ros.ros.chunk_messages import confidence_message, gripper_message, poses_message

pytestmark = pytest.mark.skipif(not HAS_RERUN, reason="rerun-sdk is not installed (extra live)")


def rerun(*arguments):
    program = viewer_command(1, 2)[0][0]
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A recording of an episode and of one chunk of a plan."""
    from rclpy.serialization import serialize_message

    folder = tmp_path_factory.mktemp("bags")
    poses = np.zeros((4, 7))
    poses[:, 0], poses[:, 1], poses[:, 6] = 0.5, np.linspace(0, 0.1, 4), 1.0
    with Bag(record(folder / "plain")) as bag, BagWriter(folder / "planned") as writer:
        writer.copy(bag)
        chunk = Chunk(
            bag.start_ns, 0.2, poses, np.ones(4), np.eye(6)[None] * np.full((4, 1, 1), 1e-5), np.ones(4, bool)
        )
        for part, make in (("poses", poses_message), ("gripper", gripper_message), ("confidence", confidence_message)):
            message = make(chunk, "base")
            kind = f"{type(message).__module__.split('.')[0]}/msg/{type(message).__name__}"
            writer.add_topic(f"/cell/chunk/{part}", kind, "latched")
            writer.write(f"/cell/chunk/{part}", serialize_message(message), bag.end_ns)
    return folder / "planned"


def test_a_recording_shows_its_pictures_its_path_and_its_plans(recording, tmp_path):
    assert "1 chunks" in show(recording, out=tmp_path / "bag.rrd")
    told = rerun("rrd", "print", str(tmp_path / "bag.rrd"))
    for entity in ("/camera/left/picture", "/strip/right", "/plan/path", "/plan/gripper", "/measured", "/instruction"):
        assert entity in told, entity


def test_a_data_set_and_training_sheets_are_shown(tmp_path):
    episode = small_episode(frames=5)
    file = save_episode(tmp_path / "data", episode)
    append_index(tmp_path / "data", {"task": episode.task, "seed": episode.seed, "file": file.name, "success": True})
    assert "1 episode, 5 frames" in show(tmp_path / "data", out=tmp_path / "data.rrd")
    (tmp_path / "run" / "sheets").mkdir(parents=True)
    for step in (1, 2):
        cv2.imwrite(str(tmp_path / "run" / "sheets" / f"policy_{step:06d}.png"), np.full((8, 8, 3), 90, np.uint8))
    (tmp_path / "run" / "metrics.jsonl").write_text(
        '{"step": 1, "loss": 0.5, "by": {}}\n{"step": 2, "loss": 0.4}\n{"st'
    )
    assert "2 training sheets, metrics of 2 steps" in show(tmp_path / "run", out=tmp_path / "run.rrd")
    told = rerun("rrd", "print", str(tmp_path / "run.rrd"))
    assert "/strip/sheet" in told and "/figures/loss" in told


def test_a_data_set_below_a_folder_named_sheets_is_no_training_run(tmp_path):
    folder = tmp_path / "sheets of mine" / "data"
    episode = small_episode(frames=2)
    file = save_episode(folder, episode)
    append_index(folder, {"task": episode.task, "seed": episode.seed, "file": file.name, "success": True})
    (folder / "cover.png").write_bytes(b"")
    assert "1 episode, 2 frames" in show(folder, out=tmp_path / "data.rrd")


def test_what_cannot_be_shown_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        show(tmp_path / "nothing")
    with pytest.raises(ValueError, match="ends with .rrd"):
        show(tmp_path, out=tmp_path / "a.mp4")
    (tmp_path / "folder.rrd").mkdir()
    with pytest.raises(ValueError, match="ends with .rrd"):
        show(tmp_path, out=tmp_path / "folder.rrd")
    (tmp_path / "broken.png").write_text("no picture")
    with pytest.raises(ValueError, match="broken.png"):
        show(tmp_path / "broken.png", out=tmp_path / "a.rrd")
    with pytest.raises(ValueError, match="none of the known formats"):
        show(tmp_path, out=tmp_path / "a.rrd")


def test_a_recorded_chunk_opens_without_our_code(recording, tmp_path):
    """Every channel brings the definition of its messages, which Foxglove reads; Rerun's importer reads it too."""
    (file,) = recording.glob("*.mcap")
    with file.open("rb") as stream:
        summary = make_reader(stream).get_summary()
    assert summary is not None
    for channel in summary.channels.values():
        schema = summary.schemas[channel.schema_id]
        assert (channel.message_encoding, schema.encoding) == ("cdr", "ros2msg")
        assert schema.data, channel.topic
    assert "/cell/chunk/poses" in {channel.topic for channel in summary.channels.values()}
    rerun("mcap", "convert", str(file), "-o", str(tmp_path / "own.rrd"))
    told = rerun("rrd", "print", str(tmp_path / "own.rrd"))
    assert "/cell/left/image_raw" in told and "/cell/chunk/confidence" in told


def test_meshes_are_those_that_exist_and_lie_in_their_links_frame(tmp_path):
    (tmp_path / "a.obj").touch()
    red = '<material name="m"><color rgba="1 0 0 1"/></material>'
    visual = f'<visual>{{}}<geometry><mesh filename="{{}}"/></geometry>{red}</visual>'
    links = "".join(
        f'<link name="{name}">{visual.format(origin, file)}</link>'
        for name, origin, file in (
            ("here", "", f"file://{tmp_path}/a.obj"),
            ("gone", "", f"file://{tmp_path}/b.obj"),
            ("moved", '<origin xyz="0 0 1"/>', f"file://{tmp_path}/a.obj"),
            ("nowhere", "", "package://no_such_package/a.obj"),
        )
    )
    assert meshes_of(f"<robot name='r'>{links}</robot>") == {"here": [(tmp_path / "a.obj", (1.0, 0.0, 0.0, 1.0))]}
    with pytest.raises(ValueError, match="robot_description"):
        meshes_of("<robot")
