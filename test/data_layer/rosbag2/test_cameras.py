"""A red disc at the tool's true place lies where the product draws it, to 1 px and 2 mm, for every kind of camera_info.

Live and recorded alike for the lenses: test/ros/test_parity.py. Here: rectified topics, regions, binning, the choice
between raw and rectified, statics that come late or in a namespace, intrinsics that differ by nothing.
"""

import itertools
import re

import cv2
import numpy as np
import pytest
from recordings import record, rewritten, small_episode

from action_images_ros.data.format import Options, Remark
from action_images_ros.data.registry import recognise
from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.data.rosbag2.writer import BagWriter
from action_images_ros.geometry.camera import project
from action_images_ros.geometry.pose import pose7_from_matrix
from action_images_ros.interfaces.images import encode_picture

SIZE = (240, 320)
FRAMES = 6
EPISODE = small_episode(frames=FRAMES, size=SIZE)
K = EPISODE.K[0]
LENSES = {
    "plumb_bob": [-0.25, 0.08, 0.001, -0.002, 0.0],
    "rational_polynomial": [0.3, -0.1, 0.001, 0.0005, 0.02, 0.6, -0.05, 0.01],
    "equidistant": [-0.02, 0.005, -0.003, 0.001],
}


def local(view, t):
    """The tool in the frame of a camera."""
    return (np.linalg.inv(EPISODE.world_from_camera[view]) @ np.append(EPISODE.poses[t, :3], 1.0))[:3]


def seen_raw(view, t, model, d):
    point = local(view, t).reshape(1, 1, 3)
    zero = np.zeros(3)
    if model == "equidistant":
        return cv2.fisheye.projectPoints(point, zero, zero, K, np.array(d))[0].reshape(2)
    return cv2.projectPoints(point, zero, zero, K, np.array(d))[0].reshape(2)


def seen_by(view, t, P):
    u, v, w = P @ np.append(local(view, t), 1.0)
    return np.array([u / w, v / w])


def disc(place, size=SIZE, radius=6):
    picture = np.zeros((*size, 3), np.uint8)
    cv2.circle(picture, tuple(int(round(16 * v)) for v in place), 16 * radius, (255, 0, 0), -1, cv2.LINE_AA, shift=4)
    return picture


def make(tmp_path, place, info, *, topic="image_raw", crop=None, binned=1, extra=None, keep_raw=False):
    """A recording whose cameras see the disc at place(view, t); info(content): changes camera_info."""
    count = {}

    def change(message, content):
        folder, _, name = message.topic.rpartition("/")
        if name == "camera_info":
            info(content)
        if name == "image_raw":
            view = ("left", "right").index(folder.rpartition("/")[2])
            t = count[view] = count.get(view, -1) + 1
            picture = disc(place(view, t))
            if crop is not None:
                x0, y0, height, width = crop
                picture = picture[y0 : y0 + height, x0 : x0 + width]
            if binned > 1:
                picture = cv2.resize(picture, None, fx=1 / binned, fy=1 / binned, interpolation=cv2.INTER_AREA)
            content.height, content.width, content.step = *picture.shape[:2], 3 * picture.shape[1]
            content.data = np.ascontiguousarray(picture).reshape(-1)
        return content

    source = rewritten(record(tmp_path / "plain", EPISODE), tmp_path / "changed", change)
    return source if topic == "image_raw" else renamed(source, tmp_path / "renamed", topic, keep_raw)


def renamed(source, target, topic, keep_raw):
    """The pictures under another name, beside the raw ones or instead of them."""
    with Bag(source) as bag, BagWriter(target) as writer:
        pictures = [name for name in bag.topics if name.endswith("image_raw")]
        writer.add_topics_of(bag, [name for name in bag.topics if keep_raw or name not in pictures])
        for name in pictures:
            writer.add_topic(name.replace("image_raw", topic), "sensor_msgs/msg/Image", "sensor")
        for message in bag.messages():
            if message.topic in pictures:
                writer.write(message.topic.replace("image_raw", topic), message.data, message.log_ns)
            if message.topic in writer.topics:
                writer.write(message.topic, message.data, message.log_ns)
    return target


def read(path, **setup):
    [item] = recognise(path).items(path, Options(robot="cell", setup=setup))
    found = list(item.load())
    return [e for e in found if not isinstance(e, Remark)], [e for e in found if isinstance(e, Remark)]


def assert_drawn_at_the_disc(episode):
    for view in range(2):
        E, k = episode.world_from_camera[view], episode.K[view]
        uv, depth = project(EPISODE.poses[:, :3], k, E)
        for t in range(FRAMES):
            red = episode.images[view, t, :, :, 0].astype(float)
            y, x = np.mgrid[: red.shape[0], : red.shape[1]]
            away = np.linalg.norm([(x * red).sum() / red.sum() - uv[t, 0], (y * red).sum() / red.sum() - uv[t, 1]])
            assert away < 1.0 and away * depth[t] / k[0, 0] < 2e-3, (view, t, away)


@pytest.mark.parametrize("model", LENSES)
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_rectified_pictures_belong_to_p(tmp_path, model, alpha):
    d = np.array(LENSES[model])
    if model == "equidistant":
        new = cv2.fisheye.estimateNewCameraMatrixForUndistortRectify(K, d, SIZE[::-1], np.eye(3), balance=alpha)
    else:
        new = cv2.getOptimalNewCameraMatrix(K, d, SIZE[::-1], alpha)[0]
    P = np.hstack([new, np.zeros((3, 1))])

    def info(content):
        content.distortion_model, content.d, content.p = model, d, P.reshape(-1)

    path = make(tmp_path, lambda view, t: seen_by(view, t, P), info, topic="image_rect_color")
    [episode], _ = read(path)
    np.testing.assert_allclose(episode.K, [new, new])
    assert_drawn_at_the_disc(episode)


@pytest.mark.parametrize("model", LENSES)
@pytest.mark.parametrize(
    "crop, binned", [((16, 12, 216, 292), 1), ((0, 0, *SIZE), 1), (None, 2), ((16, 12, 216, 292), 2)]
)
def test_regions_and_binning_are_those_of_the_pictures(tmp_path, model, crop, binned):
    """roi is in full-resolution pixels; binning comes after it."""
    d = LENSES[model]

    def info(content):
        content.distortion_model, content.d = model, np.array(d)
        content.binning_x = content.binning_y = binned if binned > 1 else 0
        if crop is not None:
            content.roi.x_offset, content.roi.y_offset, content.roi.height, content.roi.width = crop

    path = make(tmp_path, lambda view, t: seen_raw(view, t, model, d), info, crop=crop, binned=binned)
    [episode], _ = read(path)
    height, width = (crop or (0, 0, *SIZE))[2:]
    assert episode.images.shape[2:4] == (height // binned, width // binned)
    assert_drawn_at_the_disc(episode)


def test_the_choice_between_raw_and_rectified_is_said_and_can_be_made(tmp_path):
    path = make(
        tmp_path,
        lambda view, t: seen_raw(view, t, "plumb_bob", [0.0] * 5),
        lambda c: None,
        topic="image_rect",
        keep_raw=True,
    )
    [episode], notes = read(path)
    said = [e for e in notes if "image_rect" in e.text]
    assert len(said) == 2 and not any(e.lost or e.wrong for e in said)
    assert all("raw" in e.text and "--cameras NAME=TOPIC" in e.text for e in said)
    [episode], notes = read(path, cameras=("left=/cell/left/image_rect", "right=/cell/right/image_rect"))
    assert not notes and episode.camera_names == ("left", "right")


def test_intrinsics_that_differ_by_nothing_are_the_same(tmp_path):
    count = iter(range(100))

    def info(content):
        content.k = content.k + 1e-9 * next(count)

    [episode], notes = read(make(tmp_path, lambda view, t: seen_raw(view, t, "plumb_bob", [0.0] * 5), info))
    assert not notes and episode.frames == FRAMES


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda c: setattr(c, "k", np.eye(3).reshape(-1)), "identity"),
        (lambda c: setattr(c, "k", np.r_[c.k[:8] / 1000, 1.0]), "px"),
        (lambda c: setattr(c, "k", np.zeros(9)), "not calibrated"),
        (lambda c: setattr(c, "k", c.k.reshape(3, 3).T.reshape(-1)), "transposed|row|k"),
        (lambda c: setattr(c, "distortion_model", "strange") or setattr(c, "d", np.ones(3)), "distortion_model"),
    ],
)
def test_intrinsics_that_cannot_be_are_named(tmp_path, change, words):
    found, notes = [], []
    try:
        found, notes = read(make(tmp_path, lambda view, t: seen_raw(view, t, "plumb_bob", [0.0] * 5), change))
    except ValueError as error:
        notes = [Remark(str(error))]
    assert not found and any(re.search(words, note.text) for note in notes)


def with_transforms(source, target, topic, late, beside=False, parents=("base",)):
    """Camera poses by a static transform under that topic instead of <cam>/pose (or beside it, 0.1 m higher), sent
    after everything if late, once from each parent."""
    with Bag(source) as bag, BagWriter(target) as writer:
        poses = () if beside else ("left/pose", "right/pose")
        writer.add_topics_of(bag, [name for name in bag.topics if not (poses and name.endswith(poses))])
        writer.add_topic(topic, "tf2_msgs/msg/TFMessage", "latched")
        types = writer.typestore.types
        header = bag.read(next(iter(bag.messages(["/cell/current_pose"])))).header
        transforms = []
        for (view, name), parent in itertools.product(enumerate(("left", "right")), parents):
            x, y, z, *q = (float(v) for v in pose7_from_matrix(EPISODE.world_from_camera[view]))
            z += 0.1 * beside
            transforms.append(
                types["geometry_msgs/msg/TransformStamped"](
                    header=types["std_msgs/msg/Header"](stamp=header.stamp, frame_id=parent),
                    child_frame_id=f"{name}_optical_frame",
                    transform=types["geometry_msgs/msg/Transform"](
                        translation=types["geometry_msgs/msg/Vector3"](x=x, y=y, z=z),
                        rotation=types["geometry_msgs/msg/Quaternion"](**dict(zip("xyzw", q, strict=True))),
                    ),
                )
            )
        for message in bag.messages([n for n in writer.topics if n in bag.topics]):
            writer.write(message.topic, message.data, message.log_ns)
        stamp = bag.end_ns + 1 if late else bag.start_ns
        writer.write(topic, types["tf2_msgs/msg/TFMessage"](transforms=transforms), stamp)
    return target


@pytest.mark.parametrize("topic", ["/tf_static", "/cell/tf_static"])
@pytest.mark.parametrize("late", [False, True])
def test_static_transforms_count_whenever_and_in_whatever_namespace_they_come(tmp_path, topic, late):
    path = with_transforms(record(tmp_path / "plain", EPISODE), tmp_path / "tf", topic, late)
    [episode], notes = read(path)
    assert not notes
    np.testing.assert_allclose(episode.world_from_camera, EPISODE.world_from_camera, atol=1e-6)


def test_sources_that_contradict_each_other_are_named(tmp_path):
    source = record(tmp_path / "plain", EPISODE)
    path = with_transforms(source, tmp_path / "both", "/tf_static", False, beside=True)
    [episode], notes = read(path)
    assert episode.world_from_camera[0, 2, 3] == pytest.approx(EPISODE.world_from_camera[0, 2, 3] + 0.1)
    said = [e for e in notes if "100 mm" in e.text and "--extrinsics topic" in e.text]
    assert len(said) == 2 and all(e.wrong for e in said)
    [episode], notes = read(path, extrinsics="topic")
    assert not notes
    np.testing.assert_allclose(episode.world_from_camera, EPISODE.world_from_camera, atol=1e-6)
    path = with_transforms(source, tmp_path / "parents", "/tf_static", False, parents=("other", "base"))
    _, notes = read(path)
    assert sum("two parents" in e.text and "'other'" in e.text for e in notes) == 2


@pytest.mark.parametrize("rate", [6.0, 8.0, 12.5, 13.0])
def test_odd_rates_keep_their_true_times(tmp_path, rate):
    """Frames for dt = 0.2 from a camera that has no picture at every multiple of it."""
    count = 40
    source = small_episode(frames=count, size=(16, 16), times=np.arange(count) / rate)
    [item] = recognise(record(tmp_path / "bag", source)).items(tmp_path / "bag", Options(dt=0.2))
    [episode] = [e for e in item.load() if not isinstance(e, Remark)]
    grid = 0.2 * np.arange(episode.frames)
    assert np.abs(episode.times - grid).max() <= 0.5 / rate + 1e-6, "each frame is the picture nearest to its time"
    assert episode.frames == int((count - 1) / rate / 0.2) + 1
    for t in range(episode.frames):
        at = int(np.argmin(np.abs(source.times - episode.times[t])))
        np.testing.assert_allclose(episode.times[t], source.times[at], atol=1e-6)
        np.testing.assert_allclose(episode.poses[t], source.poses[at], atol=1e-6)
        np.testing.assert_array_equal(episode.images[0, t], source.images[0, at])


def test_one_torn_jpeg_costs_one_frame(tmp_path):
    source = record(tmp_path / "jpeg", small_episode(frames=8, size=(32, 32)), images="jpeg")
    seen = iter(range(100))

    def tear(message, content):
        if "left/image" in message.topic and next(seen) == 4:
            content.data = np.frombuffer(encode_picture(np.zeros((32, 32, 3), np.uint8), "jpeg")[:-90], np.uint8)
        return content

    path = rewritten(source, tmp_path / "torn", tear)
    [item] = recognise(path).items(path, Options(gaps="split", min_frames=2))
    found = list(item.load())
    assert [e.frames for e in found if not isinstance(e, Remark)] == [4, 3]
    assert any("cut off" in e.text for e in found if isinstance(e, Remark))
