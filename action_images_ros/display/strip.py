"""One annotated strip per camera: what is seen, what is predicted, what will be done and how sure that is.

Left to right: the observation, the predicted video, the action image, and the camera's picture with the planned path
(coloured by its certainty) and the measured one. Below them the time of the chunk, frame by frame, and the gripper.
Needs no ROS; the node `view`, the HTML report and the README's picture show what is drawn here.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from ..control.chunk import Chunk
from ..geometry.arrays import Floats, Images
from ..geometry.camera import project, resize_intrinsics
from .colours import BLOCKED, INK, INVALID, MEASURED, PAPER, QUIET, Colour, certainty_colour, state_colour
from .text import fitted, text_width, write

__all__ = ["HEIGHT", "TILE", "WIDTH", "Strip", "StripContent", "centred_square", "tile_origin"]

TILE = 256
WIDTH = 4 * TILE
_HEAD, _TITLE, _BAR, _GRIPPER, _FOOT = 38, 24, 22, 20, 30
_GAP = 4
HEIGHT = _HEAD + _TITLE + TILE + _GAP + _BAR + _GRIPPER + _GAP + _FOOT
_EMPTY = (40, 42, 46)
_OPEN, _CLOSED = (90, 200, 220), (90, 96, 110)
_LINE = 0.52  # scale of text


@dataclass(frozen=True, kw_only=True)
class StripContent:
    """What one strip shows. Whatever is None is missing, and the strip says so.

    camera: its name. observation: uint8 `[h, w, 3]`, the camera's picture. video, action_image: uint8 `[H, W, 3]` of
    frame `frame` of the chunk. K `[3, 3]` px for images of `size` (H, W), world_from_camera `[4, 4]`. chunk: the plan.
    measured: `[N, 3]` m, positions of the tool, oldest first. state: of the arm (proposed: a
    chunk waits for approval), labelling, or empty where nobody says; reason: why.
    agreement_m: distance between painted video and painted action. age_s: since the chunk's observation.
    hint: how to stop the arm.
    """

    camera: str
    state: str
    observation: Images | None = None
    video: Images | None = None
    action_image: Images | None = None
    K: Floats | None = None
    world_from_camera: Floats | None = None
    size: tuple[int, int] | None = None
    chunk: Chunk | None = None
    frame: int = 0
    measured: Floats = field(default_factory=lambda: np.zeros((0, 3)))
    reason: str = ""
    instruction: str = ""
    agreement_m: float | None = None
    age_s: float | None = None
    hint: str = ""


def tile_origin(index: int) -> tuple[int, int]:
    """(x, y) px of the upper left corner of tile 0..3 in the strip."""
    return index * TILE, _HEAD + _TITLE


def centred_square(picture: Images, size: tuple[int, int] = (1, 1)) -> Images:
    """The largest centred part of the picture with the shape of `size` (H, W): what the model sees of it."""
    scale = min(picture.shape[0] / size[0], picture.shape[1] / size[1])
    height, width = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    y0, x0 = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return picture[y0 : y0 + height, x0 : x0 + width]


class Strip:
    """Draws strips of one camera. Tiles and lines of text that did not change are kept from the strip before."""

    def __init__(self) -> None:
        self._picture = np.full((HEIGHT, WIDTH, 3), PAPER, np.uint8)
        self._drawn: dict[str, object] = {}

    def draw(self, content: StripContent) -> Images:
        """The strip, uint8 `[HEIGHT, WIDTH, 3]` RGB; the caller's own. ValueError on parts that do not fit."""
        self._head(content)
        self._titles(content)
        self._tile(0, content.observation, content.size, "no camera image")
        self._tile(1, content.video, None, "no video for this chunk" if content.chunk is not None else "no video yet")
        self._tile(2, content.action_image, None, "no action images yet")
        self._plan_tile(content)
        self._time_bar(content)
        self._foot(content)
        return self._picture.copy()

    def _stale(self, part: str, key: object) -> bool:
        """Whether a part has to be drawn anew; key: all that its look depends on."""
        if part in self._drawn and self._drawn[part] == key:
            return False
        self._drawn[part] = key
        return True

    def _clear(self, top: int, height: int, left: int = 0, width: int = WIDTH) -> None:
        cv2.rectangle(self._picture, (left, top), (left + width - 1, top + height - 1), PAPER, cv2.FILLED)

    def _head(self, content: StripContent) -> None:
        if not self._stale("head", (content.state, content.reason, content.instruction, content.camera)):
            return
        self._clear(0, _HEAD)
        words = {"proposed": "WAITS FOR APPROVAL", "": "NO ARM STATE"}.get(content.state, content.state.upper())
        right = 12 + text_width(words, 0.6) + 12
        cv2.rectangle(self._picture, (4, 5), (right - 4, _HEAD - 6), state_colour(content.state), cv2.FILLED)
        write(self._picture, words, 12, 26, 0.6, (12, 12, 12))
        camera_at = WIDTH - 10 - text_width(content.camera, _LINE)
        write(self._picture, content.camera, camera_at, 25, _LINE, QUIET)
        left = right + 8
        room = camera_at - 16 - left
        said = f'"{content.instruction}"' if content.instruction else "no instruction"
        ends = write(self._picture, fitted(said, room, 0.6), left, 26, 0.6)
        room = camera_at - 16 - (ends + 14)
        if content.reason and room > 60:
            reason = fitted(content.reason, room, _LINE)
            write(self._picture, reason, ends + 14, 26, _LINE, state_colour(content.state))

    def _titles(self, content: StripContent) -> None:
        ahead = f" +{content.frame * content.chunk.dt:.1f} s" if content.chunk is not None else ""
        if not self._stale("titles", ahead):
            return
        self._clear(_HEAD, _TITLE)
        titles = ("observation", f"predicted video{ahead}", f"action image{ahead}", "")
        for index, title in enumerate(titles):
            write(self._picture, title, index * TILE + 8, _HEAD + 17, _LINE, QUIET)
        x = 3 * TILE + 8
        for word, colour in (("plan", certainty_colour(0.0)), ("and", QUIET), ("measured path", MEASURED)):
            x = write(self._picture, word, x, _HEAD + 17, _LINE, colour) + 6

    def _tile(self, index: int, image: Images | None, size: tuple[int, int] | None, missing: str) -> None:
        key = missing if image is None else (image.shape, size, zlib.crc32(image.tobytes()))
        if not self._stale(f"tile {index}", key):
            return
        x, y = tile_origin(index)
        target = self._picture[y : y + TILE, x : x + TILE]
        if image is None:
            target[:] = _EMPTY
            write(target, missing, (TILE - text_width(missing, _LINE)) // 2, TILE // 2, _LINE, QUIET)
        else:
            target[:] = _resized(centred_square(image, size or image.shape[:2]))
        target[:, -1] = PAPER

    def _plan_tile(self, content: StripContent) -> None:
        x, y = tile_origin(3)
        target = self._picture[y : y + TILE, x : x + TILE]
        if content.observation is None:
            target[:] = _EMPTY
        else:
            target[:] = _resized(centred_square(content.observation, content.size or content.observation.shape[:2]))
            target[:] = cv2.convertScaleAbs(target, alpha=0.75)  # lines stand out
        if content.K is None or content.world_from_camera is None or content.size is None:
            return
        view = _View(target, content.K, content.world_from_camera, content.size)
        view.path(content.measured, MEASURED)
        if content.chunk is not None:
            view.plan(content.chunk, content.frame)

    def _time_bar(self, content: StripContent) -> None:
        top = _HEAD + _TITLE + TILE + _GAP
        key = None if content.chunk is None else (id(content.chunk), content.chunk.stamp_ns, content.frame)
        if not self._stale("bar", key):
            return
        self._clear(top - _GAP, _GAP + _BAR + _GRIPPER + _GAP)  # the frame's ring stands out
        if content.chunk is None:
            return
        count, sigmas = len(content.chunk), content.chunk.sigma_position
        for frame in range(count):
            left, right = (4 + (WIDTH - 8) * f // count for f in (frame, frame + 1))
            colour = certainty_colour(float(sigmas[frame])) if content.chunk.valid[frame] else INVALID
            cv2.rectangle(self._picture, (left, top), (right - 3, top + _BAR - 4), colour, cv2.FILLED)
            seconds = f"{frame * content.chunk.dt:.1f}"
            if frame % max(1, count // 12) == 0 and text_width(seconds, 0.42) < right - left - 8:
                write(self._picture, seconds, left + 5, top + 14, 0.42, (12, 12, 12))
            self._gripper(content.chunk, frame, (left, right), top + _BAR)
        left, right = (4 + (WIDTH - 8) * f // count for f in (content.frame, content.frame + 1))
        cv2.rectangle(self._picture, (left - 1, top - 2), (right - 2, top + _BAR + _GRIPPER - 2), INK, 2)

    def _gripper(self, chunk: Chunk, frame: int, sides: tuple[int, int], top: int) -> None:
        """The gripper of one frame below its time; in words where it changes."""
        words = _gripper_words(chunk, frame)
        shade, ink = {"open": (_OPEN, (12, 12, 12)), "closed": (_CLOSED, INK)}.get(words, (INVALID, INK))
        left, right = sides
        cv2.rectangle(self._picture, (left, top), (right - 3, top + _GRIPPER - 4), shade, cv2.FILLED)
        before = _gripper_words(chunk, frame - 1) if frame else ""
        if words != before and text_width(words, 0.42) < right - left - 8:
            write(self._picture, words, left + 5, top + 12, 0.42, ink)

    def _foot(self, content: StripContent) -> None:
        words = _figures(content)
        if not self._stale("foot", (words, content.hint)):
            return
        top = HEIGHT - _FOOT
        self._clear(top, _FOOT)
        hint = fitted(content.hint, WIDTH // 2, _LINE)
        hint_at = WIDTH - 10 - text_width(hint, _LINE)
        x = 8
        for text, colour in words:
            room = hint_at - 20 - x
            if text_width(text, _LINE) > room:
                break
            x = write(self._picture, text, x, top + 20, _LINE, colour) + 18
        write(self._picture, hint, hint_at, top + 20, _LINE, BLOCKED if "stop" in hint else QUIET)


def _gripper_words(chunk: Chunk, frame: int) -> str:
    openness = float(chunk.openness[frame])
    return "" if not np.isfinite(openness) else "open" if openness > 0.5 else "closed"


def _figures(content: StripContent) -> tuple[tuple[str, Colour], ...]:
    """Certainty, gripper, agreement and age in words with their colours."""
    chunk = content.chunk
    if chunk is None:
        return (("no chunk yet", QUIET),)
    frame, words = content.frame, []
    sigma = float(chunk.sigma_position[frame])
    if chunk.valid[frame] and np.isfinite(sigma):
        words.append((f"certainty ±{1000 * sigma:.0f} mm", certainty_colour(sigma)))
    else:
        words.append(("not decoded", BLOCKED))
    certain = int(chunk.valid.sum())
    words.append((f"{certain} of {len(chunk)} frames valid", QUIET if certain == len(chunk) else BLOCKED))
    openness = float(chunk.openness[frame])
    if np.isfinite(openness):
        words.append(("gripper open" if openness > 0.5 else "gripper closed", _OPEN))
    if content.agreement_m is not None and np.isfinite(content.agreement_m):
        words.append((f"video–action {1000 * content.agreement_m:.0f} mm", certainty_colour(content.agreement_m / 2)))
    if content.age_s is not None:
        words.append((f"chunk {content.age_s:.1f} s old", QUIET))
    return tuple(words)


def _resized(image: Images) -> Images:
    mode = cv2.INTER_AREA if image.shape[0] > TILE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (TILE, TILE), interpolation=mode), dtype=np.uint8)


class _View:
    """A tile seen through one camera: draws points of the world."""

    def __init__(self, tile: Images, K: Floats, world_from_camera: Floats, size: tuple[int, int]) -> None:
        self._tile = np.ascontiguousarray(tile)
        self._target, self._E = tile, world_from_camera
        self._K = resize_intrinsics(K, TILE / size[1], TILE / size[0])

    def _pixels(self, points: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """px `[N, 2]` and whether each point is in front of the camera and not far out of its picture."""
        finite: npt.NDArray[np.bool_] = np.asarray(np.isfinite(points).all(axis=1))
        uv, depth = project(np.where(finite[:, None], points, 0.0), self._K, self._E)
        near: npt.NDArray[np.bool_] = np.asarray((np.abs(uv - TILE / 2) < 4 * TILE).all(axis=1))
        return uv, np.asarray(finite & (depth > 1e-3) & near, dtype=bool)

    def path(self, points: Floats, colour: Colour, thickness: int = 2) -> None:
        """A polyline through `[N, 3]` points; parts that the camera cannot see are left out."""
        if len(points) == 0:
            return
        uv, seen = self._pixels(points)
        pixels = np.round(np.where(seen[:, None], uv, 0.0)).astype(np.int32)
        for run in np.split(np.arange(len(points)), np.flatnonzero(~seen)):
            line = pixels[run[seen[run]]]
            moved = np.ones(len(line), dtype=bool)  # a thousand measured poses are a few dozen pixels
            moved[1:] = (np.diff(line, axis=0) != 0).any(axis=1)
            cv2.polylines(self._tile, [line[moved][:, None]], False, colour, thickness, cv2.LINE_AA)
        if seen[-1]:
            cv2.circle(self._tile, _point(uv[-1]), 3, colour, cv2.FILLED, cv2.LINE_AA)
        self._target[:] = self._tile

    def plan(self, chunk: Chunk, frame: int) -> None:
        """The planned path, each piece in the colour of its certainty, fading into the future; the played frame is
        ringed, a cross marks a closing gripper and a circle an opening one."""
        uv, seen = self._pixels(chunk.poses[:, :3])
        sigmas, count = chunk.sigma_position, len(chunk)
        seen &= chunk.valid
        for index in range(count - 1):
            if seen[index] and seen[index + 1]:
                colour = _faded(certainty_colour(float(sigmas[index + 1])), index / max(1, count - 1))
                cv2.line(self._tile, _point(uv[index]), _point(uv[index + 1]), colour, 3, cv2.LINE_AA)
        for switch in np.flatnonzero(np.diff(chunk.openness > 0.5)) + 1:
            if seen[switch]:
                x, y = _point(uv[switch])
                if chunk.openness[switch] > 0.5:
                    cv2.circle(self._tile, (x, y), 7, _OPEN, 2, cv2.LINE_AA)
                else:
                    cv2.drawMarker(self._tile, (x, y), _OPEN, cv2.MARKER_TILTED_CROSS, 13, 2, cv2.LINE_AA)
        if seen[frame]:
            cv2.circle(self._tile, _point(uv[frame]), 6, INK, 2, cv2.LINE_AA)
            cv2.circle(self._tile, _point(uv[frame]), 3, certainty_colour(float(sigmas[frame])), cv2.FILLED)
        self._target[:] = self._tile


def _point(uv: Floats) -> tuple[int, int]:
    return round(float(uv[0])), round(float(uv[1]))


def _faded(colour: Colour, part: float) -> Colour:
    strength = 1.0 - 0.45 * part
    red, green, blue = (round(strength * value) for value in colour)
    return red, green, blue
