"""Draws what was recorded: a film of observation, predicted video and action images, and a contact sheet of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from ..ros.playback import overlay
from .scene_recorder import SceneRecord, ShownChunk

if TYPE_CHECKING:
    from av.video import VideoStream

__all__ = ["contact_sheet", "film_frames", "write_animation", "write_film"]

_TILE = 256
_BAR = 56
_COLUMNS = ("camera", "predicted video", "action images")
_INK, _PAPER = (235, 235, 235), (24, 26, 30)


def _text(picture: np.ndarray, text: str, x: int, y: int, scale: float = 0.5, colour=_INK) -> None:
    cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)


def _tile(image: np.ndarray | None, size: int = _TILE) -> np.ndarray:
    if image is None:
        return np.full((size, size, 3), 40, np.uint8)
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC)


def _square(picture: np.ndarray) -> np.ndarray:
    side = min(picture.shape[:2])
    y0, x0 = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    return picture[y0 : y0 + side, x0 : x0 + side]


def film_frames(record: SceneRecord, title: str, dt: float, outcome: str = "") -> Iterator[np.ndarray]:
    """One RGB picture per recorded moment: a row per camera, columns as named at the top.

    The action images are laid over the camera's picture too: what the arm is about to do, where it will do it.
    """
    first = record.pictures[0][0] if record.pictures else 0
    for index, (stamp, views) in enumerate(record.pictures):
        chunk = record.chunk_at(stamp)
        filmed = record.chunk_at(stamp, filmed=True)
        rows = [_row(views[view], chunk, filmed, view, stamp, dt) for view in range(len(views))]
        bar = np.full((_BAR, rows[0].shape[1], 3), _PAPER, np.uint8)
        last = index == len(record.pictures) - 1
        _text(bar, f"{title}   {(stamp - first) * 1e-9:5.1f} s   {outcome if last else ''}", 8, 20, 0.55)
        for column, name in enumerate(_COLUMNS):
            _text(bar, name, 8 + column * _TILE, 46, 0.45, (170, 180, 190))
        if chunk is not None:
            _text(
                bar,
                f"{(stamp - chunk.stamp_ns) * 1e-9:.1f} s old, {chunk.sigma_mm:.0f} mm",
                _TILE * 2 + 130,
                46,
                0.38,
                (170, 180, 190),
            )
        yield np.vstack([bar, *rows])


def _row(
    picture: np.ndarray, chunk: ShownChunk | None, filmed: ShownChunk | None, view: int, stamp: int, dt: float
) -> np.ndarray:
    if chunk is None:
        return np.hstack([_tile(_square(picture)), _tile(None), _tile(None)])
    frame = _frame(chunk, stamp, dt)
    ahead = chunk.action_images[view, frame:].max(axis=0)  # the rest of the way, not only this moment
    video = None if filmed is None or filmed.video is None else filmed.video[view, _frame(filmed, stamp, dt)]
    camera = overlay(_square(picture), ahead, 0.6)
    return np.hstack([_tile(camera), _tile(video), _tile(chunk.action_images[view, frame])])


def _frame(chunk: ShownChunk, stamp: int, dt: float) -> int:
    """The frame of a chunk that is meant for this moment, or its last."""
    return int(np.clip((stamp - chunk.stamp_ns) * 1e-9 / dt, 0, chunk.action_images.shape[1] - 1))


def write_film(path: Path, frames: Iterator[np.ndarray], rate: int = 10) -> int:
    """Write RGB frames as an H.264 mp4; return the number of frames. Frames of one size, both sides even."""
    return _encode(path, frames, rate, "libx264", "yuv420p", {"crf": "23", "preset": "veryfast"})


def write_animation(
    path: Path, frames: Iterator[np.ndarray], rate: int = 10, *, every: int = 2, width: int = 640, quality: int = 65
) -> int:
    """Write RGB frames as an animated WebP that web pages show; return the number of frames written.

    rate: frames per second of `frames`; every: keep each n-th frame at the same speed; width: of the picture in px, its
    height follows; quality: 0..100 of the WebP encoder.
    """
    return _encode(
        path,
        (_fitted(frame, width) for frame in islice(frames, 0, None, every)),
        rate // every,
        "libwebp_anim",
        "yuv420p",
        {"quality": str(quality), "compression_level": "2", "loop": "0"},
    )


def _fitted(frame: np.ndarray, width: int) -> np.ndarray:
    height = 2 * round(frame.shape[0] * width / frame.shape[1] / 2)
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)


def _encode(
    path: Path, frames: Iterator[np.ndarray], rate: int, codec: str, pixels: str, options: dict[str, str]
) -> int:
    """Encode RGB frames of one size; return their number. Without frames no file is left."""
    import av

    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"loop": options["loop"]} if "loop" in options else {}) as container:
        stream: VideoStream | None = None
        for frame in frames:
            if stream is None:
                stream = cast("VideoStream", container.add_stream(codec, rate=rate, options=options))
                stream.height, stream.width, stream.pix_fmt = frame.shape[0], frame.shape[1], pixels
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                container.mux(packet)
            count += 1
        if stream is not None:
            for packet in stream.encode():
                container.mux(packet)
    if count == 0:
        path.unlink(missing_ok=True)
    return count


def contact_sheet(path: Path, scenes: Sequence[tuple[str, SceneRecord]], columns: int = 5, tile: int = 128) -> None:
    """One block per scene: the observation of one chunk, its predicted video and its action images, per camera."""
    blocks = []
    for title, record in scenes:
        chunk = _typical(record)
        if chunk is None:
            continue
        picture = min(record.pictures, key=lambda entry: abs(entry[0] - chunk.stamp_ns))[1]
        times = np.linspace(0, chunk.action_images.shape[1] - 1, columns).round().astype(int)
        width = tile * (columns + 1)
        bar = np.full((26, width, 3), _PAPER, np.uint8)
        _text(
            bar,
            f"{title}   ({chunk.valid} of {chunk.action_images.shape[1]} frames valid, {chunk.sigma_mm:.0f} mm)",
            6,
            18,
            0.45,
        )
        blocks.append(bar)
        for view in range(len(picture)):
            video = chunk.video[view] if chunk.video is not None else [None] * chunk.action_images.shape[1]
            blocks.append(np.hstack([_tile(_square(picture[view]), tile), *(_tile(video[t], tile) for t in times)]))
            label = np.full((tile, tile, 3), _PAPER, np.uint8)
            for line, words in enumerate(
                (f"camera {view}", "above: observation,", "predicted video", "right: action", "images")
            ):
                _text(label, words, 6, 24 + 20 * line, 0.36)
            blocks.append(np.hstack([label, *(_tile(chunk.action_images[view, t], tile) for t in times)]))
    if not blocks:
        raise ValueError("no chunk was recorded; there is nothing to show")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), cv2.cvtColor(np.vstack(blocks), cv2.COLOR_RGB2BGR)):
        raise OSError(f"{path} could not be written; is it a .png or .jpg in a writable folder?")


def _typical(record: SceneRecord) -> ShownChunk | None:
    """A chunk from the first third of the way, with the predicted video where there is one."""
    if not record.chunks or not record.pictures:
        return None
    stamps = sorted(record.chunks)
    shown = [stamp for stamp in stamps if record.chunks[stamp].video is not None] or stamps
    return record.chunks[shown[len(shown) // 3]]
