"""Labels of windows on disk while a recording is labelled, for resuming after a crash."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..control.chunk import Chunk
from ..interfaces.images import encode_picture, rgb_from_file
from ..policy.prediction import Prediction
from ..safe_files import LOCK, FolderLock, remove_leftovers, whole_file, write_text
from .labeller import WindowLabels

__all__ = ["PartialLabels"]

_ARRAYS = ("stamps_ns", "logs_ns", "measured", "measured_openness")
_CHUNK = ("poses", "openness", "covariance", "valid")


class PartialLabels:
    """A folder with one file per window, named by its number; each is whole or not there.

    made_by: JSON-like facts (recording, model, options) that the labels depend on; a folder made by others is emptied.
    One process at a time, until `release` or `remove`: ValueError names the other one.
    resumed: how many windows were there already.
    """

    def __init__(self, folder: Path, made_by: dict) -> None:
        self.folder = folder
        self._lock = FolderLock(folder, "labelling").__enter__()
        facts = folder / "made_by.json"
        text = json.dumps(made_by, indent=1, sort_keys=True)
        if not (facts.is_file() and facts.read_text() == text):
            for left in folder.iterdir():
                if left.name != LOCK:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
        remove_leftovers(folder)
        write_text(facts, text)
        self.resumed = len(list(folder.glob("*.npz")))

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.npz"

    def has(self, number: int, stamp_ns: int) -> bool:
        """Whether that window is there, and is the one that begins at that time."""
        path = self._path(number)
        if not path.is_file():
            return False
        with np.load(path, allow_pickle=False) as stored:
            return int(stored["stamps_ns"][0]) == stamp_ns

    def save(self, number: int, labels: WindowLabels) -> None:
        """Write one window; its pictures as PNG, which loses nothing."""
        prediction = labels.prediction
        views, frames, height = prediction.drawn.shape[:3]
        tall = prediction.drawn.reshape(views * frames * height, -1, 3)
        path = self._path(number)
        with whole_file(path) as part, open(part, "wb") as file:
            np.savez(
                file,
                images=np.frombuffer(encode_picture(tall, "png"), np.uint8),
                shape=np.array(prediction.drawn.shape),
                K=prediction.K,
                E=prediction.world_from_camera,
                cameras=np.array(prediction.camera_names),
                dt=prediction.dt,
                given=labels.given,
                **{name: getattr(labels.chunk, name) for name in _CHUNK},
                **{name: getattr(labels, name) for name in _ARRAYS},
            )

    def load(self, number: int) -> WindowLabels:
        """One window as it was saved."""
        with np.load(self._path(number), allow_pickle=False) as stored:
            images = rgb_from_file(stored["images"], "png").reshape(stored["shape"])
            arrays = {name: stored[name] for name in _ARRAYS}
            stamp, dt, cameras = int(arrays["stamps_ns"][0]), float(stored["dt"]), tuple(stored["cameras"].tolist())
            prediction = Prediction(
                stamp_ns=stamp,
                dt=dt,
                camera_names=cameras,
                K=stored["K"],
                world_from_camera=stored["E"],
                action_images=images,
            )
            return WindowLabels(
                Chunk(stamp, dt, *(stored[name] for name in _CHUNK)), prediction, bool(stored["given"]), **arrays
            )

    def all(self, count: int) -> Iterator[WindowLabels]:
        """The first `count` windows, one at a time."""
        return (self.load(number) for number in range(count))

    def remove(self) -> None:
        """Throw the folder away."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """Let others write in the folder."""
        self._lock.__exit__()
