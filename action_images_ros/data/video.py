"""Short videos of one camera: written so that every frame can be reached quickly, read back frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..safe_files import whole_file

__all__ = ["frame_rate", "read_video", "write_video"]


def frame_rate(dt: float) -> Fraction:
    """Frames per second of a dt in seconds, as the nearest fraction with a small denominator."""
    return (1 / Fraction(dt).limit_denominator(100_000)).limit_denominator(1001)


def write_video(path: Path, frames: Iterable[np.ndarray], rate: Fraction, *, crf: int = 18) -> None:
    """H.264 of uint8 RGB frames `[H, W, 3]`, frame i at i / rate seconds; a key frame every second frame.

    crf: 0 (lossless but for the colour conversion) to 51; 4:2:0 colour where both sides are even, else 4:4:4. Whole or
    not at all.
    """
    import av

    if not 0 <= crf <= 51:
        raise ValueError(f"crf is {crf}; give the quality of H.264, 0 (best) to 51")
    with whole_file(path) as part:
        with av.open(str(part), "w") as container:
            # No B-frames: with them the first frame would not lie at 0.
            stream = container.add_stream("libx264", rate=rate, options={"crf": str(crf), "bf": "0", "g": "2"})
            for index, frame in enumerate(frames):
                if index == 0:
                    stream.height, stream.width = frame.shape[:2]
                    stream.pix_fmt = "yuv444p" if frame.shape[0] % 2 or frame.shape[1] % 2 else "yuv420p"
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
            container.mux(stream.encode())


def read_video(path: Path, start_s: float = 0.0, end_s: float = float("inf")) -> Iterator[tuple[float, np.ndarray]]:
    """(seconds, uint8 RGB `[H, W, 3]`) of each frame with start_s <= seconds < end_s; ValueError when damaged."""
    import av

    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if start_s > 0 and stream.time_base is not None:
                container.seek(int(start_s / stream.time_base), stream=stream, backward=True)
            for frame in container.decode(stream):
                if frame.time is None:
                    continue
                if frame.time >= end_s:
                    return
                if frame.time >= start_s:
                    yield frame.time, frame.to_ndarray(format="rgb24")
    except (av.FFmpegError, IndexError, OSError) as error:
        raise ValueError(f"{path} is no readable video ({error}); copy or make it again") from None
