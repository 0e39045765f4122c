"""Writes an episode as the recording that the ROS graph would have made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...geometry.pose import pose7_from_matrix, to_robot_tool
from ...interfaces.fields import optical_frame
from ...interfaces.images import checked_rgb, encode_picture
from ..episode import Episode
from .topics import BagSetup
from .writer import BagWriter

__all__ = ["Messages", "write_recording"]

IMAGES = ("raw", "png", "jpeg")


class Messages:
    """Builds message objects of a writer's type store."""

    def __init__(self, writer: BagWriter) -> None:
        self._types = writer.typestore.types

    def make(self, name: str, /, **fields: Any) -> Any:
        """An object of `package/Name`."""
        return self._types[name.replace("/", "/msg/")](**fields)

    def header(self, stamp_ns: int, frame_id: str) -> Any:
        """std_msgs/Header."""
        stamp = self.make("builtin_interfaces/Time", sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)
        return self.make("std_msgs/Header", stamp=stamp, frame_id=frame_id)

    def pose(self, pose7: npt.NDArray[Any], stamp_ns: int, frame_id: str) -> Any:
        """geometry_msgs/PoseStamped of `[7]`."""
        x, y, z, qx, qy, qz, qw = (float(value) for value in pose7)
        return self.make(
            "geometry_msgs/PoseStamped",
            header=self.header(stamp_ns, frame_id),
            pose=self.make(
                "geometry_msgs/Pose",
                position=self.make("geometry_msgs/Point", x=x, y=y, z=z),
                orientation=self.make("geometry_msgs/Quaternion", x=qx, y=qy, z=qz, w=qw),
            ),
        )

    def camera_info(self, K: npt.NDArray[Any], size: tuple[int, int], stamp_ns: int, frame_id: str) -> Any:
        """sensor_msgs/CameraInfo of an undistorted pinhole camera."""
        roi = self.make("sensor_msgs/RegionOfInterest", x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
        return self.make(
            "sensor_msgs/CameraInfo",
            header=self.header(stamp_ns, frame_id),
            height=size[0],
            width=size[1],
            distortion_model="plumb_bob",
            d=np.zeros(5),
            k=K.reshape(-1).astype(float),
            r=np.eye(3).reshape(-1),
            p=np.hstack([K, np.zeros((3, 1))]).reshape(-1).astype(float),
            binning_x=0,
            binning_y=0,
            roi=roi,
        )

    def image(self, rgb: npt.NDArray[Any], images: str, stamp_ns: int, frame_id: str) -> Any:
        """sensor_msgs/Image, or CompressedImage for png and jpeg."""
        header, rgb = self.header(stamp_ns, frame_id), checked_rgb(rgb)
        if images != "raw":
            data = np.frombuffer(encode_picture(rgb, images), np.uint8)
            return self.make(
                "sensor_msgs/CompressedImage", header=header, data=data, format=f"rgb8; {images} compressed bgr8"
            )
        return self.make(
            "sensor_msgs/Image",
            header=header,
            height=rgb.shape[0],
            width=rgb.shape[1],
            encoding="rgb8",
            is_bigendian=0,
            step=3 * rgb.shape[1],
            data=rgb.reshape(-1),
        )


def write_recording(
    path: str | Path, episode: Episode, setup: BagSetup, *, images: str = "raw", start_ns: int = 1_000_000_000
) -> None:
    """One recording (MCAP) of one episode, whole or not at all.

    setup: namespace, base_frame and robot_tool_from_model_tool (needed: current_pose is the ROBOT tool's). images:
    raw, png (both lossless) or jpeg. start_ns: stamp of the first frame. Topics: `<cam>/image_raw[/compressed]`,
    `<cam>/camera_info`, `<cam>/pose`, `current_pose`, `gripper_command`, `instruction`, and `cell/status` with task,
    seed and success. Raises ValueError when `path` exists.
    """
    if images not in IMAGES:
        raise ValueError(f"images is {images!r}; choose one of {', '.join(IMAGES)}")
    if setup.robot_tool_from_model_tool is None:
        raise ValueError("robot is not given; a recording holds the robot tool's poses: name a robot (--robot)")
    prefix = f"/{(setup.namespace or '').strip('/')}/".replace("//", "/")
    poses = to_robot_tool(episode.poses, setup.robot_tool_from_model_tool)
    with BagWriter(path) as writer:
        _Recording(writer, episode, setup, prefix, images).write(poses, start_ns)


class _Recording:
    def __init__(self, writer: BagWriter, episode: Episode, setup: BagSetup, prefix: str, images: str) -> None:
        self._writer, self._episode, self._base, self._images = writer, episode, setup.base_frame, images
        self._messages = Messages(writer)
        self._prefix = prefix
        self._picture = "image_raw" if images == "raw" else "image_raw/compressed"
        self._log_ns = 0
        kind = "Image" if images == "raw" else "CompressedImage"
        for name in episode.camera_names:
            writer.add_topic(f"{prefix}{name}/{self._picture}", f"sensor_msgs/msg/{kind}", "sensor")
            writer.add_topic(f"{prefix}{name}/camera_info", "sensor_msgs/msg/CameraInfo", "sensor")
            writer.add_topic(f"{prefix}{name}/pose", "geometry_msgs/msg/PoseStamped", "latched")
        writer.add_topic(f"{prefix}current_pose", "geometry_msgs/msg/PoseStamped", "state")
        writer.add_topic(f"{prefix}gripper_command", "std_msgs/msg/Float64", "command")
        writer.add_topic(f"{prefix}instruction", "std_msgs/msg/String", "latched")
        writer.add_topic(f"{prefix}cell/status", "std_msgs/msg/String", "latched")

    def _write(self, name: str, message: Any, stamp_ns: int) -> None:
        self._log_ns = max(self._log_ns + 1, stamp_ns)  # one order, whatever a storage does with equal times
        self._writer.write(self._prefix + name, message, self._log_ns)

    def _status(self, success: bool, stamp_ns: int) -> None:
        episode = self._episode
        text = json.dumps(
            {
                "episode": 1,
                "task": episode.task,
                "seed": int(episode.seed),
                "success": success,
                "instruction": episode.instruction,
                "perturbed": bool(episode.perturbed),
            }
        )
        self._write("cell/status", self._messages.make("std_msgs/String", data=text), stamp_ns)

    def write(self, poses: npt.NDArray[Any], start_ns: int) -> None:
        """All messages in the order of time. poses: `[T, 7]` of the robot's tool."""
        episode, messages = self._episode, self._messages
        size = episode.images.shape[2:4]
        self._write("instruction", messages.make("std_msgs/String", data=episode.instruction), start_ns)
        self._status(False, start_ns)
        for view, name in enumerate(episode.camera_names):
            pose = pose7_from_matrix(episode.extrinsics[view, 0])
            self._write(f"{name}/pose", messages.pose(pose, start_ns, self._base), start_ns)
        moving = [view for view in range(len(episode.camera_names)) if view not in episode.still_views(1e-5)]
        for t in range(episode.frames):
            stamp = start_ns + round(float(episode.times[t]) * 1e9)
            for view in moving if t else ():
                pose = messages.pose(pose7_from_matrix(episode.extrinsics[view, t]), stamp, self._base)
                self._write(f"{episode.camera_names[view]}/pose", pose, stamp)
            for view, name in enumerate(episode.camera_names):
                optical = optical_frame(name)
                self._write(f"{name}/camera_info", messages.camera_info(episode.K[view], size, stamp, optical), stamp)
                self._write(
                    f"{name}/{self._picture}",
                    messages.image(episode.images[view, t], self._images, stamp, optical),
                    stamp,
                )
            self._write("current_pose", messages.pose(poses[t], stamp, self._base), stamp)
            self._write("gripper_command", messages.make("std_msgs/Float64", data=float(episode.openness[t])), stamp)
            if t == episode.frames - 1:
                self._status(bool(episode.success), stamp)
