"""Whether the pictures of one camera can be believed, from the pixels and from where the arm says that it is.

Works on thumbnails, so that a picture costs less than a millisecond. A fixed camera is compared with what it showed
before: its background stays, its colours stay, and where the gripper is now something must look otherwise than when
the gripper was elsewhere. One that the arm carries is judged by its pixels alone.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from itertools import permutations

import cv2
import numpy as np
import numpy.typing as npt

from ..geometry.arrays import Bools, Floats, Images
from .thumbnails import BLOCK, Thumbnail, block_agreement, block_counts, edges

__all__ = ["COLOURS", "EXCHANGED", "FROZEN", "LATE", "MOVED", "HealthSettings", "PictureHealth", "ToolSight"]

DARK, FLAT, NOISE, FROZEN, LATE, TORN = "dark", "flat", "noise", "frozen", "late", "torn"
COLOURS, MOVED, EXCHANGED = "colours", "moved", "exchanged"


_ORDERS = tuple((list(order), "".join("rgb"[i] for i in order)) for order in list(permutations(range(3)))[1:])


@dataclass(frozen=True)
class HealthSettings:
    """Lengths in thumbnail px, brightness 0..255.

    dark, flat: brightest 1 % and standard deviation below these: no light, no texture. rough: share of noisy lines.
    travel_px, travel_m: a gripper that has moved so far must have changed the picture. patch_px, apart_px: half size of
    the place where the gripper must be seen, and how far it must have come to be looked for. same: change of that place
    that counts as none. steady: frames without change that make a pixel background. little: share of it that the arm
    may change.
    all_over, edges, pattern, row:
    shares of the background, of its edge blocks, of its textured blocks and of a row that change when another picture
    is shown. confirm: doubtful frames in a row before the gripper counts as missing. still_frames: equal pictures in
    a row of a camera that was never seen without noise.
    """

    dark: float = 24.0
    flat: float = 2.0
    rough: float = 0.4
    travel_px: float = 3.0
    travel_m: float = 0.03
    patch_px: int = 5
    apart_px: float = 9.0
    same: float = 8.0
    steady: int = 4
    little: float = 0.06
    all_over: float = 0.35
    edges: float = 0.5
    pattern: float = 0.4
    row: float = 0.5
    confirm: int = 2
    still_frames: int = 5


@dataclass(frozen=True)
class ToolSight:
    """Where the arm was when the picture was taken: position `[3]` m, and uv `[2]` px of the picture, None where the
    camera's place is not known. place: changes with the camera's place and with the arm's, where that jumps: what was
    seen under another one says nothing."""

    position: Floats
    uv: Floats | None = None
    place: int = 0


@dataclass
class _Background:
    """What a fixed camera shows, and for how many frames every pixel has done so."""

    colour: npt.NDArray[np.float32]
    age: npt.NDArray[np.int64]
    noise: float = 0.0


class PictureHealth:
    """Feed `add` with every picture of one camera; `kind` and `reason` are empty while it can be believed."""

    def __init__(self, name: str, settings: HealthSettings | None = None, *, fixed: bool = True) -> None:
        self.name, self.settings, self.fixed = name, settings or HealthSettings(), fixed
        self.kind = self.reason = ""
        self.forget()

    def forget(self) -> None:
        """Begin anew: the camera was given another place, or another scene is shown."""
        self.background: _Background | None = None
        self._textured = False
        self._equal = self._lively = self._place = 0
        self._last: Images | None = None
        self._last_key: int | None = None
        self._last_tool: ToolSight | None = None
        self.kind = self.reason = ""
        self._forget_tool()

    def _forget_tool(self) -> None:
        """Pictures seen before do not say any more where the arm was."""
        self._seen: OrderedDict[int, ToolSight] = OrderedDict()
        self._past: deque[tuple[Images, Floats]] = deque(maxlen=40)
        self._missing = 0

    def add(
        self, picture: Thumbnail, tool: ToolSight | None = None, others: dict[str, PictureHealth] | None = None
    ) -> str:
        """Judge the next picture; the reason for doubt, or an empty string. others: the other cameras' health."""
        self.kind, text = (
            self._alone(picture) or self._changed(picture, others or {}) or self._followed(picture, tool) or ("", "")
        )
        self.reason = f"{self.name}/image_raw {text}" if text else ""
        return self.reason

    def _alone(self, picture: Thumbnail) -> tuple[str, str] | None:
        """What can be said of a picture without any other."""
        s, colour = self.settings, picture.colour
        spread = float(cv2.meanStdDev(colour)[1].max())
        if np.count_nonzero(colour[::2, ::2].max(-1) >= s.dark) < 0.01 * colour[::2, ::2, 0].size:
            return DARK, "is dark; take the lens cap off, or give light"
        if picture.rough > s.rough:
            return NOISE, f"is noise in {100 * picture.rough:.0f} % of its lines; check the camera and its cable"
        if spread >= 2 * s.flat:
            self._textured = True
        elif spread < s.flat and self._textured:
            return FLAT, f"shows nothing any more (contrast {spread:.1f} of 255); check lens, cable and exposure"
        return None

    # The background of a fixed camera.

    def _changed(self, picture: Thumbnail, others: dict[str, PictureHealth]) -> tuple[str, str] | None:
        """Whether it is still the same camera at the same place."""
        if not self.fixed:
            return None
        now = picture.colour.astype(np.float32)
        past = self.background
        if past is None or past.colour.shape != now.shape:
            self.background = _Background(now, np.zeros(now.shape[:2], np.int64))
            return None
        found = self._exchanged_colours(now, past)
        if found is not None:
            return found
        ratio = np.median((now[::3, ::3] + 1) / (past.colour[::3, ::3] + 1), axis=(0, 1)).astype(np.float32)
        apart = np.asarray(cv2.absdiff(now / ratio, past.colour), dtype=np.float32)
        change = np.asarray(cv2.max(cv2.max(apart[..., 0], apart[..., 1]), apart[..., 2]), dtype=np.float32)
        limit = 2.5 + 4 * max(past.noise, min(_grain(apart[..., 1]), past.noise + 1.2))
        changed, steady = change > limit, past.age >= self.settings.steady
        found = self._another(now, past, change, limit, steady, others)
        if found is None:
            quiet = steady & ~changed
            if quiet.sum() > 100:
                past.noise = 0.8 * past.noise + 0.2 * float(change[quiet].mean())
            past.age = np.where(changed, 0, past.age + 1)
            past.colour = now
        return found

    def _another(
        self,
        now: npt.NDArray[np.float32],
        past: _Background,
        change: npt.NDArray[np.float32],
        limit: float,
        steady: Bools,
        others: dict[str, PictureHealth],
    ) -> tuple[str, str] | None:
        s, changed = self.settings, change > limit
        if steady.sum() < 0.05 * steady.size:
            return None
        all_over = float(changed[steady].mean())
        if all_over < s.little:
            return None
        by_row = block_counts(steady).sum(1)
        rows = np.where(by_row > now.shape[1] * 2, block_counts(steady & changed).sum(1) / np.maximum(by_row, 1), 0.0)
        step = edges(past.colour[..., 1])
        on_edge = steady & (step > max(10.0, 3 * limit))
        counts = block_counts(on_edge)
        judged = counts >= BLOCK // 2
        moved = block_counts(on_edge & (change > np.maximum(limit, 0.15 * step))) > 0.5 * counts
        edge_share = float(moved[judged].mean()) if judged.sum() >= 12 else 0.0
        if all_over <= s.all_over and edge_share <= s.edges and rows.max(initial=0.0) <= s.row:
            return None
        agreement = block_agreement(past.colour[..., 1], now[..., 1], texture=max(6.0, 2 * limit - 5.0))
        found = self._of_another(now, others)
        if found is not None:
            return found
        if rows.max(initial=0.0) > s.row and rows.min(initial=1.0) < 0.2 and not agreement > 0.95:
            return TORN, "is torn: some of its rows are of another picture; check the cable and the driver"
        if agreement > 1 - s.pattern:
            return None  # other light, the same background
        return MOVED, "shows another background than before; the camera was moved or covered: calibrate it anew"

    def _of_another(self, now: npt.NDArray[np.float32], others: dict[str, PictureHealth]) -> tuple[str, str] | None:
        """Whether this is the picture of another camera."""
        for name, other in others.items():
            if other.background is not None and other.background.colour.shape == now.shape:
                if block_agreement(other.background.colour[..., 1], now[..., 1]) > 1 - self.settings.pattern:
                    return EXCHANGED, f"shows what {name} showed; the cameras are exchanged: exchange names or plugs"
        return None

    def _exchanged_colours(self, now: npt.NDArray[np.float32], past: _Background) -> tuple[str, str] | None:
        """Judged by background pixels that would look otherwise with their channels exchanged."""
        steady = past.age[::2, ::2] >= self.settings.steady
        now, then = now[::2, ::2][steady], past.colour[::2, ::2][steady]
        if np.count_nonzero(np.abs(now - then).max(-1, initial=0.0) > 6.0) < 5:
            return None
        for order, told in _ORDERS:
            exchanged = now[:, order]
            telling = np.abs(then[:, order] - then).max(-1) > 12.0
            if np.count_nonzero(telling) >= 8:
                as_is, swapped = np.abs(now - then)[telling].max(-1), np.abs(exchanged - then)[telling].max(-1)
                again = self.kind == COLOURS and told in self.reason and np.mean(as_is < 0.5 * swapped) < 0.6
                if np.mean(swapped < 0.5 * as_is) > 0.6 or again:
                    return COLOURS, f"has exchanged colours ({told} for rgb); set the encoding that the camera sends"
        colourful = np.ptp(then, axis=-1) > 12.0
        if np.count_nonzero(colourful) >= 8 and np.ptp(now[colourful], axis=-1).mean() < 2.0:
            return COLOURS, "has lost its colours; check the camera's settings and encoding"
        return None

    # The arm in the picture.

    def _followed(self, picture: Thumbnail, tool: ToolSight | None) -> tuple[str, str] | None:
        """Whether the picture follows the arm's motion."""
        key = picture.key
        if self.fixed and tool is not None and tool.place != self._place:
            self._forget_tool()
            self._place = tool.place
        found = self._frozen(key, picture, tool)
        if tool is not None and tool.uv is not None and self.fixed:
            late = self._misses_gripper(picture, tool)
            self._missing = self._missing + 1 if late else 0
            if found is None and self._missing >= self.settings.confirm:
                found = (LATE, "does not show the gripper where the arm is; it is old, or pose or camera are wrong")
        return found

    def _frozen(self, key: int, picture: Thumbnail, tool: ToolSight | None) -> tuple[str, str] | None:
        s = self.settings
        equal = key == self._last_key
        self._equal = self._equal + 1 if equal else 0
        still = tool is not None and self._last_tool is not None and _metres(tool, self._last_tool) < 5e-4
        noisy = still and not equal and self._noisy(picture)
        self._lively = 0 if equal and self._lively < 20 else self._lively + noisy
        self._last, self._last_key, self._last_tool = picture.colour, key, tool
        if not self._textured:
            return None
        if self._lively >= 20 and self._equal >= s.still_frames:
            return FROZEN, "is frozen: the same pixels come with new stamps; restart the camera's driver"
        if tool is None:
            return None
        before = self._seen.setdefault(key, tool)
        if len(self._seen) > 1000:
            self._seen.popitem(last=False)
        if before is not tool and self._travelled(before, tool, picture):
            return FROZEN, "is a picture that came before, when the arm was elsewhere; restart the camera's driver"
        return None

    def _noisy(self, picture: Thumbnail) -> bool:
        """Whether the picture differs from the last one all over, which no arm does."""
        if self._last is None or self._last.shape != picture.colour.shape:
            return False
        return bool(np.mean(block_counts((self._last != picture.colour).any(-1)) > 0) > 0.5)

    def _travelled(self, before: ToolSight, now: ToolSight, picture: Thumbnail) -> bool:
        if before.uv is None or now.uv is None or not self.fixed:
            return _metres(before, now) > self.settings.travel_m
        size = np.array(picture.colour.shape[1::-1]) * picture.scale
        inside = [((uv >= 0) & (uv < size)).all() for uv in (before.uv, now.uv)]
        return any(inside) and bool(np.linalg.norm(now.uv - before.uv) > self.settings.travel_px * picture.scale)

    def _misses_gripper(self, picture: Thumbnail, tool: ToolSight) -> bool:
        """Whether the gripper's place looks as it did when the gripper was elsewhere."""
        s, colour = self.settings, picture.colour
        assert tool.uv is not None
        uv = (tool.uv + 0.5) / picture.scale - 0.5
        if not np.isfinite(uv).all():
            return False
        x, y = (int(round(float(value))) for value in uv)
        r, (height, width) = s.patch_px, colour.shape[:2]
        if not self._past or self._past[-1][0].shape != colour.shape:
            self._past.clear()
        missing = False
        if r <= x < width - r and r <= y < height - r:
            place = np.s_[y - r : y + r + 1, x - r : x + r + 1]
            elsewhere = [past[place] for past, at in self._past if np.linalg.norm(at - uv) >= s.apart_px]
            if elsewhere:
                change = np.abs(colour[place].astype(np.int16) - np.stack(elsewhere).astype(np.int16)).max(-1)
                most = np.sort(change.reshape(len(elsewhere), -1), axis=1)[:, -(change[0].size // 5) :].mean(1)
                noise = 0.0 if self.background is None else self.background.noise
                missing = bool(most.min() < s.same + 6 * noise)
        if not self._past or np.linalg.norm(self._past[-1][1] - uv) > 2.0:
            self._past.append((colour, uv))
        return missing


def _grain(difference: npt.NDArray[np.float32]) -> float:
    """Noise of a difference of two pictures: what its neighbouring pixels do not share."""
    return float(np.median(np.abs(difference[::2, 1:] - difference[::2, :-1])))


def _metres(first: ToolSight, second: ToolSight) -> float:
    return float(np.linalg.norm(first.position - second.position))
