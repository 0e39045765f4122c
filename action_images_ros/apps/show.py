"""`action-images show`: recordings, data sets and training sheets in Rerun's viewer, or as a file that it opens."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from ..data.episode import Episode
from ..data.format import Options
from ..data.registry import open_dataset, recognise
from ..data.rosbag2.bag import Bag, stamp_of
from ..display.rerun_log import RerunLog
from .viewer import Viewer

__all__ = ["log_chunks", "log_episode", "log_run", "show"]

_PICTURES = (".png", ".jpg", ".jpeg")
IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")


def show(path: Path, *, out: Path | None = None, episodes: int = 5, options: Options | None = None) -> str:
    """Show what lies at `path`; the first `episodes` of it. Returns what was logged, in words.

    out: a file NAME.rrd to write instead of opening a page. Raises ValueError and FileNotFoundError where nothing there
    can be shown.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; give a recording, a data set or the folder of a training run")
    if out is not None and (out.suffix != ".rrd" or out.is_dir()):
        raise ValueError(f"out is {str(out)!r}; give the name of a file that ends with .rrd")
    sheets, metrics = _sheets(path), _metrics(path)
    run = bool(sheets or metrics)
    shown: list[Episode] = [] if run else list(islice(open_dataset(path, options), episodes))
    if not run and not shown:
        raise ValueError(f"{path} holds no episode that can be read; see action-images inspect {path}")
    cameras = list(dict.fromkeys(name for episode in shown for name in episode.camera_names)) or ["sheet"]
    log = RerunLog(re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-") or "action-images")

    def fill() -> str:
        return log_run(log, sheets, metrics) if run else _log_all(log, shown, path)

    if out is not None:
        log.save(out, cameras)
        what = fill()
        log.close()
        return f"{out}: {what}; open it with: rerun {out}"
    with Viewer() as viewer:
        log.connect(viewer.address, cameras)
        what = fill()
        log.flush()
        print(f"{viewer.url}  ({what}); Ctrl-C ends", flush=True)
        with suppress(KeyboardInterrupt):
            viewer.wait()
        log.close()
    return what


def _sheets(path: Path) -> list[Path]:
    """Pictures that a training run left, in its folder `sheets` or so named, in order; a picture is one itself."""
    if path.is_file():
        return [path] if path.suffix.lower() in _PICTURES else []
    places = (path, path / "sheets")
    return sorted(
        file
        for place in places
        for file in (place.iterdir() if place.is_dir() else ())
        if file.suffix.lower() in _PICTURES and (file.parent.name == "sheets" or "sheet" in file.name.lower())
    )


def _metrics(path: Path) -> list[dict[str, float]]:
    """The numbers of every step of a training run; a line that is none is passed over: it may be being written."""
    file = path / "metrics.jsonl"
    rows = []
    for line in file.read_text(errors="replace").splitlines() if file.is_file() else ():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append({key: float(value) for key, value in row.items() if type(value) in (int, float)})
    return rows


def log_run(log: RerunLog, sheets: Sequence[Path], metrics: Sequence[dict[str, float]]) -> str:
    """The sheets and the metrics of a training run by step; sheets whose name has no step one after the other."""
    for row in metrics:
        log.at(row["step"])
        log.figures({key: value for key, value in row.items() if key != "step"})
    for number, sheet in enumerate(sheets):
        picture = cv2.imread(str(sheet), cv2.IMREAD_COLOR)
        if picture is None:
            raise ValueError(f"{sheet} is no picture that can be read; give a PNG or JPEG file")
        step = re.search(r"(\d+)$", sheet.stem)
        log.at(float(step.group(1)) if step else float(number))
        log.strip("sheet", cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8))
        log.instruction(sheet.name)
    return f"{len(sheets)} training sheets, metrics of {len(metrics)} steps"


def _log_all(log: RerunLog, shown: list[Episode], path: Path) -> str:
    begin_s, frames = 0.0, 0
    for episode in shown:
        begin_s += log_episode(log, episode, begin_s) + 1.0
        frames += episode.frames
    what = f"{len(shown)} episode{'s' if len(shown) > 1 else ''}, {frames} frames"
    if recognise(path).name == "rosbag2":
        what += f", {log_chunks(log, path, _first_stamp(path))} chunks"
    return what


def log_episode(log: RerunLog, episode: Episode, begin_s: float = 0.0) -> float:
    """Pictures, cameras and the tool's path of an episode from `begin_s` on; its length in seconds."""
    seconds = episode.times
    for frame, second in enumerate(seconds):
        log.at(begin_s + float(second))
        if frame == 0:
            log.instruction(episode.instruction)
        cameras = episode.cameras_at(frame)
        for view, name in enumerate(episode.camera_names):
            picture = np.asarray(episode.images[view, frame])
            if frame == 0 or episode.moving:
                log.camera(name, episode.K[view], cameras[view], (picture.shape[0], picture.shape[1]))
            log.picture(name, picture)
            log.strip(name, picture)
        log.path("measured", np.asarray(episode.poses[: frame + 1, :3]))
        log.figures({"openness": float(episode.openness[frame])})
    return float(seconds[-1])


def log_chunks(log: RerunLog, path: Path, begin_ns: int) -> int:
    """The plans of a recording that holds chunk/poses, gripper and confidence; their number.

    begin_ns: stamp of the moment 0. The frame of the poses is that of the messages.
    """
    from rclpy.serialization import deserialize_message

    from ..interfaces.topics import message_type
    from ..ros.plan_watch import PARTS, PlanWatch

    count = 0
    watch: PlanWatch | None = None
    with Bag(path) as bag:
        topics = {name: part for name in bag.topics for part in PARTS if name.endswith(f"/chunk/{part}")}
        for message in bag.messages(set(topics)):
            content = deserialize_message(bytes(message.data), message_type(message.type))
            watch = watch or PlanWatch(content.header.frame_id)
            chunk = watch.add_part(topics[message.topic], content)
            if chunk is not None:
                log.at((chunk.stamp_ns - begin_ns) * 1e-9)
                log.plan(chunk)
                count += 1
    return count


def _first_stamp(path: Path) -> int:
    """Stamp (ns) of the first picture of a recording; 0 where there is none."""
    with Bag(path) as bag:
        pictures = {name for name, topic in bag.topics.items() if topic.type in IMAGES}
        return next((stamp_of(message.data) for message in bag.messages(pictures)), 0)
