"""Watches the cameras of a running arm: says when one is wrong or has moved, and what to use instead.

Fed with a few frames at a time (those since the last chunk). Per camera it keeps a history of readings, an estimate and
a state. In mode `check` nothing is changed: an offset is said, a sudden move holds the arm. In mode `correct` the
estimate is used where it is certainly better than what was given; a given calibration that is right is left alone, even
where the reader itself is off (foreign light): see the gates in `estimate.Settings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ..geometry.pose import rotation_angle
from .differences import camera_difference, workspace_shift
from .estimate import judge_camera, solve_view
from .readings import Readings, join
from .resection import Prior
from .results import CORRECTED, GOOD, REFUSED, CameraResult, Settings

__all__ = ["CHECK", "CORRECT", "MODES", "OFF", "CameraState", "CameraWatch", "WatchSettings", "common_shift"]

OFF, CHECK, CORRECT = "off", "check", "correct"
MODES = (OFF, CHECK, CORRECT)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WatchSettings:
    """estimate: gates and priors. alarm_px: a common shift of the points against the present estimate that means a move
    (px of a 96 px picture); alarm_frames: in so many frames at least. first_px: what a first correction from a single
    place needs. opened_m, opened_rad: prior after a move. sane_sigmas: farthest from the given calibration, in sigmas
    of the prior, that is corrected without asking. freeze_s: two moves of a camera within this time freeze it.
    least_m: less at the workspace than this is no move, nor (mode check) a reason to hold. keep_frames: newest
    frames kept. usable_share: fewer usable frames than this of the newest ones: not judged."""

    estimate: Settings = field(default_factory=lambda: Settings(min_frames=1))
    alarm_px: float = 1.2
    alarm_frames: int = 3
    first_px: float = 1.6
    opened_m: float = 0.05
    opened_rad: float = float(np.deg2rad(4.0))
    sane_sigmas: float = 3.0
    freeze_s: float = 3.0
    least_m: float = 0.012
    keep_frames: int = 60
    usable_share: float = 0.5


@dataclass(frozen=True)
class CameraState:
    """What is known of one camera now. verdict: good, corrected or refused; reason in words, "" where there is nothing
    to say. shift_px: common shift of the newest readings against the estimate (nan: not judged); workspace_m: from the
    given calibration to the estimate. alarm: the newest frames show that the camera was moved (or the reader was
    fooled); moved: so, and it is not corrected: hold. covariance `[6, 6]` of a corrected camera, zero where the given
    calibration is used."""

    name: str
    verdict: str
    reason: str
    world_from_camera: Floats
    covariance: Floats
    shift_px: float = float("nan")
    workspace_m: float = 0.0
    moved: bool = False
    alarm: bool = False
    frames: int = 0


def common_shift(readings: Readings, view: int, world_from_camera: Floats) -> tuple[float, float]:
    """The shift (px) that all points of one camera share, read minus expected, weighted median per coordinate; and the
    median distance of the points from it. nan without frames."""
    used = readings.used[view]
    if not used.any():
        return float("nan"), float("nan")
    expected = readings.select(used).expected(np.repeat(world_from_camera[None], len(readings.cameras), 0))[view]
    error = (readings.uv[view, used] - expected).reshape(-1, 2)
    weight = np.tile([1.0, 0.8, 3.0], int(used.sum()))  # about the inverse variances of the three points
    shift = np.array([_weighted_median(error[:, axis], weight) for axis in (0, 1)])
    return float(np.linalg.norm(shift)), float(np.median(np.linalg.norm(error - shift, axis=1)))


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


@dataclass
class _Camera:
    told: Floats
    estimate: Floats
    covariance: Floats
    verdict: str = GOOD
    reason: str = ""
    since_ns: int = 0  # frames before this were of another place of the camera
    alarms_ns: list[int] = field(default_factory=list)
    frozen: bool = False
    opened: bool = False
    workspace_m: float = 0.0
    baseline: list[Floats] = field(default_factory=list)


class CameraWatch:
    """Feed `add`; then `states` says what to think of each camera and `cameras` where they are."""

    def __init__(self, cameras: Sequence[str], mode: str = CHECK, settings: WatchSettings = WatchSettings()) -> None:
        if mode not in MODES:
            raise ValueError(f"self_calibration is {mode!r}; choose one of {', '.join(MODES)}")
        self.names, self.mode, self.settings = tuple(cameras), mode, settings
        self._history: Readings | None = None
        self._cameras: dict[str, _Camera] = {}
        self.states: dict[str, CameraState] = {}

    def reset(self) -> None:
        """Forget everything: a new calibration was given."""
        self._history = None
        self._cameras.clear()
        self.states.clear()

    def world_from_camera(self, told: npt.ArrayLike) -> Floats:
        """Cameras `[V, 4, 4]` to use where `told` is given: the corrected ones in mode `correct`, else as told."""
        told = np.array(told, dtype=np.float64)
        if self.mode == CORRECT:
            for view, name in enumerate(self.names):
                camera = self._cameras.get(name)
                if camera is not None and camera.verdict == CORRECTED and _same(camera.told, told[view]):
                    told[view] = camera.estimate
        return told

    @property
    def hold(self) -> str:
        """Why the arm must not move, in words; "" where it may."""
        return "; ".join(state.reason for state in self.states.values() if state.moved)

    def add(self, readings: Readings, told: npt.ArrayLike) -> dict[str, CameraState]:
        """Take the newest frames of all cameras and the given calibration `[V, 4, 4]`; the state of each camera."""
        if self.mode == OFF or not len(readings):
            return self.states
        told = np.asarray(told, dtype=np.float64)
        if self._history is not None and (
            readings.stamps_ns[0] < self._history.stamps_ns[-1]  # time jumped back
            or readings.size != self._history.size
            or not np.allclose(readings.K, self._history.K, rtol=1e-3)
        ):
            self.reset()
        self._history = readings if self._history is None else join([self._history, readings])
        if len(self._history) > self.settings.keep_frames:
            self._history = self._history.select(
                np.arange(len(self._history) - self.settings.keep_frames, len(self._history))
            )
        for view, name in enumerate(self.names):
            camera = self._cameras.get(name)
            if camera is None or not _same(camera.told, told[view]):
                camera = self._cameras[name] = _Camera(
                    told[view].copy(), told[view].copy(), np.zeros((6, 6)), since_ns=int(readings.stamps_ns[0])
                )
            self.states[name] = self._update(view, name, camera, readings)
        return self.states

    def _update(self, view: int, name: str, camera: _Camera, newest: Readings) -> CameraState:
        settings, unit = self.settings, newest.unit
        used = newest.used[view]
        shift, scatter = common_shift(newest, view, camera.estimate)
        if used.mean() < settings.usable_share:
            return self._state(
                name,
                camera,
                shift,
                f"{name}: {int(used.sum())} of {len(used)} frames can be read; it is not judged",
                moved=False,
            )
        moved = self._moved(view, camera, newest, shift, scatter)
        before = camera.estimate
        if moved:
            camera.since_ns, camera.opened = int(newest.stamps_ns[0]), True
            camera.baseline.clear()
        else:
            camera.baseline.append(self._offsets(view, camera.told, newest))
        if not camera.frozen:
            self._estimate(view, name, camera)
        moved = moved and self._confirmed(view, camera, before, newest)
        reason = camera.reason
        if camera.frozen:
            reason = (
                f"{name} seems to move again and again; it is kept as it last was certain: check its mount, then "
                "calibrate"
            )
        elif moved:
            metres = camera.workspace_m if self.mode == CORRECT else shift / unit * 0.009
            reason = f"camera {name} has moved by about {1000 * metres:.0f} mm at the workspace: recalibrate"
        held = camera.frozen or moved and (self.mode == CHECK or camera.verdict != CORRECTED)
        return self._state(name, camera, shift, reason, moved=held, alarm=moved)

    def _offsets(self, view: int, told: Floats, newest: Readings) -> Floats:
        """Mean read minus expected `[2]` px under the given calibration."""
        expected = newest.expected(np.repeat(told[None], len(self.names), 0))[view]
        return np.median((newest.uv[view] - expected)[newest.used[view]].reshape(-1, 2), axis=0)

    def _moved(self, view: int, camera: _Camera, newest: Readings, shift: float, scatter: float) -> bool:
        """A jump: the newest frames lie off the estimate and off what this camera showed before."""
        settings, unit = self.settings, newest.unit
        if newest.used[view].sum() < settings.alarm_frames or shift < settings.alarm_px * unit:
            return False
        if scatter > settings.estimate.residual_px * unit or not camera.baseline:
            return False  # the reader is lost, or the camera was so from the start: no move
        jump = self._offsets(view, camera.told, newest) - np.median(camera.baseline[-6:], axis=0)
        return bool(np.linalg.norm(jump) > settings.alarm_px * unit)

    def _confirmed(self, view: int, camera: _Camera, before: Floats, newest: Readings) -> bool:
        """Whether the newest frames alone place the camera elsewhere; two such moves in a short time freeze it."""
        settings, now_ns = self.settings, int(newest.stamps_ns[-1])
        if camera.verdict != REFUSED:
            points = newest.points[newest.used[view]]
            _, metres = workspace_shift(newest.K[view], before, camera.estimate, points)
            if metres < settings.least_m:
                return False
        recent = [stamp for stamp in camera.alarms_ns if now_ns - stamp <= settings.freeze_s * 1e9]
        camera.alarms_ns = [*recent, now_ns]
        camera.frozen = camera.frozen or bool(recent)
        return True

    def _estimate(self, view: int, name: str, camera: _Camera) -> None:
        """Solve the camera anew from the frames since it last moved, and judge it by the gates."""
        settings, history = self.settings, self._history
        assert history is not None
        frames = history.select(history.stamps_ns >= camera.since_ns)
        if not frames.used[view].any():
            return
        gates = settings.estimate
        if camera.opened:
            gates = replace(gates, position_m=settings.opened_m, rotation_rad=settings.opened_rad)
        single = frames.span_m(view) < gates.min_span_m
        gates = replace(gates, min_span_m=0.0, shift_px=settings.first_px if single else gates.shift_px)
        fit = solve_view(frames, view, Prior(camera.told, gates.position_m, gates.rotation_rad), gates)
        result = judge_camera(frames, view, camera.told, fit, gates)
        result = self._sane(result, gates)
        camera.workspace_m = result.workspace_m if np.isfinite(result.workspace_m) else 0.0
        if result.verdict == CORRECTED and fit is not None:
            camera.estimate, camera.covariance = fit.world_from_camera, fit.covariance
        elif result.verdict == GOOD:
            camera.estimate, camera.covariance = camera.told.copy(), np.zeros((6, 6))
        elif camera.verdict == CORRECTED and not camera.opened:
            return  # one doubtful moment does not undo a correction
        camera.verdict = result.verdict
        camera.reason = "" if result.verdict == GOOD else f"{name}: {'; '.join(result.reasons)}"

    def _sane(self, result: CameraResult, gates: Settings) -> CameraResult:
        far = max(result.moved_m / gates.position_m, result.moved_rad / gates.rotation_rad)
        if result.verdict != CORRECTED or far <= self.settings.sane_sigmas:
            return result
        return replace(
            result,
            verdict=REFUSED,
            reasons=(
                f"{1000 * result.moved_m:.0f} mm and {np.rad2deg(result.moved_rad):.1f} deg from the given calibration "
                "is too much to correct while the arm works; run action-images calibrate",
            ),
        )

    def _state(
        self, name: str, camera: _Camera, shift: float, reason: str, *, moved: bool, alarm: bool = False
    ) -> CameraState:
        corrected = self.mode == CORRECT and camera.verdict == CORRECTED
        return CameraState(
            name,
            camera.verdict,
            reason,
            camera.estimate if corrected else camera.told,
            camera.covariance if corrected else np.zeros((6, 6)),
            shift,
            camera.workspace_m,
            moved,
            alarm,
            0 if self._history is None else int(self._history.used[self.names.index(name)].sum()),
        )


def _same(first: Floats, second: Floats) -> bool:
    """Whether two given places of a camera are the same one (0.1 mm, 0.01 deg)."""
    metres, _ = camera_difference(first, second)
    return metres < 1e-4 and float(rotation_angle(first[:3, :3], second[:3, :3])) < 2e-4
