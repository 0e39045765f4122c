"""Where things are in the LeRobot datasets that are written here, and what the features are called."""

from __future__ import annotations

DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
OWN = "meta/action_images.jsonl"
POSE_NAMES = ["x", "y", "z", "qx", "qy", "qz", "qw"]
STATE, ACTION, POSE = "observation.state", "action", "observation.tool_pose"
IMAGE, K, E = "observation.images.", "observation.intrinsics.", "observation.world_from_camera."
INDICES = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}
