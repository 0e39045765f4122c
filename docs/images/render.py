"""Render the pictures of docs/action_images.md with our encoder and decoder: python docs/images/render.py."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from action_images_ros.cell.demonstrate import demonstrate
from action_images_ros.codec.decode import decode
from action_images_ros.codec.encode import action_points, encode, to_uint8
from action_images_ros.geometry.camera import project
from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.ros.playback import overlay

HERE = Path(__file__).parent
SIZE = (256, 256)
INK, PAPER = (30, 30, 30), 255


def title(width: int, text: str, height: int = 22) -> np.ndarray:
    bar = np.full((height, width, 3), PAPER, np.uint8)
    cv2.putText(bar, text, (4, height - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    return bar


def tiles(rows: list[list[np.ndarray]], gap: int = 4) -> np.ndarray:
    """Rows of pictures of equal size on white."""
    return np.vstack(
        [np.hstack([np.pad(tile, ((0, gap), (0, gap), (0, 0)), constant_values=PAPER) for tile in row]) for row in rows]
    )


def write(name: str, picture: np.ndarray) -> None:
    cv2.imwrite(str(HERE / name), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, 88])


def channel(image: np.ndarray, index: int) -> np.ndarray:
    only = np.zeros_like(image)
    only[..., index] = image[..., index]
    return only


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], level: float, length: float = 4.0) -> np.ndarray:
    """Correlated noise of standard deviation `level`, as a video model leaves it."""
    raw = rng.standard_normal(shape)
    out = np.stack([cv2.GaussianBlur(frame, (0, 0), length) for frame in raw])
    return level * out / out.std()


def channels(episode, drawn: np.ndarray, frame: int) -> None:
    names = ("camera and overlay", "action image", "red: TCP", "green: 0.1 m along x", "blue: 0.1 m behind, pedestal")
    rows = [[title(SIZE[1], name) for name in names]]
    for view in range(2):
        image = drawn[view, frame]
        rows.append([overlay(episode.images[view, frame], image), image, *(channel(image, i) for i in range(3))])
    write("channels.webp", tiles(rows))


def chunk(episode, drawn: np.ndarray, start: int) -> None:
    frames = range(start, start + 10, 2)
    rows = [[title(192, f"{(frame - start) * episode.dt:.1f} s") for frame in frames]]
    for view in range(2):
        rows.append(
            [
                cv2.resize(
                    overlay(episode.images[view, frame], drawn[view, frame]), (192, 192), interpolation=cv2.INTER_AREA
                )
                for frame in frames
            ]
        )
    write("chunk.webp", tiles(rows))


def noise(episode, poses: np.ndarray, drawn: np.ndarray, frame: int) -> None:
    rng = np.random.default_rng(0)
    clean = drawn[:, frame : frame + 1]
    columns = []
    for level in (0.0, 0.05, 0.1):
        added = smooth_noise(rng, (2 * 3, *SIZE), 255 * level) if level else np.zeros((6, *SIZE))
        added = added.reshape(2, 1, 3, *SIZE).transpose(0, 1, 3, 4, 2)
        noisy = np.clip(np.rint(clean + added), 0, 255).astype(np.uint8)
        read = decode(noisy, episode.K[:2], episode.world_from_camera[:2])
        points = action_points(matrix_from_pose7(read.poses))[0]
        off = 1000 * np.linalg.norm(read.poses[0, :3] - poses[frame][:3, 3])
        sigma = 1000 * np.sqrt(np.linalg.eigvalsh(read.covariance[0, :3, :3]).max())
        column = [title(SIZE[1], f"noise {100 * level:.0f} %: {off:.2f} mm off, sigma {sigma:.2f} mm")]
        for view in range(2):
            image = noisy[view, 0].copy()
            uv, _ = project(points, episode.K[view], episode.world_from_camera[view])
            for x, y in uv:
                cv2.drawMarker(image, (round(x), round(y)), (255, 255, 255), cv2.MARKER_CROSS, 14, 1, cv2.LINE_AA)
            column.append(image)
        columns.append(column)
    write("noise.webp", tiles([list(row) for row in zip(*columns, strict=True)]))


def main() -> None:
    episode = demonstrate("lift_block", 20001, size=SIZE, cameras=2)
    poses = matrix_from_pose7(episode.poses)
    drawn = to_uint8(encode(poses, episode.openness, episode.K, episode.world_from_camera, SIZE).images)
    channels(episode, drawn, 4)
    chunk(episode, drawn, 2)
    noise(episode, poses, drawn, 4)


if __name__ == "__main__":
    main()
