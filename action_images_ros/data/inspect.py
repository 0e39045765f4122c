"""Looks at recordings and datasets before they are used: what is there, how even in time, how well calibrated."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ..safe_files import plain_name, write_text
from .calibration_check import check_calibration, draw_points
from .camera_faults import camera_faults
from .episode import Episode
from .format import Item, Options, Remark, loaded, refuse_unused
from .inspect_page import inspect_page
from .registry import recognise
from .rosbag2.bag import Bag, is_bag
from .rosbag2.survey import TopicSurvey, survey
from .rosbag2.topics import find_topics, setup_for

__all__ = ["inspect"]

PICTURES = 5
"""Frames shown per episode and camera."""
_OTHER_CLOCK_S = 1.0
_DRIFT_PPM, _DRIFT = 500.0, 0.05


def inspect(
    path: str | Path,
    options: Options = Options(),  # noqa: B008
    *,
    out: str | Path | None = None,
    html: str | Path | None = None,
    episodes: int = 3,
    progress: Callable[[str], None] | None = None,
    judge: Callable[[Episode], list[str]] | None = None,
) -> dict[str, Any]:
    """A report on a recording, a folder of them or a dataset, as plain values for JSON.

    path, format; recordings (each with topics: see TopicSurvey), episodes (of the first `episodes` items: cameras,
    frames, calibration, picture written to `out`), problems and notes (sentences: what is wrong, what was chosen),
    readable (whether anything could be read). html: a page to write with all of it. judge: says what else is
    wrong with an episode (`labelling.calibrate.camera_judge`). Nothing is changed.
    Raises ValueError when the path is of no known format.
    """
    path = Path(path)
    reading = recognise(path)
    report: dict[str, Any] = {
        "path": str(path),
        "format": reading.name,
        "recordings": [],
        "episodes": [],
        "problems": [],
        "notes": [],
    }
    refuse_unused(options, reading, None, path)
    items = reading.items(path, options)
    report["items"] = len(items)
    shown = _Pictures(None if out is None else Path(out), html is not None)
    for item in items[:episodes]:
        if progress is not None:
            progress(item.name)
        if reading.name == "rosbag2":
            _recording(path if is_bag(path) else path / item.name, options, report)
        _episodes(item, options, report, shown, judge)
    report["readable"] = bool(report["recordings"] or report["episodes"])
    if html is not None:
        write_text(html, inspect_page(report, shown.jpegs))
    return report


def _recording(path: Path, options: Options, report: dict[str, Any]) -> None:
    problems = report["problems"]
    try:
        with Bag(path) as bag:
            setup = setup_for(bag, options.robot, **options.setup)
            rows = survey(bag)
            entry: dict[str, Any] = {
                "recording": str(path),
                "seconds": (bag.end_ns - bag.start_ns) * 1e-9,
                "messages": bag.count,
                "topics": [_plain(asdict(row)) for row in rows],
            }
            report["recordings"].append(entry)
            found = find_topics(bag, setup)
            entry["cameras"] = [asdict(camera) for camera in found.cameras]
            entry["found"] = {
                name: getattr(found, name)
                for name in ("current_pose", "joint_states", "gripper_command", "instruction", "status")
            }
            used = {topic for camera in found.cameras for topic in (camera.image, camera.info)} | {
                topic for topic in entry["found"].values() if topic
            }
            for row in rows:
                if row.name in used:
                    problems += [f"{path.name}: {text}" for text in _complaints(row)]
            if not setup.log_time:
                problems += [f"{path.name}: {text}" for text in _clocks([row for row in rows if row.name in used])]
    except (ValueError, OSError) as error:
        problems.append(str(error))


def _complaints(row: TopicSurvey) -> list[str]:
    words = []
    if row.unstamped:
        words.append(f"{row.name}: {row.unstamped} of {row.count} messages have an empty header stamp")
    if row.backwards:
        words.append(f"{row.name}: stamps run backwards {row.backwards} times")
    if row.gap_count and row.rate_hz > 0.5 and row.stamped:
        at, length = row.gaps[0]
        words.append(
            f"{row.name}: {row.gap_count} gaps at {row.rate_hz:.1f} Hz, the longest {length:.2f} s after {at:.1f} s"
        )
    if abs(row.drift_ppm) > _DRIFT_PPM and abs(row.drift) > _DRIFT:
        words.append(
            f"{row.name}: header stamps drift by {row.drift:+.3f} s against the time of recording "
            f"({row.drift_ppm:+.0f} ppm); is it simulated time, or another machine's clock?"
        )
    return words


def _clocks(rows: list[TopicSurvey]) -> list[str]:
    """Topics whose header stamps are of another clock than the first one's."""
    timed = [row for row in rows if row.stamped and not row.unstamped and math.isfinite(row.delay)]
    words = []
    for row in timed[1:]:
        ahead = timed[0].delay - row.delay
        if abs(ahead) > _OTHER_CLOCK_S:
            words.append(
                f"{row.name}: header stamps are {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} those of "
                f"{timed[0].name}: another machine's clock? synchronise the clocks, or take the time of recording "
                "(--log-time)"
            )
    return words


@dataclass
class _Pictures:
    """Where pictures go. out: folder for PNGs; keep: whether jpegs are kept, by the episode's name."""

    out: Path | None
    keep: bool
    jpegs: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, episode: Episode) -> dict[str, str]:
        """Draw, write and keep as wanted; {"picture": path} where it was written."""
        if self.out is None and not self.keep:
            return {}
        picture = cv2.cvtColor(_strips(episode), cv2.COLOR_RGB2BGR)
        if self.keep:
            self.jpegs[name] = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
        if self.out is None:
            return {}
        path = self.out / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(path), picture):
            raise OSError(f"{path} could not be written; give a writable folder with --out")
        return {"picture": str(path)}


def _episodes(
    item: Item,
    options: Options,
    report: dict[str, Any],
    shown: _Pictures,
    judge: Callable[[Episode], list[str]] | None,
) -> None:
    for number, found in enumerate(loaded(item, options)):
        if not isinstance(found, Remark):
            name = f"{plain_name(item.name)}_{number}"
            report["episodes"].append(_episode(name, found, report, shown))
            report["problems"] += [f"{name}: {text}" for text in (judge(found) if judge is not None else [])]
        elif found.text not in report["problems"]:
            said = found.text if str(report["path"]) in found.text else f"{item.name}: {found.text}"
            report["problems" if found.lost or found.wrong else "notes"].append(said)


def _episode(name: str, episode: Episode, report: dict[str, Any], shown: _Pictures) -> dict[str, Any]:
    checks = [
        check_calibration(camera, episode.images[view], episode.K[view], episode.extrinsics[view], episode.poses)
        for view, camera in enumerate(episode.camera_names)
    ]
    report["problems"] += [f"{name}: camera {check.camera}: {check.suspicious}" for check in checks if check.suspicious]
    report["problems"] += [f"{name}: {text}" for text in camera_faults(episode, checks)]
    moving = set(range(len(checks))) - set(episode.still_views())
    places = episode.poses[:, :3]
    return {
        "name": name,
        "task": episode.task,
        "seed": int(episode.seed),
        "instruction": episode.instruction,
        "success": bool(episode.success),
        "dt": episode.dt,
        "frames": episode.frames,
        "size": list(episode.images.shape[2:4]),
        "path_m": float(np.linalg.norm(np.diff(episode.poses[:, :3], axis=0), axis=1).sum()),
        "fastest_m_per_s": float(
            np.linalg.norm(np.diff(episode.poses[:, :3], axis=0), axis=1).max(initial=0) / episode.dt
        ),
        "range_m": np.stack([places.min(0), places.max(0)], axis=1).tolist(),
        "openness": [float(episode.openness.min()), float(episode.openness.max())],
        "gripper_changes": int((np.diff(episode.openness > 0.5) != 0).sum()),
        "cameras": [
            _plain(
                {
                    **asdict(check),
                    "suspicious": check.suspicious,
                    "moving": view in moving,
                    "focal_px": float(episode.K[view, 0, 0]),
                    "position_m": episode.extrinsics[view, 0, :3, 3].tolist(),
                }
            )
            for view, check in enumerate(checks)
        ],
        **shown.add(name, episode),
    }


def _strips(episode: Episode) -> npt.NDArray[np.uint8]:
    """One row of pictures per camera, with the tool's points drawn in."""
    shown = np.unique(np.linspace(0, episode.frames - 1, PICTURES).round().astype(int))
    rows = [
        draw_points(episode.images[view, shown], episode.K[view], episode.extrinsics[view, shown], episode.poses[shown])
        for view in range(len(episode.camera_names))
    ]
    return np.asarray(np.vstack(rows), np.uint8)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Numbers that JSON has no word for (nan) become None."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in values.items()
    }
