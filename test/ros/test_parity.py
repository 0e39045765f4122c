"""The same messages give the same Observation, live through the collector and recorded; whatever the camera's model."""

import cv2
import numpy as np
import pytest
from recordings import record, rewritten, shifted, small_episode

from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.data.rosbag2.frames import FrameStream
from action_images_ros.data.rosbag2.topics import robot_setup
from action_images_ros.geometry.camera import project
from action_images_ros.interfaces.fields import ns_from_stamp
from action_images_ros.policy.observation import Observation
from action_images_ros.ros.collector import CollectorSettings, ObservationCollector
from action_images_ros.ros.extrinsics import Extrinsics

SIZE = (240, 320)
MODELS = {
    "none": ("plumb_bob", []),
    "plumb_bob": ("plumb_bob", [-0.25, 0.08, 0.001, -0.002, 0.0]),
    "rational_polynomial": ("rational_polynomial", [0.3, -0.1, 0.001, 0.0005, 0.02, 0.6, -0.05, 0.01]),
    "equidistant": ("equidistant", [-0.02, 0.005, -0.003, 0.001]),
}


def raw_pixel(point, K, E, model, d):
    """Where the distorted camera sees a world point, by OpenCV's own projection."""
    local = (np.linalg.inv(E) @ np.append(point, 1.0))[:3].reshape(1, 1, 3)
    if model == "equidistant":
        return cv2.fisheye.projectPoints(local, np.zeros(3), np.zeros(3), K, np.array(d))[0].reshape(2)
    return cv2.projectPoints(local, np.zeros(3), np.zeros(3), K, np.array(d or [0.0] * 5))[0].reshape(2)


@pytest.fixture(params=MODELS)
def messages(request, tmp_path):
    """A recording in which every camera sees a red disc at the tool's place through a lens of that model."""
    model, d = MODELS[request.param]
    episode = small_episode(frames=6, dt=0.1, size=SIZE)
    episode.images[:] = 0
    for view in range(2):
        for t in range(6):
            place = raw_pixel(episode.poses[t, :3], episode.K[view], episode.world_from_camera[view], model, d)
            centre = tuple(int(round(16 * v)) for v in place)
            cv2.circle(episode.images[view, t], centre, 16 * 6, (255, 0, 0), -1, cv2.LINE_AA, shift=4)

    def change(message, content):
        if message.topic.endswith("camera_info"):
            content.distortion_model, content.d = model, np.array(d, dtype=np.float64)
        return shifted(content, 0.04) if "current_pose" in message.topic else content

    return rewritten(record(tmp_path / "demo", episode), tmp_path / "lens", change)


def live(path, stamp_ns):
    """The collector's Observation of that moment, fed with the recorded messages."""
    setup, cameras = robot_setup("cell"), ("left", "right")
    collector = ObservationCollector(
        CollectorSettings(
            cameras=cameras,
            size=SIZE,
            base_frame="base",
            max_image_age_s=10.0,
            robot_tool_from_model_tool=setup.robot_tool_from_model_tool,
        ),
        Extrinsics(cameras, "base", source="topic"),
    )
    now = 0
    with Bag(path) as bag:
        for message in bag.messages():
            content, part = bag.read(message), message.topic.removeprefix("/cell/")
            camera = part.partition("/")[0]
            if hasattr(content, "header"):
                now = max(now, ns_from_stamp(content.header.stamp))
            if part.endswith("image_raw"):
                if ns_from_stamp(content.header.stamp) <= stamp_ns:
                    collector.add_image(camera, content)
            elif part.endswith("camera_info"):
                collector.add_camera_info(camera, content)
            elif part == "current_pose":
                collector.add_pose(content)
            elif part.endswith("/pose"):
                collector.extrinsics.add_pose(camera, content)
            elif part == "gripper_command":
                collector.add_gripper_command(content.data, now)
            elif part == "instruction":
                collector.set_instruction(content.data)
    assert collector.fresh.is_set()
    return collector.observe(stamp_ns)


def recorded(path, index):
    """The same from the recording."""
    with Bag(path) as bag:
        frame = list(FrameStream(bag, robot_setup("cell"), 0.1))[index]
    assert not frame.problems
    names = tuple(frame.images)
    return Observation(
        frame.stamp_ns,
        names,
        np.stack([frame.images[n] for n in names]),
        np.stack([frame.K[n] for n in names]),
        np.stack([frame.world_from_camera[n] for n in names]),
        frame.tool_pose,
        frame.openness,
        frame.instruction,
    )


def test_live_and_recorded_agree_and_the_disc_lies_at_the_tool(messages):
    seen = recorded(messages, 3)
    same = live(messages, seen.stamp_ns)
    for name, value in vars(seen).items():
        np.testing.assert_array_equal(getattr(same, name), value, err_msg=name)
    assert_disc_at_tool(seen)


def assert_disc_at_tool(seen):
    """The red disc lies within 1 px and 2 mm of where the tool is drawn in frame 3."""
    true = small_episode(frames=6, dt=0.1, size=SIZE).poses[3, :3]
    for view in range(2):
        red = seen.images[view, ..., 0].astype(float)
        y, x = np.mgrid[: SIZE[0], : SIZE[1]]
        centre = np.array([(red * x).sum(), (red * y).sum()]) / red.sum()
        uv, depth = project(true, seen.K[view], seen.world_from_camera[view])
        assert np.linalg.norm(centre - uv) < 1.0
        assert np.linalg.norm(centre - uv) * depth / seen.K[view, 0, 0] < 0.002


def test_a_camera_on_the_hand_is_seen_where_it_was_when_its_picture_was_taken(tmp_path):
    """It moves at 1.2 m/s; its poses come 30 ms after each picture, so that they have to be interpolated."""
    episode = small_episode(frames=6, dt=0.1, size=SIZE)
    E = np.repeat(episode.world_from_camera[:, None], 6, axis=1)
    for t in range(6):
        E[1, t, :3, 3] += [0.0, 0.0, 0.12 * t]
    episode = small_episode(frames=6, dt=0.1, size=SIZE, world_from_camera=E)
    episode.images[:] = 0
    for view in range(2):
        for t in range(6):
            place, _ = project(episode.poses[t, :3], episode.K[view], E[view, t])
            centre = tuple(int(round(16 * v)) for v in place)
            cv2.circle(episode.images[view, t], centre, 16 * 6, (255, 0, 0), -1, cv2.LINE_AA, shift=4)

    def change(message, content):
        if message.topic == "/cell/right/pose":
            content.pose.position.z += 0.03 * 1.2
            return shifted(content, 0.03)
        return content

    path = rewritten(record(tmp_path / "demo", episode), tmp_path / "hand", change)
    seen = recorded(path, 3)
    same = live(path, seen.stamp_ns)
    np.testing.assert_allclose(seen.world_from_camera, E[:, 3], atol=1e-6)
    np.testing.assert_allclose(same.world_from_camera, E[:, 3], atol=1e-6)
    assert_disc_at_tool(seen)
    assert_disc_at_tool(same)
