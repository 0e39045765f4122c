"""One episode of a LeRobot dataset: its rows and pictures as an `Episode`, cut where its task changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ...policy.observation import prepare_image
from ..episode import Episode
from ..format import Options, Remark, every, task_name
from ..video import read_video
from .cameras import Camera, find_cameras
from .features import Columns, openness_of, poses_of
from .layout import Dataset, Place
from .tables import read_rows

__all__ = ["read_episode"]

_ANOTHER_TASK = 1_000_000  # added to the seed of an episode's second, third, .. task

Images = npt.NDArray[np.uint8]


def read_episode(dataset: Dataset, place: Place, options: Options) -> Iterator[Episode | Remark]:
    """The episode, or one for each of its tasks; ValueError naming the file, the feature, its value and the remedy."""
    file = dataset.data_file(place)
    rows = _rows(dataset, place)
    dt = float(place.own.get("dt", 1.0 / dataset.fps))
    times = _times(rows, dataset, str(file))
    step = every(options.dt, dt)
    columns = Columns(str(file), dataset.features, rows[::step])
    cameras = find_cameras(dataset, place, columns, options)
    poses, robot_poses = poses_of(columns, options)
    extrinsics = _extrinsics(cameras, robot_poses, len(columns.rows))
    images, intrinsics = _pictures(dataset, place, rows, times, step, cameras, dt, options)
    sentences = _sentences(dataset, place, columns, options)
    openness = openness_of(columns, place.own.get("openness"), step, options)
    cuts = [0, *(i for i in range(1, len(sentences)) if sentences[i] != sentences[i - 1]), len(sentences)]
    if len(cuts) > 2:
        yield Remark(f"its task changes {len(cuts) - 2} times; an episode is made of each", lost=False, wrong=False)
    seed = int(place.own.get("seed", place.index))
    for part, (a, b) in enumerate(zip(cuts[:-1], cuts[1:], strict=True)):
        if b - a < 2 and len(cuts) > 2:
            yield Remark(f"{sentences[a]!r} at frame {a} lasts {b - a} frame; left out")
            continue
        yield Episode(
            task=str(place.own.get("task", task_name(sentences[a]))) if len(cuts) == 2 else task_name(sentences[a]),
            seed=seed + part * _ANOTHER_TASK,
            instruction=sentences[a],
            dt=step * dt,
            images=images[:, a:b],
            K=intrinsics,
            world_from_camera=_still(extrinsics[:, a:b]),
            poses=poses[a:b],
            openness=openness[a:b],
            success=bool(place.own.get("success", columns.flag("is_episode_successful", "next.success"))),
            camera_names=tuple(camera.name for camera in cameras),
            perturbed=bool(place.own.get("perturbed", False)),
        )


def _rows(dataset: Dataset, place: Place) -> list[dict[str, Any]]:
    file = dataset.data_file(place)
    rows = read_rows(file, episode=place.index)
    if rows and "frame_index" in rows[0]:
        rows.sort(key=lambda row: int(row["frame_index"]))
        if [row["frame_index"] for row in rows] != list(range(len(rows))):
            raise ValueError(
                f"{file}: the frame_index of episode {place.index} is not 0 to {len(rows) - 1}; frames are missing or "
                "there twice: copy the dataset again"
            )
    length = place.row.get("length")
    if not rows or (length is not None and len(rows) != length):
        raise ValueError(
            f"{file} has {len(rows)} rows of episode {place.index}, meta/episodes says {length}; copy the dataset again"
        )
    return rows


def _times(rows: list[dict[str, Any]], dataset: Dataset, where: str) -> npt.NDArray[np.float64]:
    """Seconds of every frame, as the column says, or by fps; ValueError where the two contradict each other."""
    regular = np.arange(len(rows)) / dataset.fps
    if "timestamp" not in rows[0]:
        return regular
    times = np.array([np.nan if row["timestamp"] is None else row["timestamp"] for row in rows], dtype=np.float64)
    if not np.isfinite(times).all():
        raise ValueError(f"{where}: timestamp is not finite in {int((~np.isfinite(times)).sum())} frames; repair it")
    if len(times) > 1:
        measured = float(np.median(np.diff(times)))
        speed = 1 / (measured * dataset.fps) if measured > 0 else 0.0
        if measured <= 0 or abs(measured * dataset.fps - 1) > 0.02:
            raise ValueError(
                f"{where}: timestamps are {measured:g} s apart, and info.json says fps {dataset.fps:g} "
                f"({1 / dataset.fps:g} s): an episode would be played {speed:.2f} "
                "times as fast; correct fps, or the timestamps"
            )
        if np.abs(times - times[0] - regular).max() > 0.5 / dataset.fps:
            at = int(np.argmax(np.abs(times - times[0] - regular)))
            raise ValueError(
                f"{where}: timestamp[{at}] is {times[at]:g} s, frame {at} at fps {dataset.fps:g} is at "
                f"{regular[at] + times[0]:g} s; frames are missing: leave the episode out"
            )
    return times


def _sentences(dataset: Dataset, place: Place, columns: Columns, options: Options) -> list[str]:
    """The instruction of every frame: of its own column, its task_index, or the episode's row; else `--instruction`."""
    count = len(columns.rows)
    for key in ("language_instruction", "task", "instruction"):
        words = columns.texts(key)
        if words is not None and all(words):
            return words
    if "task_index" in columns.rows[0] and dataset.tasks:
        numbers = [row["task_index"] for row in columns.rows]
        unknown = sorted({number for number in numbers if number not in dataset.tasks}, key=str)
        if unknown:
            raise ValueError(
                f"{columns.where}: task_index is {unknown[0]}, meta/tasks has {sorted(dataset.tasks)[:20]}; copy the "
                "dataset again"
            )
        return [dataset.tasks[number] for number in numbers]
    told = place.row.get("tasks", place.row.get("task"))
    first = told[0] if isinstance(told, list) and told else told
    sentence = str(place.own.get("instruction") or first or options.setup.get("instruction_text") or "").strip()
    return [sentence] * count


def _extrinsics(cameras: list[Camera], robot: npt.NDArray[np.float64] | None, frames: int) -> npt.NDArray[np.float64]:
    """world_from_camera `[V, T, 4, 4]`."""
    return np.stack([camera.extrinsics(robot, frames) for camera in cameras])


def _still(E: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return E if np.abs(E - E[:, :1]).max() > 1e-9 else E[:, 0]


def _pictures(
    dataset: Dataset,
    place: Place,
    rows: list[dict[str, Any]],
    times: npt.NDArray[np.float64],
    step: int,
    cameras: list[Camera],
    dt: float,
    options: Options,
) -> tuple[Images, npt.NDArray[np.float64]]:
    """uint8 RGB `[V, T, H, W, 3]` of the size that is wanted, and K `[V, 3, 3]` of it."""
    views, intrinsics = [], []
    for camera in cameras:
        if camera.video:
            frames = _frames(*dataset.video_file(place, camera.key), times, dt, step)
        else:
            frames = (_embedded(row.get(camera.key), camera.key) for row in rows[::step])
        view, K = [], np.eye(3)
        for frame in frames:
            image, K = camera.undistorted(frame)
            if options.size is not None:
                image, K = prepare_image(image, K, options.size)
            view.append(image)
        views.append(np.stack(view))
        intrinsics.append(K)
    sizes = {camera.name: view.shape[1:3] for camera, view in zip(cameras, views, strict=True)}
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{name} {w}x{h}" for name, (h, w) in sizes.items())
        raise ValueError(f"the cameras' pictures differ in size ({shown}); give one size (--size)")
    return np.stack(views), np.stack(intrinsics)


def _frames(video: Any, start_s: float, times: npt.NDArray[np.float64], dt: float, step: int) -> Iterator[Images]:
    """Every step-th frame of those at start_s + times; ValueError when one is not there within a quarter of dt."""
    wanted = start_s + times - times[0]
    at = 0
    for seconds, frame in read_video(video, start_s - dt / 4, wanted[-1] + dt / 4):
        if at < len(wanted) and abs(seconds - wanted[at]) <= dt / 4:
            if at % step == 0:
                yield frame
            at += 1
    if at != len(wanted):
        raise ValueError(
            f"{video} has {at} of the {len(wanted)} frames from {start_s:.3f} s on that the timestamps of the parquet "
            "file ask for; copy the dataset again"
        )


def _embedded(cell: Any, key: str) -> Images:
    """A picture in a cell of the table: the bytes of a png or jpeg."""
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if picture is None:
        raise ValueError(f"{key}: a picture in the table cannot be decoded; copy the dataset again")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
