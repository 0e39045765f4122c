"""Meta-World (MT50): the benchmark in its own process, seen through two calibrated views in the robot's base frame.

Base frame: x forward, y left, z up; the benchmark's world turned by a quarter about z. The tool frame is the model's:
origin between the fingertips, x from the left to the right fingertip, z along the hand. The benchmark fixes the tool's
rotation, so only the position of a commanded pose acts. Openness 1 and 0 are the two gripper efforts of the task's
expert.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from scipy.spatial.transform import Rotation

from ..geometry.camera import intrinsics_from_fovy
from ..geometry.pose import pose7_from_matrix
from .child import Child, benchmarks_python
from .protocol import Environment

__all__ = ["DT_S", "HORIZON_S", "MT10", "STEP_S", "TASKS", "VIEWS", "MetaWorldEnvironment", "MetaWorldTask", "View"]

STEP_S = 0.0125
"""Duration of one environment step (80 Hz)."""
HORIZON_S = 500 * STEP_S
"""An episode has at most 500 steps."""
DT_S = 0.05
"""Seconds between recorded frames: the experts move at 0.8 m/s, so that the cell's 0.2 s would be 16 cm."""
BASE_FROM_WORLD = np.array([[0.0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
"""`[4, 4]`: the benchmark's robot stands at the world's origin and faces +y."""
_GL_FROM_OPTICAL = np.diag([1.0, -1.0, -1.0])
_SERVER = Path(__file__).resolve().parent / "servers/metaworld_server.py"


@dataclass(frozen=True)
class MetaWorldTask:
    """A task: efforts are those of an open and a closed gripper; group is LeRobot's group of difficulty."""

    name: str
    instruction: str
    group: str
    expert: str
    efforts: tuple[float, float]

    def effort(self, openness: float) -> float:
        """Gripper effort of an openness."""
        return self.efforts[0] if openness > 0.5 else self.efforts[1]

    def openness(self, effort: float) -> float:
        """Openness (0 or 1) of a gripper effort; of a task with one effort only, 1 where that does not close."""
        threshold = sum(self.efforts) / 2 if self.efforts[0] != self.efforts[1] else 0.0
        return 1.0 if effort <= threshold else 0.0


@dataclass(frozen=True)
class View:
    """A static camera: the name of one of the benchmark's cameras, position and target in its world (m), fovy (deg)."""

    name: str
    position: tuple[float, float, float]
    target: tuple[float, float, float] = (0.0, 0.65, 0.12)
    fovy_deg: float = 60.0

    def world_from_camera(self) -> npt.NDArray[np.float64]:
        """`[4, 4]` of the OpenCV optical frame in the benchmark's world."""
        forward = np.subtract(self.target, self.position)
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        pose = np.eye(4)
        pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
        pose[:3, 3] = self.position
        return pose

    def as_camera(self) -> dict[str, object]:
        """What the server places."""
        turn = Rotation.from_matrix(self.world_from_camera()[:3, :3] @ _GL_FROM_OPTICAL).as_quat()
        return {
            "name": self.name,
            "position": list(self.position),
            "fovy_deg": self.fovy_deg,
            "quaternion_wxyz": [float(turn[i]) for i in (3, 0, 1, 2)],
        }


VIEWS = (View("corner2", (0.75, 0.075, 0.7)), View("corner", (-0.85, 0.25, 0.75)))
"""Two static views of our own (the published results use one, uncalibrated)."""


@lru_cache(maxsize=1)
def _table() -> dict:
    return yaml.safe_load(files(__package__).joinpath("metaworld_tasks.yaml").read_text())


TASKS: dict[str, MetaWorldTask] = {
    name: MetaWorldTask(name, row["instruction"], row["group"], row["expert"], tuple(row["efforts"]))
    for name, row in _table()["tasks"].items()
}
MT10: tuple[str, ...] = tuple(_table()["mt10"])


class MetaWorldEnvironment(Environment):
    """One task, reset to seeds; the interface of `environments.protocol.Environment`.

    image_size: (height, width) px of the rendered views. Raises ValueError for an unknown task and
    BenchmarkNotInstalledError where the benchmark is missing.
    """

    control_period = STEP_S
    benchmark = "metaworld"
    robot_tool_from_model_tool = np.eye(3)

    def __init__(
        self,
        task: str,
        seed: int = 0,
        *,
        image_size: tuple[int, int] = (96, 96),
        views: tuple[View, ...] = VIEWS,
        child: Child | None = None,
    ) -> None:
        self._task = TASKS[task]
        self.task, self.instruction, self.image_size = task, self._task.instruction, image_size
        self.camera_names = [view.name for view in views]
        self.K = np.stack([intrinsics_from_fovy(view.fovy_deg, *self.image_size) for view in views])
        self.world_from_camera = np.stack([BASE_FROM_WORLD @ view.world_from_camera() for view in views])
        self.calibration = self.world_from_camera
        self._own = child is None
        self._child = child or start_child()
        self._child.call(
            "open",
            task=task,
            expert=self._task.expert,
            cameras=[view.as_camera() for view in views],
            height=self.image_size[0],
            width=self.image_size[1],
        )
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """The seed's initial state (LeRobot's seeding)."""
        self.seed = int(seed)
        self._openness = self._task.openness(self._task.efforts[0])
        self._take(self._child.call("reset", seed=self.seed))

    def _take(self, state: dict) -> dict:
        self._state = state
        return state

    @property
    def time_ns(self) -> int:
        """Simulated time since the reset, ns."""
        return round(self._state["steps"] * STEP_S * 1e9)

    @property
    def tcp_pose(self) -> npt.NDArray[np.float64]:
        """Measured `[7]` pose of the tool in the base frame."""
        return pose7_from_matrix(BASE_FROM_WORLD @ self._state["tool"])

    @property
    def commanded_openness(self) -> float:
        """Openness being commanded, 0 or 1."""
        return self._openness

    @property
    def finished(self) -> bool:
        """Whether the benchmark's 500 steps are over."""
        return bool(self._state["finished"])

    @property
    def sum_reward(self) -> float:
        """Sum of the benchmark's rewards since the reset."""
        return float(self._state["sum_reward"])

    @property
    def max_reward(self) -> float:
        """Largest of the benchmark's rewards since the reset."""
        return float(self._state["max_reward"])

    def step(self, target_pose7: npt.ArrayLike, openness: float, seconds: float = STEP_S) -> None:
        """Move the tool towards a pose `[7]` (base frame) for whole steps of 12.5 ms, the gripper at an openness.

        Raises ValueError for a pose that is not finite, openness outside 0..1 or a time below one step.
        """
        target = np.asarray(target_pose7, dtype=np.float64)
        if target.shape != (7,) or not np.isfinite(target).all():
            raise ValueError(f"target_pose7 is {target.tolist()}; give 7 finite numbers, xyz and a quaternion xyzw")
        if not 0.0 <= openness <= 1.0:
            raise ValueError(f"openness is {openness}; give a number from 0 (closed) to 1 (open)")
        steps = round(seconds / STEP_S)
        if steps < 1 or abs(steps * STEP_S - seconds) > 1e-6:
            raise ValueError(f"seconds is {seconds}; give a multiple of {STEP_S} s, one step of the benchmark")
        self._openness = float(openness > 0.5)
        position = (BASE_FROM_WORLD[:3, :3].T @ target[:3]).tolist()
        self._take(self._child.call("step", position=position, effort=self._task.effort(openness), steps=steps))

    def expert_openness(self) -> float:
        """Openness that the benchmark's expert would command now."""
        return self._task.openness(self._child.call("expert_effort"))

    def step_expert(self, steps: int) -> None:
        """Let the benchmark's expert act for so many steps."""
        efforts = self._take(self._child.call("expert", steps=steps))["efforts"]
        if efforts:
            self._openness = self._task.openness(efforts[-1])

    def success(self) -> bool:
        """Whether the benchmark's success test held at any step since the reset."""
        return bool(self._state["success"])

    def took_wrong_object(self) -> bool:
        """False: the benchmark does not tell objects apart."""
        return False

    def render(self) -> npt.NDArray[np.uint8]:
        """RGB images `[V, H, W, 3]` of this moment."""
        return self._child.call("render")

    def close(self) -> None:
        """End the process, where it is this environment's own."""
        if self._own:
            self._child.close()

    def __enter__(self) -> MetaWorldEnvironment:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start_child() -> Child:
    """A server process, for several environments one after another."""
    from ..gl import choose_backend

    backend = choose_backend()
    return Child(benchmarks_python("metaworld"), _SERVER, {"MUJOCO_GL": backend} if backend else None)
