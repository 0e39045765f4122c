"""Self-calibration in the simulated cell: by a calibration motion before the episode, or while the arm works."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..calibration.motion import calibration_path, calibration_places
from ..calibration.results import CORRECTED, RigResult
from ..calibration.watch import CORRECT, CameraWatch
from ..cell.cell import Cell
from ..cell.scene.conditions import BUMP_SECONDS, Condition
from ..cell.tasks.expert import tool_down
from ..control.chunk import Chunk
from ..environments.protocol import Environment
from ..labelling.camera_check import PERIOD_S, frames_of
from ..labelling.camera_reader import CameraReader, ToolFrames, calibrate_frames
from ..policy.observation import Observation
from .chunk_sources import ModelSource, observe_cell
from .rollout import Source

__all__ = [
    "SELF_CALIBRATION",
    "SelfCalibratingSource",
    "bumped_view",
    "calibrate_cell",
    "frames_of",
    "record_calibration_motion",
    "summary_of",
    "tick_of",
    "use_result",
]

SELF_CALIBRATION = ("off", "online", "before")
BOX = ((0.29, -0.26, 0.12), (0.66, 0.26, 0.44))
"""Corners (m) of the box that the calibration motion stays in, above the objects of all tasks."""
FRAMES = 27
"""Frames read of a calibration motion: three windows."""
LINEAR_SPEED, ANGULAR_SPEED = 0.3, 1.0


def record_calibration_motion(
    cell: Cell, views: tuple[int, ...], size: tuple[int, int], frames: int = FRAMES
) -> ToolFrames:
    """Move the arm of a fresh cell through the poses of the calibration motion; record `frames` observations."""
    start = cell.tcp_pose
    heading = np.concatenate([start[:3], tool_down(0.0)])
    path = calibration_path(
        start,
        calibration_places(*BOX, heading),
        cell.control_period,
        linear_speed=LINEAR_SPEED,
        angular_speed=ANGULAR_SPEED,
    )
    look = set(np.linspace(0, len(path) - 1, frames).round().astype(int).tolist())
    seen = []
    for tick, pose in enumerate(path):
        if tick in look:
            seen.append(observe_cell(cell, views, size))
        cell.step(pose, cell.commanded_openness, cell.control_period)
    return frames_of(seen)


def calibrate_cell(
    model, task: str, seed: int, condition: Condition, views: tuple[int, ...], cameras: int = 3
) -> RigResult:
    """Calibrate the cameras of a seed with a calibration motion in a cell of its own, before its episode."""
    with Cell(task, seed, cameras=cameras, condition=condition) as cell:
        frames = record_calibration_motion(cell, views, model.card.image_size)
        told = None if condition.uncalibrated else cell.calibration[list(views)]
    return calibrate_frames(CameraReader(model), frames, told)[0]


def bumped_view(seed: int, views: tuple[int, ...]) -> int:
    """The camera that the condition `bumped` moves, of those used."""
    return int(np.random.default_rng([seed, 0xB0]).choice(views))


class SelfCalibratingSource(ModelSource):
    """A policy with online self-calibration of its cameras (`watch`); call `on_tick` every control tick.

    Frames since the last chunk are evaluated before the next prediction. While a camera pose is doubtful the source
    returns None, and `hold` holds the reason.
    """

    def __init__(
        self, model, views: tuple[int, ...], seed: int = 0, steps: int | None = None, *, mode: str = CORRECT
    ) -> None:
        super().__init__(model, views, seed, steps)
        self.mode = mode
        self.watch: CameraWatch | None = None
        self.hold = ""
        self.alarms: list[str] = []
        self._reader = CameraReader(model)
        self._frames: list[Observation] = []
        self._next_ns = 0

    def on_tick(self, cell: Cell | Environment) -> None:
        """Keep a frame every PERIOD_S."""
        if cell.time_ns >= self._next_ns:
            self._next_ns = cell.time_ns + round(PERIOD_S * 1e9)
            self._frames.append(observe_cell(cell, self.views, self.model.card.image_size))

    def __call__(self, cell: Cell | Environment) -> Chunk | None:
        observation = observe_cell(cell, self.views, self.model.card.image_size)
        begin = time.perf_counter()
        if not self._frames or self._frames[-1].stamp_ns != observation.stamp_ns:
            self._frames.append(observation)
        frames = frames_of(self._frames[-int(self.model.card.frames) :])
        self._frames.clear()
        if self.watch is None:
            self.watch = CameraWatch(frames.cameras, self.mode)
        told = observation.world_from_camera
        states = self.watch.add(self._reader.read(frames, self.watch.world_from_camera(told)), told)
        self.alarms += [f"{observation.stamp_ns * 1e-9:.1f} {state.name}" for state in states.values() if state.alarm]
        self.hold = self.watch.hold
        if self.hold:
            self.seconds.append(time.perf_counter() - begin)
            return None
        return self.predict(
            replace(observation, world_from_camera=self.watch.world_from_camera(told)),
            begin,
            cell.robot_tool_from_model_tool,
        )


def tick_of(cell: Cell, seed: int, views: tuple[int, ...], source: Source) -> Callable[[Cell], None] | None:
    """Callback for every control tick: the bump of the condition, the observations of a self-calibrating source."""
    bump = cell.condition.bump_metres > 0 or cell.condition.bump_radians > 0
    due = [bumped_view(seed, views)] if bump else []
    watched = source.on_tick if isinstance(source, SelfCalibratingSource) else None

    def on_tick(now: Cell) -> None:
        if due and now.time_ns >= BUMP_SECONDS * 1e9:
            now.bump_camera(due.pop())
        if watched is not None:
            watched(now)

    return on_tick if due or watched is not None else None


def summary_of(result: RigResult | None, source: Source) -> dict:
    """The row's columns of self-calibration: cameras corrected and by how much, problems, alarms."""
    if result is not None:
        return {
            "cameras_corrected": [c.name for c in result.cameras if c.verdict == CORRECTED],
            "moved_mm": [round(1e3 * c.workspace_m, 1) if np.isfinite(c.workspace_m) else None for c in result.cameras],
            "calibration_problems": list(result.problems)
            + [r for c in result.cameras for r in c.reasons if c.verdict == "refused"],
        }
    if not isinstance(source, SelfCalibratingSource) or source.watch is None:
        return {}
    watch = source.watch
    return {
        "cameras_corrected": [s.name for s in watch.states.values() if s.verdict == CORRECTED],
        "moved_mm": [round(1e3 * s.workspace_m, 1) for s in watch.states.values()],
        "alarms": source.alarms,
    }


def use_result(cell: Cell, views: tuple[int, ...], result: RigResult) -> None:
    """Use the estimated camera poses as the calibration of the episode."""
    told: npt.NDArray[np.float64] = cell.calibration.copy()
    for view, camera in zip(views, result.cameras, strict=True):
        if camera.world_from_camera is not None:
            told[view] = camera.world_from_camera
    cell.calibration = told
