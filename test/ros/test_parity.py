"""The same messages give the same Observation, live through the collector and recorded; whatever the camera's model."""

import cv2
import numpy as np
import pytest
from recordings import record, rewritten, shifted, small_episode

from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.data.rosbag2.frames import FrameStream
from action_images_ros.data.rosbag2.topics import robot_setup
from action_images_ros.data.rosbag2.writer import BagWriter
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


CROP = (16, 12, 216, 292)  # x, y, height, width of a region, in pixels of the whole picture
CASES = (
    *MODELS,
    "plumb_bob-region_binned",
    "plumb_bob-rectified",
    "rational_polynomial-region",
    "equidistant-binned",
    "equidistant-rectified_region_binned",
)


@pytest.fixture(params=CASES)
def messages(request, tmp_path):
    """A recording in which every camera sees a red disc at the tool's place through a lens of that model: the whole
    picture, a region of it, binned by two, or rectified by its driver (with a P that is not K)."""
    name, _, way = request.param.partition("-")
    model, d = MODELS[name]
    rectified = "rectified" in way
    episode = small_episode(frames=6, dt=0.1, size=SIZE)
    episode.images[:] = 0
    P = episode.K[0] @ np.diag([0.9, 0.95, 1.0])
    for view in range(2):
        for t in range(6):
            point, E = episode.poses[t, :3], episode.world_from_camera[view]
            place = project(point, P, E)[0] if rectified else raw_pixel(point, episode.K[view], E, model, d)
            centre = tuple(int(round(16 * v)) for v in place)
            cv2.circle(episode.images[view, t], centre, 16 * 6, (255, 0, 0), -1, cv2.LINE_AA, shift=4)

    def change(message, content):
        if message.topic.endswith("camera_info"):
            content.distortion_model, content.d = model, np.array(d, dtype=np.float64)
            content.p = np.hstack([P, np.zeros((3, 1))]).reshape(-1)
            if "region" in way:
                content.roi.x_offset, content.roi.y_offset, content.roi.height, content.roi.width = CROP
            content.binning_x = content.binning_y = 2 if "binned" in way else 0
        if message.topic.endswith("image_raw"):
            picture = content.data.reshape(*SIZE, 3)
            if "region" in way:
                picture = picture[CROP[1] : CROP[1] + CROP[2], CROP[0] : CROP[0] + CROP[3]]
            if "binned" in way:
                picture = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            content.height, content.width, content.step = *picture.shape[:2], 3 * picture.shape[1]
            content.data = np.ascontiguousarray(picture).reshape(-1)
        return shifted(content, 0.04) if "current_pose" in message.topic else content

    path = rewritten(record(tmp_path / "demo", episode), tmp_path / "lens", change)
    return as_rectified(path, tmp_path / "rectified") if rectified else path


def as_rectified(source, target):
    """The same pictures as image_rect instead of image_raw."""
    with Bag(source) as bag, BagWriter(target) as writer:
        writer.add_topics_of(bag, [name for name in bag.topics if not name.endswith("image_raw")])
        for name in ("left", "right"):
            writer.add_topic(f"/cell/{name}/image_rect", "sensor_msgs/msg/Image", "sensor")
        for message in bag.messages():
            writer.write(message.topic.replace("image_raw", "image_rect"), message.data, message.log_ns)
    return target


def live(path, stamp_ns, size=SIZE):
    """The collector's Observation of that moment, fed with the recorded messages."""
    setup, cameras = robot_setup("cell"), ("left", "right")
    collector = ObservationCollector(
        CollectorSettings(
            cameras=cameras,
            size=size,
            base_frame="base",
            rectified=frozenset(cameras if path.name == "rectified" else ()),
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
            if part.endswith(("image_raw", "image_rect")):
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
    same = live(messages, seen.stamp_ns, seen.images.shape[1:3])
    for name, value in vars(seen).items():
        np.testing.assert_array_equal(getattr(same, name), value, err_msg=name)
    assert_disc_at_tool(seen)


def assert_disc_at_tool(seen):
    """The red disc lies within 1 px and 2 mm of where the tool is drawn in frame 3."""
    true = small_episode(frames=6, dt=0.1, size=SIZE).poses[3, :3]
    for view in range(2):
        red = seen.images[view, ..., 0].astype(float)
        y, x = np.mgrid[: red.shape[0], : red.shape[1]]
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
