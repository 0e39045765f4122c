"""Writes a LeRobot v3.0 dataset: one parquet file and one video per camera hold one episode."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...safe_files import load_json, remove_leftovers, write_text
from ..episode import Episode
from ..format import Options
from ..video import frame_rate, write_video
from .names import ACTION, DATA, EPISODES, IMAGE, INDICES, OWN, POSE, POSE_NAMES, STATE, VIDEO, E, K
from .tables import CHUNK, FLOATS, episode_statistics, merged_statistics, pyarrow, write_rows, write_tasks

__all__ = ["LeRobotWriter"]


class LeRobotWriter:
    """Rows for meta/ wait in meta/.episodes until `finish`, so that an interrupted conversion goes on."""

    def __init__(self, folder: Path, options: Options) -> None:
        pyarrow()
        self._folder, self._crf = folder, options.crf
        self._waiting = folder / "meta" / ".episodes"
        self._waiting.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder, "**/")
        self._rows = [load_json(path) for path in sorted(self._waiting.glob("*.json"))]

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
                self._folder / VIDEO.format(video_key=IMAGE + camera, **place),
                episode.images[view],
                rate,
                crf=self._crf,
            )
        columns = self._columns(
            episode, number, sum(row["length"] for row in before), tasks.index(episode.instruction), float(rate)
        )
        write_rows(self._folder / DATA.format(**place), columns, FLOATS)
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
                columns, {IMAGE + camera: episode.images[view] for view, camera in enumerate(episode.camera_names)}
            ),
        }
        write_text(self._waiting / f"{number:09d}.json", json.dumps(row))
        self._rows.append(row)
        return f"episode {number}"

    def _check(self, episode: Episode, before: list[dict[str, Any]]) -> None:
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
    def _columns(
        episode: Episode, number: int, first: int, task_index: int, rate: float
    ) -> dict[str, npt.NDArray[Any]]:
        length = episode.frames
        target = np.concatenate([episode.poses[1:], episode.poses[-1:]])
        openness = episode.openness[:, None]
        columns: dict[str, npt.NDArray[Any]] = {
            STATE: np.concatenate([episode.poses, openness], 1).astype(np.float32),
            ACTION: np.concatenate([target, openness], 1).astype(np.float32),
            POSE: episode.poses.astype(np.float64),
        }
        for view, camera in enumerate(episode.camera_names):
            columns[K + camera] = np.tile(episode.K[view].reshape(1, 9), (length, 1)).astype(np.float64)
            columns[E + camera] = episode.extrinsics[view].reshape(length, 16).astype(float)
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
                key = f"videos/{IMAGE}{camera}/"
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
        path = self._folder / EPISODES.format(chunk_index=0, file_index=0)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(table), path)
        write_text(meta / "stats.json", json.dumps(merged_statistics([row["statistics"] for row in rows]), indent=1))
        write_text(self._folder / OWN, "".join(json.dumps(row["own"]) + "\n" for row in rows))
        write_text(meta / "info.json", json.dumps(self._info_of(rows, len(tasks), first), indent=1))
        for file in self._waiting.iterdir():
            file.unlink()
        self._waiting.rmdir()

    def _info_of(self, rows: list[dict[str, Any]], tasks: int, frames: int) -> dict[str, Any]:
        head = rows[0]
        (height, width), fps = head["size"], head["fps"]
        features: dict[str, dict[str, Any]] = {}
        for camera in head["cameras"]:
            features[IMAGE + camera] = {
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
        state = [*POSE_NAMES, "openness"]
        features |= {
            STATE: {"dtype": "float32", "shape": [8], "names": state},
            ACTION: {"dtype": "float32", "shape": [8], "names": state},
            POSE: {"dtype": "float64", "shape": [7], "names": POSE_NAMES},
        }
        for camera in head["cameras"]:
            features[K + camera] = {"dtype": "float64", "shape": [9], "names": _entries("k", 3)}
            features[E + camera] = {"dtype": "float64", "shape": [16], "names": _entries("e", 4)}
        features |= {key: {"dtype": dtype, "shape": [1], "names": None} for key, dtype in INDICES.items()}
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
            "data_path": DATA,
            "video_path": VIDEO,
            "features": features,
        }


def _entries(letter: str, size: int) -> list[str]:
    return [f"{letter}{i}{j}" for i in range(size) for j in range(size)]
