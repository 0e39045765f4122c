"""Which image topics of a recording are pictures of cameras, and which one of several a camera is read from."""

from __future__ import annotations

from ...interfaces.camera_model import is_rectified
from .bag import Bag

__all__ = ["IMAGES", "image_topics"]

IMAGES = {"sensor_msgs/msg/Image": False, "sensor_msgs/msg/CompressedImage": True}
"""Type of the messages to whether they are compressed."""
_GENERATED = ("action_images", "predicted_video", "overlay")
_PREFERRED = ("image_rect_color", "image_color", "image_raw", "image", "image_rect")
_DEPTH = ("16UC1", "32FC1", "16SC1", "64FC1")


def image_topics(bag: Bag, prefix: str) -> tuple[dict[str, str], dict[str, str]]:
    """Image topic by the folder it lies in (`/cell/camera_0`): colour before grey, raw before compressed; and by that
    topic, what was not taken for it. prefix: of the topics that count. Depth (by name or by its encoding), generated
    pictures and empty topics are passed over."""
    folders: dict[str, list[str]] = {}
    for topic in bag.topics.values():
        if topic.type not in IMAGES or not topic.name.startswith(prefix) or not topic.count or topic.encoding != "cdr":
            continue
        base = topic.name.removesuffix("/compressed")
        if any(part in _GENERATED for part in base.split("/")) or "depth" in base.lower() or _is_depth(bag, topic.name):
            continue
        folders.setdefault(base.rpartition("/")[0], []).append(topic.name)
    chosen, notes = {}, {}
    for folder, topics in folders.items():
        most = max(bag.topics[name].count for name in topics)
        enough = [name for name in topics if 2 * bag.topics[name].count >= most]  # one that was hardly recorded
        chosen[folder] = min(enough, key=_rank)
        others = [name for name in topics if name != chosen[folder]]
        if others:
            kind = (
                "rectified pictures, which belong to P"
                if is_rectified(chosen[folder])
                else "raw pictures, whose distortion (D) is undone"
            )
            notes[chosen[folder]] = (
                f"{chosen[folder]} is taken ({kind}), not {', '.join(others)}; choose with --cameras NAME=TOPIC"
            )
    return chosen, notes


def _is_depth(bag: Bag, topic: str) -> bool:
    """Whether a recorded topic's first picture is of distances, whatever the topic is called."""
    if bag.live or bag.topics[topic].type != "sensor_msgs/msg/Image":
        return False
    first = next(iter(bag.messages([topic])), None)
    return first is not None and bag.read(first).encoding in _DEPTH


def _rank(topic: str) -> tuple[int, bool, str]:
    base = topic.removesuffix("/compressed").rpartition("/")[2]
    return (_PREFERRED.index(base) if base in _PREFERRED else len(_PREFERRED)), topic.endswith("/compressed"), topic
