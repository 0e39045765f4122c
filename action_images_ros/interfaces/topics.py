"""The topics of the ROS graph: type, QoS, publishers and subscribers. Importing this needs no ROS."""

from __future__ import annotations

from collections.abc import Sequence

from .topic import Topic, message_type, topic_name

__all__ = ["TOPICS", "Topic", "message_type", "topic", "topic_name", "topic_names"]


_CHUNK = "chunk id = observation stamp"
TOPICS: tuple[Topic, ...] = (
    Topic(
        "<cam>/image_raw",
        "sensor_msgs/msg/Image",
        "sensor",
        ("cell",),
        ("policy", "view", "label"),
        "capture time, optical frame",
        ("driver",),
    ),
    Topic(
        "<cam>/image_raw/compressed",
        "sensor_msgs/msg/CompressedImage",
        "sensor",
        (),
        ("policy", "view", "label"),
        "capture time, optical frame; instead of image_raw with image_transport: compressed",
        ("driver",),
    ),
    Topic(
        "<cam>/camera_info",
        "sensor_msgs/msg/CameraInfo",
        "sensor",
        ("cell",),
        ("policy", "label"),
        "capture time, optical frame",
        ("driver",),
    ),
    Topic(
        "<cam>/pose",
        "geometry_msgs/msg/PoseStamped",
        "latched",
        ("cell",),
        ("policy", "label"),
        "optical frame in base",
        ("calibration",),
    ),
    Topic(
        "joint_states",
        "sensor_msgs/msg/JointState",
        "state",
        ("cell",),
        ("policy", "arm_command", "label"),
        "",
        ("driver",),
    ),
    Topic(
        "current_pose",
        "geometry_msgs/msg/PoseStamped",
        "state",
        ("cell",),
        ("policy", "arm_command", "view", "label"),
        "TCP in base",
        ("driver",),
    ),
    Topic(
        "robot_description",
        "std_msgs/msg/String",
        "latched",
        ("cell",),
        ("robot_bridge", "arm_command"),
        "the robot's URDF",
        ("driver",),
    ),
    Topic(
        "robot_check",
        "diagnostic_msgs/msg/DiagnosticStatus",
        "latched",
        ("robot_bridge",),
        ("arm_command",),
        "whether TCP, base and tool axes fit the robot",
    ),
    Topic(
        "sensor_check",
        "diagnostic_msgs/msg/DiagnosticStatus",
        "latched",
        ("policy",),
        ("arm_command",),
        "whether cameras and gripper can be believed",
    ),
    Topic(
        "calibration/<cam>",
        "geometry_msgs/msg/PoseWithCovarianceStamped",
        "latched",
        (),
        (),
        "optical frame in base as it is used; only with self_calibration: correct",
        ("rviz",),
        ("policy",),
    ),
    Topic(
        "instruction",
        "std_msgs/msg/String",
        "latched",
        (),
        ("policy", "view", "label"),
        "",
        ("user",),
        ("policy",),  # its parameter, and what a user said, for whoever comes later
    ),
    Topic(
        "chunk/<cam>/action_images",
        "sensor_msgs/msg/Image",
        "latched",
        ("policy", "label"),
        ("decoder", "view"),
        _CHUNK,
    ),
    Topic("chunk/<cam>/predicted_video", "sensor_msgs/msg/Image", "latched", ("policy",), ("view",), _CHUNK),
    Topic(
        "chunk/<cam>/action_images/compressed",
        "sensor_msgs/msg/CompressedImage",
        "latched",
        ("policy", "label"),
        ("decoder", "view"),
        _CHUNK + "; instead, with chunk_encoding: png",
    ),
    Topic(
        "chunk/<cam>/predicted_video/compressed",
        "sensor_msgs/msg/CompressedImage",
        "latched",
        ("policy",),
        ("view",),
        _CHUNK + "; instead, with chunk_encoding: png",
    ),
    Topic(
        "chunk/<cam>/camera_info",
        "sensor_msgs/msg/CameraInfo",
        "latched",
        ("policy", "label"),
        ("decoder", "view"),
        _CHUNK,
    ),
    Topic(
        "chunk/<cam>/pose",
        "geometry_msgs/msg/PoseStamped",
        "latched",
        ("policy", "label"),
        ("decoder", "view"),
        _CHUNK,
    ),
    Topic(
        "chunk/poses",
        "trajectory_msgs/msg/MultiDOFJointTrajectory",
        "latched",
        ("decoder",),
        ("arm_command", "view"),
        _CHUNK,
        instead=("policy",),
    ),
    Topic(
        "chunk/gripper",
        "trajectory_msgs/msg/JointTrajectory",
        "latched",
        ("decoder",),
        ("arm_command", "view"),
        _CHUNK,
        instead=("policy",),
    ),
    Topic(
        "chunk/confidence",
        "sensor_msgs/msg/PointCloud2",
        "latched",
        ("decoder",),
        ("arm_command", "view"),
        _CHUNK,
        ("rviz",),
        ("policy",),
    ),
    Topic(
        "chunk/agreement",
        "trajectory_msgs/msg/JointTrajectory",
        "latched",
        ("policy",),
        ("view",),
        _CHUNK + "; with check_video or hold_video_action",
    ),
    Topic("plan", "nav_msgs/msg/Path", "latched", ("arm_command",), (), "base", ("rviz",)),
    Topic("executed", "nav_msgs/msg/Path", "latched", ("arm_command",), ("view",), "base", ("rviz",)),
    Topic(
        "arm_command/state",
        "diagnostic_msgs/msg/DiagnosticStatus",
        "latched",
        ("arm_command",),
        ("policy", "view"),
        "the state, why, and the chunk's id",
        ("user",),
    ),
    Topic(
        "arm_command/approve_id",
        "std_msgs/msg/UInt64",
        "events",
        ("view",),
        ("arm_command",),
        "id of the chunk that is approved",
        ("user",),
    ),
    Topic(
        "target_pose",
        "geometry_msgs/msg/PoseStamped",
        "command",
        ("arm_command",),
        ("cell",),
        "intended time, base",
        ("driver",),
    ),
    Topic(
        "gripper_command",
        "std_msgs/msg/Float64",
        "command",
        ("arm_command",),
        ("cell", "policy", "label"),
        "",
        ("driver",),
    ),
    Topic("view/<cam>", "sensor_msgs/msg/Image", "events", ("view",), (), "when shown; the annotated strip", ("rviz",)),
    Topic("view/markers", "visualization_msgs/msg/MarkerArray", "latched", ("view",), (), "base", ("rviz",)),
    Topic(
        "view/controls/update",
        "visualization_msgs/msg/InteractiveMarkerUpdate",
        "events",
        ("view",),
        (),
        "buttons approve, reject, stop",
        ("rviz",),
    ),
    Topic(
        "view/controls/feedback",
        "visualization_msgs/msg/InteractiveMarkerFeedback",
        "events",
        (),
        ("view",),
        "a press",
        ("rviz",),
    ),
    Topic("view/<cam>/predicted_video", "sensor_msgs/msg/Image", "sensor", ("view",), (), "when shown", ("rviz",)),
    Topic("view/<cam>/action_images", "sensor_msgs/msg/Image", "sensor", ("view",), (), "when shown", ("rviz",)),
    Topic("view/<cam>/overlay", "sensor_msgs/msg/Image", "sensor", ("view",), (), "when shown", ("rviz",)),
    Topic(
        "label/pose",
        "geometry_msgs/msg/PoseWithCovarianceStamped",
        "events",
        ("label",),
        (),
        "the labelled frame's stamp, base",
        ("rviz",),
    ),
    Topic(
        "label/gripper", "sensor_msgs/msg/JointState", "events", ("label",), (), "the labelled frame's stamp", ("user",)
    ),
    Topic("label/gap", "std_msgs/msg/String", "events", ("label",), (), "", ("user",)),
    Topic("label/path", "nav_msgs/msg/Path", "latched", ("label",), (), "base", ("rviz",)),
    Topic("cell/status", "std_msgs/msg/String", "latched", ("cell",), ("label",), "", ("user",)),
    Topic(
        "cell/expert_plan",
        "trajectory_msgs/msg/MultiDOFJointTrajectory",
        "latched",
        ("cell",),
        ("policy",),
        "only with policy: oracle",
    ),
    Topic(
        "cell/expert_gripper",
        "trajectory_msgs/msg/JointTrajectory",
        "latched",
        ("cell",),
        ("policy",),
        "only with policy: oracle",
    ),
    Topic("/clock", "rosgraph_msgs/msg/Clock", "clock", ("cell",), (), "simulated time", ("every node",)),
    Topic(
        "/diagnostics",
        "diagnostic_msgs/msg/DiagnosticArray",
        "events",
        ("policy", "decoder", "arm_command", "view", "cell", "label", "robot_bridge"),
        (),
        "",
        ("rqt",),
    ),
)


def topic(name: str) -> Topic:
    """The table's row of that name (with `<cam>`); KeyError listing the names otherwise."""
    for row in TOPICS:
        if row.name == name:
            return row
    raise KeyError(f"no topic {name!r}; the table has {', '.join(row.name for row in TOPICS)}")


def topic_names(rows: Sequence[Topic], cameras: Sequence[str]) -> dict[str, Topic]:
    """Every topic's name with the cameras filled in, and its row."""
    return {
        row.name.replace("<cam>", camera): row for row in rows for camera in (cameras if "<cam>" in row.name else ("",))
    }
