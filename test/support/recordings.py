"""Small episodes and recordings for tests of the data layer, made on the fly."""

import numpy as np
from cameras import in_front
from rosbags.rosbag2 import CompressionFormat, Writer
from rosbags.typesys import Stores, get_typestore
from scipy.spatial.transform import Rotation

from action_images_ros.data.episode import Episode
from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.data.rosbag2.recording import write_recording
from action_images_ros.data.rosbag2.topics import robot_setup
from action_images_ros.data.rosbag2.writer import BagWriter
from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.geometry.pose import pose7_from_matrix

NAMES = ("left", "right", "top")


def smooth_pictures(views, frames, height, width, seed=0):
    """Pictures with soft gradients that move with time, which video codecs keep well: uint8 [V, T, H, W, 3]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(height, width)
    pictures = np.zeros((views, frames, height, width, 3))
    for v in range(views):
        for channel in range(3):
            fx, fy, phase = rng.uniform(1, 4, 3)
            for t in range(frames):
                pictures[v, t, :, :, channel] = 128 + 90 * np.sin(fx * x * 3 + fy * y * 3 + phase + 0.1 * t)
    return pictures.round().astype(np.uint8)


def small_episode(seed=3, frames=12, views=2, size=(48, 64), dt=0.2, **changes):
    """A tool that moves down and turns a little, seen by cameras in front of it; closes half way."""
    poses = np.tile([0.5, 0.0, 0.3, 1.0, 0.0, 0.0, 0.0], (frames, 1))
    angle = 0.02 * np.arange(frames)
    poses[:, 2] -= 0.01 * np.arange(frames)
    poses[:, 3], poses[:, 4] = np.cos(angle), np.sin(angle)
    values = {
        "task": "reach_target",
        "seed": seed,
        "instruction": "reach the red ball",
        "dt": dt,
        "images": smooth_pictures(views, frames, *size, seed=seed),
        "K": np.stack([intrinsics_from_fovy(50, *size)] * views),
        "world_from_camera": np.stack([in_front(a) for a in np.linspace(-0.7, 0.7, views)]),
        "poses": poses,
        "openness": (np.arange(frames) < frames // 2).astype(float),
        "success": True,
        "camera_names": NAMES[:views],
    }
    return Episode(**{**values, **changes})


def record(path, episode=None, *, namespace="cell", **options):
    """A recording of the episode in the cell's namespace; its path."""
    write_recording(path, episode or small_episode(), robot_setup("cell", namespace=namespace), **options)
    return path


def rewritten(source, target, change=None, extra=None):
    """A copy in which `change(message, content)` returns a message's new content, None to leave it out, or the content.

    extra(writer): called at the end, to add topics and messages. The content is the object that the bag reads.
    """
    with Bag(source) as bag, BagWriter(target) as writer:
        writer.add_topics_of(bag)
        for message in bag.messages():
            content = bag.read(message)
            if change is not None:
                content = change(message, content)
            if content is not None:
                writer.write(message.topic, content, message.log_ns)
        if extra is not None:
            extra(writer)
    return target


def shifted(content, seconds):
    """The content with its header stamp moved."""
    stamp = content.header.stamp
    total = stamp.sec * 1_000_000_000 + stamp.nanosec + round(seconds * 1e9)
    stamp.sec, stamp.nanosec = total // 1_000_000_000, total % 1_000_000_000
    return content


def with_tf(source, target, episode):
    """A copy with the left camera's pose on /tf_static, and a right camera that turns at 1 rad/s on /tf."""
    with Bag(source) as bag, BagWriter(target) as writer:
        writer.add_topics_of(bag, [name for name in bag.topics if not name.endswith(("left/pose", "right/pose"))])
        types = writer.typestore.types
        for name in ("/tf", "/tf_static"):
            writer.add_topic(name, "tf2_msgs/msg/TFMessage", "latched")

        def transform(header, parent, child, pose7):
            header.frame_id = parent
            x, y, z, *q = (float(value) for value in pose7)
            return types["geometry_msgs/msg/TransformStamped"](
                header=header,
                child_frame_id=child,
                transform=types["geometry_msgs/msg/Transform"](
                    translation=types["geometry_msgs/msg/Vector3"](x=x, y=y, z=z),
                    rotation=types["geometry_msgs/msg/Quaternion"](**dict(zip("xyzw", q, strict=True))),
                ),
            )

        for message in bag.messages(["/cell/current_pose"]):
            header = bag.read(message).header
            turn = Rotation.from_rotvec([0, 0, (message.log_ns - 1_000_000_000) * 1e-9])
            moving = transform(header, "base", "right_optical_frame", [0.1, 0, 1, *turn.as_quat()])
            writer.write("/tf", types["tf2_msgs/msg/TFMessage"](transforms=[moving]), message.log_ns)
        fixed = transform(header, "base", "left_optical_frame", pose7_from_matrix(episode.world_from_camera[0]))
        writer.write("/tf_static", types["tf2_msgs/msg/TFMessage"](transforms=[fixed]), 1)
        for message in bag.messages([n for n in writer.topics if n in bag.topics]):
            writer.write(message.topic, message.data, message.log_ns)
    return target


def tree(folder):
    """Every file below the folder with its bytes and time of change: to prove that nothing was touched."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def convert(source, target, plugin, compression=None):
    """The same messages in another storage, written by rosbags."""
    with Bag(source) as bag:
        writer = Writer(target, version=9, storage_plugin=plugin)
        if compression is not None:
            writer.set_compression(compression, CompressionFormat.ZSTD)
        with writer:
            connections = {
                name: writer.add_connection(
                    name, topic.type, typestore=get_typestore(Stores.ROS2_JAZZY), offered_qos_profiles=topic.qos
                )
                for name, topic in bag.topics.items()
            }
            for message in bag.messages():
                writer.write(connections[message.topic], message.log_ns, message.data)
    return target
