"""Records camera images and predictions during a scene, for the film and the report."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..graph.client import GraphClient
from ..interfaces.images import encode_picture
from ..ros.chunk_messages import split_frames
from ..ros.conversions import ns_from_stamp
from ..ros.images import rgb_from_message

__all__ = ["Recorder", "SceneRecord", "ShownChunk"]

_STRIP_S = 0.5  # between two strips that are kept


@dataclass
class ShownChunk:
    """One chunk as published, for all cameras: `[V, T, H, W, 3]`, the video may be missing."""

    stamp_ns: int
    action_images: np.ndarray
    video: np.ndarray | None
    sigma_mm: float = float("nan")
    valid: int = 0


@dataclass
class SceneRecord:
    """A scene: pictures `[V, h, w, 3]` with their stamps, chunks by id, measured and commanded positions `[3]` m.

    strips: by camera, JPEG files, at most two per second.
    """

    pictures: list[tuple[int, np.ndarray]] = field(default_factory=list)
    chunks: dict[int, ShownChunk] = field(default_factory=dict)
    positions: list[np.ndarray] = field(default_factory=list)
    commands: int = 0
    commanded: list[np.ndarray] = field(default_factory=list)
    strips: dict[str, list[bytes]] = field(default_factory=dict)

    def travelled(self) -> float:
        """Way of the tool in metres."""
        if len(self.positions) < 2:
            return 0.0
        return float(np.linalg.norm(np.diff(self.positions, axis=0), axis=1).sum())

    def chunk_at(self, time_ns: int, *, filmed: bool = False) -> ShownChunk | None:
        """The newest chunk observed before that time; `filmed`: that has a predicted video."""
        before = [
            stamp
            for stamp, chunk in self.chunks.items()
            if stamp <= time_ns and (chunk.video is not None or not filmed)
        ]
        return self.chunks[max(before)] if before else None


class Recorder:
    """Listens through a client. `begin()` starts a new record, `end()` returns it with the pictures decoded."""

    def __init__(self, client: GraphClient, cameras: Sequence[str]) -> None:
        self._cameras = tuple(cameras)
        self._lock = threading.Lock()
        self._messages: dict[tuple[str, str], dict[int, Any]] = {}
        self._positions: list[tuple[int, np.ndarray]] = []
        self._commands: list[np.ndarray] = []
        self._strips: dict[str, list[bytes]] = {camera: [] for camera in cameras}
        self._strip_at = dict.fromkeys(cameras, 0.0)
        self._on = False
        for camera in cameras:
            for name in (
                "<cam>/image_raw",
                "chunk/<cam>/action_images",
                "chunk/<cam>/predicted_video",
                "chunk/<cam>/camera_info",
            ):
                client.listen(name, functools.partial(self._keep, (name, camera)), camera)
            client.listen("view/<cam>", partial(self._on_strip, camera), camera)
        client.listen("chunk/confidence", lambda m: self._keep(("chunk/confidence", ""), m))
        client.listen("current_pose", self._on_pose)
        client.listen("target_pose", self._on_command)

    def _keep(self, key: tuple[str, str], message: Any) -> None:
        if self._on:
            with self._lock:
                self._messages.setdefault(key, {})[ns_from_stamp(message.header.stamp)] = message

    def _on_pose(self, message: Any) -> None:
        p = message.pose.position
        if self._on:
            with self._lock:
                self._positions.append((ns_from_stamp(message.header.stamp), np.array([p.x, p.y, p.z])))

    def _on_command(self, message: Any) -> None:
        p = message.pose.position
        if self._on:
            with self._lock:
                self._commands.append(np.array([p.x, p.y, p.z]))

    def _on_strip(self, camera: str, message: Any) -> None:
        now = time.monotonic()
        if self._on and now - self._strip_at[camera] >= _STRIP_S:
            self._strip_at[camera] = now
            file = encode_picture(rgb_from_message(message), "jpeg")
            with self._lock:
                self._strips[camera].append(file)

    def begin(self) -> None:
        """Forget what was recorded and record from now on."""
        with self._lock:
            self._messages, self._positions, self._commands = {}, [], []
            self._strips = {camera: [] for camera in self._cameras}
        self._on = True

    def confidences(self) -> dict[int, tuple[int, int, float]]:
        """Per chunk id so far: valid frames, frames, median position sigma in mm."""
        with self._lock:
            messages = dict(self._messages.get(("chunk/confidence", ""), {}))
        return {stamp: _confidence(message) for stamp, message in messages.items()}

    def end(self, not_before_ns: int = 0) -> SceneRecord:
        """Stop recording; the record of what carries a stamp of `not_before_ns` or later."""
        self._on = False
        with self._lock:
            messages, positions, commands = self._messages, self._positions, list(self._commands)
            strips = {camera: list(files) for camera, files in self._strips.items()}
            self._messages, self._positions = {}, []
        record = SceneRecord(
            positions=[p for stamp, p in positions if stamp >= not_before_ns],
            commands=len(commands),
            commanded=commands,
            strips=strips,
        )
        for stamp in self._complete(messages, "<cam>/image_raw"):
            if stamp >= not_before_ns:
                record.pictures.append((stamp, self._stack(messages, "<cam>/image_raw", stamp)))
        shown = self._complete(messages, "chunk/<cam>/action_images", "chunk/<cam>/camera_info")
        for stamp in shown:
            if stamp >= not_before_ns:
                record.chunks[stamp] = self._chunk(messages, stamp)
        return record

    def _complete(self, messages, *names: str) -> list[int]:
        groups = [set(messages.get((name, camera), {})) for name in names for camera in self._cameras]
        return sorted(set.intersection(*groups)) if groups else []

    def _stack(self, messages, name: str, stamp: int) -> np.ndarray:
        return np.stack([rgb_from_message(messages[name, camera][stamp]) for camera in self._cameras])

    def _chunk(self, messages, stamp: int) -> ShownChunk:
        info = messages["chunk/<cam>/camera_info", self._cameras[0]][stamp]
        size = (info.height, info.width)

        def frames(name: str) -> np.ndarray:
            return np.stack([split_frames(picture, size) for picture in self._stack(messages, name, stamp)])

        has_video = stamp in self._complete(messages, "chunk/<cam>/predicted_video")
        chunk = ShownChunk(
            stamp, frames("chunk/<cam>/action_images"), frames("chunk/<cam>/predicted_video") if has_video else None
        )
        confidence = messages.get(("chunk/confidence", ""), {}).get(stamp)
        if confidence is not None:
            chunk.valid, _, chunk.sigma_mm = _confidence(confidence)
        return chunk


def _confidence(message) -> tuple[int, int, float]:
    rows = np.frombuffer(
        message.data, np.dtype([("position", "<f4", 3), ("sigma", "<f4"), ("turn", "<f4"), ("valid", "<u4")])
    )
    sigma = rows["sigma"][rows["valid"] != 0]
    return int((rows["valid"] != 0).sum()), len(rows), float(1000 * np.median(sigma)) if len(sigma) else float("nan")
