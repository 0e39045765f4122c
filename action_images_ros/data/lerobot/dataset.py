"""LeRobot datasets, v3.0: parquet and mp4, which the `lerobot` library opens; calibration and poses ride along exactly.

One parquet file and one video per camera hold one episode (the format allows any number per file). Per frame:

    observation.images.<cam>              video, H.264
    observation.state, action             float32 [8]: x y z qx qy qz qw openness of the model tool frame in the world
    observation.tool_pose                 float64 [7]: the pose again, exact
    observation.intrinsics.<cam>          float64 [9]: K, row by row
    observation.world_from_camera.<cam>   float64 [16]: row by row, OpenCV optical frame

`action` is the pose of the next frame (the last frame's own) and the openness commanded from this one on. Name of the
task, seed, success and dt of every episode stand in meta/action_images.jsonl.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...geometry.camera import normalise_signs
from ..episode import Episode
from ..format import EpisodeWriter, Item, Options, Remark, task_name
from ..video import frame_rate, read_video, write_video
from .tables import CHUNK, FLOATS, episode_statistics, merged_statistics, pyarrow, read_rows, write_rows, write_tasks

__all__ = ["LeRobotFormat"]

_DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
_VIDEO = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
_EPISODES = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
_OWN = "meta/action_images.jsonl"
_POSE_NAMES = ["x", "y", "z", "qx", "qy", "qz", "qw"]
_STATE, _ACTION, _POSE = "observation.state", "action", "observation.tool_pose"
_IMAGE, _K, _E = "observation.images.", "observation.intrinsics.", "observation.world_from_camera."
_INDICES = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}


class LeRobotFormat:
    """A LeRobot v3 dataset."""

    name, what = "lerobot", "LeRobot v3 dataset (meta/info.json)"

    def recognises(self, path: Path) -> bool:
        return (path / "meta" / "info.json").is_file()

    def items(self, path: Path, options: Options) -> list[Item]:
        info = self._info(path)
        rows = [
            row
            for file in sorted((path / "meta" / "episodes").glob("*/*.parquet"))
            for row in read_rows(file, without="stats/")
        ]
        if not rows:
            raise ValueError(f"{path} has no episodes in meta/episodes; is the dataset complete?")
        own = {row["episode_index"]: row for row in _lines(path / _OWN)}
        return [
            Item(
                f"episode {row['episode_index']}",
                lambda row=row: _read(path, info, row, own.get(row["episode_index"], {})),
            )
            for row in rows
        ]

    @staticmethod
    def _info(path: Path) -> dict:
        try:
            info = json.loads((path / "meta" / "info.json").read_text())
            version = str(info["codebase_version"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}/meta/info.json cannot be read ({error!r}); copy the dataset again") from None
        if not version.startswith("v3."):
            raise ValueError(f"{path} is a LeRobot dataset of {version}; convert it to v3.0 with lerobot's own script")
        return info

    def writer(self, folder: Path, options: Options) -> EpisodeWriter:
        pyarrow()
        return _Writer(folder, options)


def _lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def _read(path: Path, info: dict, row: dict, own: dict) -> Iterator[Episode | Remark]:
    """One episode of a dataset; ValueError naming file and feature."""
    features = info["features"]
    cameras = [key[len(_IMAGE) :] for key, f in features.items() if key.startswith(_IMAGE) and f["dtype"] == "video"]
    if not cameras:
        raise ValueError(f"{path} has no videos {_IMAGE}*; its features are {sorted(features)}")
    lacking = [
        key for key in (_POSE, *(prefix + camera for camera in cameras for prefix in (_K, _E))) if key not in features
    ]
    if lacking:
        raise ValueError(
            f"{path} lacks {', '.join(lacking)}: without tool poses and calibration there are no action "
            "images; record them (docs/data.md names the features), or convert from the recordings"
        )
    file = path / info["data_path"].format(chunk_index=row["data/chunk_index"], file_index=row["data/file_index"])
    rows = read_rows(file, episode=row["episode_index"])
    rows.sort(key=lambda r: r["frame_index"])
    if len(rows) != row["length"] or not rows:
        raise ValueError(
            f"{file} has {len(rows)} rows of episode {row['episode_index']}, meta/episodes says "
            f"{row['length']}; copy the dataset again"
        )

    def column(key: str, *shape: int) -> np.ndarray:
        return np.array([r[key] for r in rows], dtype=np.float64).reshape(len(rows), *shape)

    dt, names = float(own.get("dt", 1.0 / info["fps"])), own.get("camera_names", cameras)
    K = np.stack([column(_K + camera, 3, 3) for camera in names])
    E = np.stack([column(_E + camera, 4, 4) for camera in names])
    for camera, k in zip(names, K, strict=True):
        if np.ptp(k, axis=0).max() > 0:
            raise ValueError(f"{file}: camera {camera} zooms; an episode's intrinsics stay the same")
    K, E = normalise_signs(K, E)
    K = K[:, 0]
    if np.abs(E - E[:, :1]).max() <= 1e-9:
        E = E[:, 0]
    times = column("timestamp")
    images = np.stack(
        [
            _frames(
                path
                / info["video_path"].format(
                    video_key=_IMAGE + camera,
                    chunk_index=row[f"videos/{_IMAGE}{camera}/chunk_index"],
                    file_index=row[f"videos/{_IMAGE}{camera}/file_index"],
                ),
                row[f"videos/{_IMAGE}{camera}/from_timestamp"],
                times,
                dt,
            )
            for camera in names
        ]
    )
    instruction = str(row["tasks"][0])
    yield Episode(
        task=own.get("task", task_name(instruction)),
        seed=int(own.get("seed", row["episode_index"])),
        instruction=instruction,
        dt=dt,
        images=images,
        K=K,
        world_from_camera=E,
        poses=column(_POSE, 7),
        openness=column(_STATE, 8)[:, 7] if "openness" not in own else np.array(own["openness"]),
        success=bool(own.get("success", True)),
        camera_names=tuple(names),
        perturbed=bool(own.get("perturbed", False)),
    )


def _frames(video: Path, start_s: float, times: np.ndarray, dt: float) -> np.ndarray:
    """Frames `[T, H, W, 3]` at start_s + times; ValueError when one is not there within a quarter of dt."""
    found = list(read_video(video, start_s - dt / 4, start_s + times[-1] + dt / 4))
    at = np.array([seconds for seconds, _ in found]) - start_s
    if len(at) != len(times) or np.abs(at - times).max() > dt / 4:
        raise ValueError(
            f"{video} has {len(at)} frames from {start_s:.3f} s on, {len(times)} are expected at the "
            "timestamps of the parquet file; copy the dataset again"
        )
    return np.stack([frame for _, frame in found])


class _Writer:
    """Rows for meta/ wait in meta/.episodes until `finish`, so that an interrupted conversion goes on."""

    def __init__(self, folder: Path, options: Options) -> None:
        self._folder, self._crf = folder, options.crf
        self._waiting = folder / "meta" / ".episodes"
        self._waiting.mkdir(parents=True, exist_ok=True)
        self._rows = [json.loads(path.read_text()) for path in sorted(self._waiting.glob("*.json"))]

    def add(self, episode: Episode, number: int) -> str:
        before = self._rows = [row for row in self._rows if row["number"] < number]
        self._check(episode, before)
        tasks = list(dict.fromkeys(row["instruction"] for row in before))
        if episode.instruction not in tasks:
            tasks.append(episode.instruction)
        place = {"chunk_index": number // CHUNK, "file_index": number % CHUNK}
        rate = frame_rate(episode.dt)
        for view, camera in enumerate(episode.camera_names):
            write_video(
                self._folder / _VIDEO.format(video_key=_IMAGE + camera, **place),
                episode.images[view],
                rate,
                crf=self._crf,
            )
        columns = self._columns(
            episode, number, sum(row["length"] for row in before), tasks.index(episode.instruction), float(rate)
        )
        write_rows(self._folder / _DATA.format(**place), columns, FLOATS)
        row = {
            "number": number,
            "length": episode.frames,
            "instruction": episode.instruction,
            "fps": int(rate),
            "cameras": list(episode.camera_names),
            "size": list(episode.images.shape[2:4]),
            "own": {
                "episode_index": number,
                "task": episode.task,
                "seed": int(episode.seed),
                "success": bool(episode.success),
                "perturbed": bool(episode.perturbed),
                "dt": float(episode.dt),
                "camera_names": list(episode.camera_names),
                "openness": episode.openness.tolist(),
            },
            "statistics": episode_statistics(
                columns, {_IMAGE + camera: episode.images[view] for view, camera in enumerate(episode.camera_names)}
            ),
        }
        part = self._waiting / f".{number}.part"
        part.write_text(json.dumps(row))
        part.rename(self._waiting / f"{number:09d}.json")
        self._rows.append(row)
        return f"episode {number}"

    def _check(self, episode: Episode, before: list[dict]) -> None:
        rate = frame_rate(episode.dt)
        if rate.denominator != 1:
            raise ValueError(
                f"dt is {episode.dt:g} s ({float(rate):g} frames per second); LeRobot needs a whole "
                "number of frames per second: choose another dt, for example 0.2"
            )
        if not episode.instruction.strip():
            raise ValueError("instruction is empty; LeRobot needs one for every episode")
        for name, value in (
            ("cameras", list(episode.camera_names)),
            ("size", list(episode.images.shape[2:4])),
            ("fps", int(rate)),
        ):
            if before and sorted(map(str, np.atleast_1d(before[0][name]))) != sorted(map(str, np.atleast_1d(value))):
                raise ValueError(
                    f"{name} is {value}, the dataset's first episode has {before[0][name]}; a LeRobot "
                    "dataset has one for all: convert apart, or use --cameras, --size, --dt"
                )

    @staticmethod
    def _columns(episode: Episode, number: int, first: int, task_index: int, rate: float) -> dict[str, np.ndarray]:
        length = episode.frames
        target = np.concatenate([episode.poses[1:], episode.poses[-1:]])
        openness = episode.openness[:, None]
        columns: dict[str, np.ndarray] = {
            _STATE: np.concatenate([episode.poses, openness], 1).astype(np.float32),
            _ACTION: np.concatenate([target, openness], 1).astype(np.float32),
            _POSE: episode.poses.astype(np.float64),
        }
        for view, camera in enumerate(episode.camera_names):
            columns[_K + camera] = np.tile(episode.K[view].reshape(1, 9), (length, 1)).astype(np.float64)
            columns[_E + camera] = episode.extrinsics[view].reshape(length, 16).astype(float)
        return {
            **columns,
            "timestamp": (np.arange(length) / rate).astype(np.float32),
            "frame_index": np.arange(length),
            "episode_index": np.full(length, number),
            "index": first + np.arange(length),
            "task_index": np.full(length, task_index),
        }

    def finish(self) -> None:
        rows = self._rows
        tasks = list(dict.fromkeys(row["instruction"] for row in rows))
        meta = self._folder / "meta"
        write_tasks(meta / "tasks.parquet", tasks)
        first, table = 0, []
        for row in rows:
            number, seconds = row["number"], row["length"] / row["fps"]
            place = {"chunk_index": number // CHUNK, "file_index": number % CHUNK}
            entry = {
                "episode_index": number,
                "tasks": [row["instruction"]],
                "length": row["length"],
                "data/chunk_index": place["chunk_index"],
                "data/file_index": place["file_index"],
                "dataset_from_index": first,
                "dataset_to_index": first + row["length"],
                "meta/episodes/chunk_index": 0,
                "meta/episodes/file_index": 0,
            }
            for camera in rows[0]["cameras"]:
                key = f"videos/{_IMAGE}{camera}/"
                entry |= {
                    key + "chunk_index": place["chunk_index"],
                    key + "file_index": place["file_index"],
                    key + "from_timestamp": 0.0,
                    key + "to_timestamp": seconds,
                }
            for feature, numbers in row["statistics"].items():
                entry |= {f"stats/{feature}/{name}": value for name, value in numbers.items()}
            table.append(entry)
            first += row["length"]
        pa, pq = pyarrow()
        path = self._folder / _EPISODES.format(chunk_index=0, file_index=0)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(table), path)
        (meta / "stats.json").write_text(json.dumps(merged_statistics([row["statistics"] for row in rows]), indent=1))
        (self._folder / _OWN).write_text("".join(json.dumps(row["own"]) + "\n" for row in rows))
        (meta / "info.json").write_text(json.dumps(self._info_of(rows, len(tasks), first), indent=1))
        for file in self._waiting.iterdir():
            file.unlink()
        self._waiting.rmdir()

    def _info_of(self, rows: list[dict], tasks: int, frames: int) -> dict:
        head = rows[0]
        (height, width), fps = head["size"], head["fps"]
        features: dict[str, dict] = {}
        for camera in head["cameras"]:
            features[_IMAGE + camera] = {
                "dtype": "video",
                "shape": [height, width, 3],
                "names": ["height", "width", "channels"],
                "info": {
                    "video.height": height,
                    "video.width": width,
                    "video.codec": "h264",
                    "video.pix_fmt": "yuv444p" if height % 2 or width % 2 else "yuv420p",
                    "video.is_depth_map": False,
                    "video.fps": fps,
                    "video.channels": 3,
                    "has_audio": False,
                },
            }
        state = [*_POSE_NAMES, "openness"]
        features |= {
            _STATE: {"dtype": "float32", "shape": [8], "names": state},
            _ACTION: {"dtype": "float32", "shape": [8], "names": state},
            _POSE: {"dtype": "float64", "shape": [7], "names": _POSE_NAMES},
        }
        for camera in head["cameras"]:
            features[_K + camera] = {"dtype": "float64", "shape": [9], "names": _entries("k", 3)}
            features[_E + camera] = {"dtype": "float64", "shape": [16], "names": _entries("e", 4)}
        features |= {key: {"dtype": dtype, "shape": [1], "names": None} for key, dtype in _INDICES.items()}
        return {
            "codebase_version": "v3.0",
            "robot_type": None,
            "total_episodes": len(rows),
            "total_frames": frames,
            "total_tasks": tasks,
            "chunks_size": CHUNK,
            "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 200,
            "fps": fps,
            "splits": {"train": f"0:{len(rows)}"},
            "data_path": _DATA,
            "video_path": _VIDEO,
            "features": features,
        }


def _entries(letter: str, size: int) -> list[str]:
    return [f"{letter}{i}{j}" for i in range(size) for j in range(size)]
