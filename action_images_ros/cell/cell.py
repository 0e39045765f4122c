"""The simulated work cell: a task, a seed, a Panda and cameras.

    cell = Cell("lift_block", seed=7)
    expert = cell.expert()
    while not cell.success():
        cell.step(*expert.target(cell), cell.control_period)
    images = cell.render()

World frame == robot base frame. All poses of this interface are of the ROBOT tool (Panda TCP: z along the approach,
y along the fingers' opening); `ROBOT_TOOL_FROM_MODEL_TOOL` leads to the model's tool frame. The same seed gives the
same images and the same motion.
"""

import atexit
import weakref

import numpy as np
from scipy.spatial.transform import Rotation

from ..geometry.camera import intrinsics_from_fovy
from ..geometry.pose import matrix_from_pose7
from ..gl import mujoco
from .arm import ArmController, ArmIndices
from .perturb import perturb
from .scene import unseen
from .scene.conditions import NOMINAL, Condition
from .scene.randomise import CameraView, draw_cameras, draw_lights, paint_room, place_cameras
from .scene.scene import JOINT_NAMES, MAX_CAMERAS, compile_scene
from .tasks.expert import Expert, tool_down
from .tasks.registry import find_task
from .tasks.task import Progress, Task

ROBOT_TOOL_FROM_MODEL_TOOL = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
"""[3, 3], constant: the model's x (finger opening) is the Panda TCP's y, z is shared."""
CONTROL_PERIOD = 0.02
"""Longest tick in seconds of the inverse kinematics."""
START_REGION = ((0.3, -0.25, 0.15), (0.6, 0.25, 0.4))
START_YAW = np.deg2rad(30)
START_TILT = np.deg2rad(6)
MIN_SIZE, MAX_SIZE = 16, 1280

_LOOKS, _LAYOUT, _START, _WORDS, _PUSHES = range(5)
_CAMERAS, _TEXTURES, _LIGHTS, _CALIBRATION, _BUMP = range(5, 10)
"""Streams of what a condition changes, each of its own: everything else stays that of the seed."""


class _Rig:
    """A compiled scene with everything that is costly to make; reused from cell to cell."""

    def __init__(self, task: Task):
        self.model = compile_scene(task.build)
        self.data = mujoco.MjData(self.model)
        self.arm = ArmController()
        self.indices = ArmIndices(self.model)
        self.renderers: dict[tuple[int, int], mujoco.Renderer] = {}
        _all_rigs.add(self)

    def renderer(self, size: tuple[int, int]):
        if size not in self.renderers:
            renderer = mujoco.Renderer(self.model, *size)
            renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
            self.renderers[size] = renderer
        return self.renderers[size]

    def close(self) -> None:
        for renderer in self.renderers.values():
            renderer.close()
        self.renderers.clear()


_idle_rigs: dict[str, list[_Rig]] = {}
_all_rigs: "weakref.WeakSet[_Rig]" = weakref.WeakSet()


@atexit.register
def release_rigs() -> None:
    """Forgets the scenes not in use and closes every renderer; runs by itself when the process ends."""
    _idle_rigs.clear()
    for rig in list(_all_rigs):
        rig.close()


class Cell:
    """One randomised instance of a task.

    task: a name in `TASKS`. seed: integer >= 0. image_size: (height, width) in pixels of `render`. cameras: 2-4.
    perturbed: start in a state that an expert was pushed into (see `perturb.py`). condition: differences from training
    (see `conditions.py`); unseen cameras replace the usual ones.
    Attributes: `instruction`, `words` (the names in it, see `Task.place`), `camera_names`, `K` [V, 3, 3] (integer pixel
    centres), `world_from_camera` [V, 4, 4] (OpenCV optical frames), `calibration` [V, 4, 4] (camera poses
    that the robot assumes: the same, except for a calibration error), `control_period` (s).
    Raises ValueError for an unknown task, a negative seed, sizes or camera counts out of range.
    """

    control_period = CONTROL_PERIOD
    robot_tool_from_model_tool = ROBOT_TOOL_FROM_MODEL_TOOL
    joint_names = JOINT_NAMES

    def __init__(
        self,
        task: str,
        seed: int,
        *,
        image_size=(192, 192),
        cameras: int = 3,
        perturbed: bool = False,
        condition: Condition = NOMINAL,
    ):
        self.condition = condition
        self._task = find_task(task)
        self.task, self.seed = task, _checked_int("seed", seed, 0, 2**63 - 1)
        cameras = _checked_int("cameras", cameras, 2, MAX_CAMERAS)
        height, width = (_checked_int("image_size", size, MIN_SIZE, MAX_SIZE) for size in image_size)
        self.image_size = (height, width)
        idle = _idle_rigs.setdefault(task, [])
        self._rig = idle.pop() if idle else _Rig(self._task)
        self._closed = False
        self.model, self.data = self._rig.model, self._rig.data
        self._randomise(cameras)
        if perturbed:
            perturb(self, self._task, self._rng(_PUSHES))
            self._start_clock()

    def _rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream, *self.task.encode()])

    def _randomise(self, cameras: int) -> None:
        looks, layout, start = self._rng(_LOOKS), self._rng(_LAYOUT), self._rng(_START)
        mujoco.mj_resetData(self.model, self.data)
        views = draw_cameras(looks, cameras)
        place_cameras(self.model, views)
        paint_room(self.model, looks)
        draw_lights(self.model, looks)
        views = self._change_looks() or views
        self.camera_names = [view.name for view in views]
        self.world_from_camera = np.stack([view.world_from_camera for view in views])
        self.K = np.stack([intrinsics_from_fovy(view.fovy, *self.image_size) for view in views])
        self.calibration = unseen.miscalibrated(
            self.world_from_camera,
            self._rng(_CALIBRATION),
            self.condition.calibration_metres,
            self.condition.calibration_radians,
        )
        if self.condition.uncalibrated:
            self.calibration = np.repeat(unseen.made_up_camera()[None], len(views), axis=0)

        position = start.uniform(*np.array(START_REGION))
        tilt = Rotation.from_rotvec([*start.uniform(-START_TILT, START_TILT, 2), 0.0])
        turn = tilt * Rotation.from_quat(tool_down(start.uniform(-START_YAW, START_YAW)))
        angles = self._rig.arm.reset(np.concatenate([position, turn.as_quat()]))
        self._openness_command = self._task.initial_openness
        self._rig.indices.place(self.data, angles, self._openness_command)
        self.words = self._task.place(self.model, self.data, layout, position)
        self.instruction = self._task.instruction(self._rng(_WORDS), self.words, self.condition.phrasings)
        mujoco.mj_forward(self.model, self.data)
        self._start_clock()

    def _change_looks(self) -> list[CameraView] | None:
        """What the condition changes of surfaces and lights; the cameras where it changes them."""
        if self.condition.textures:
            unseen.paint_unseen(self.model, self._rng(_TEXTURES))
        if self.condition.lights:
            unseen.draw_unseen_lights(self.model, self._rng(_LIGHTS))
        if not self.condition.cameras:
            return None
        views = unseen.draw_unseen_cameras(self._rng(_CAMERAS))
        place_cameras(self.model, views)
        return views

    def _start_clock(self) -> None:
        self.data.time = 0.0
        self._steps, self._due = 0, 0.0
        self._progress = Progress()

    # -- what the robot knows ------------------------------------------------------------------------------------

    @property
    def time_ns(self) -> int:
        """Simulated time since the start, nanoseconds."""
        return self._steps * round(self.model.opt.timestep * 1e9)

    @property
    def tcp_pose(self) -> np.ndarray:
        """Measured pose7 of the ROBOT tool."""
        return self._rig.indices.tcp_pose(self.data)

    @property
    def commanded_pose(self) -> np.ndarray:
        """Pose7 of the ROBOT tool that the arm is being commanded to."""
        return self._rig.arm.commanded_pose()

    @property
    def openness(self) -> float:
        """Measured opening of the fingers, 0 closed .. 1 open."""
        return self._rig.indices.openness(self.data)

    @property
    def commanded_openness(self) -> float:
        """Openness being commanded."""
        return self._openness_command

    @property
    def finger_speed(self) -> float:
        """Speed of the fingers' opening, m/s."""
        return float(self.data.qvel[self._rig.indices.dof[7:]].sum())

    @property
    def joint_positions(self) -> np.ndarray:
        """[9]: seven arm joints (rad) and two fingers (m), in the order of `joint_names`."""
        return self.data.qpos[self._rig.indices.qpos].copy()

    @property
    def object_position(self) -> np.ndarray:
        """[3], position of the object to manipulate (of a button its unpressed cap); for experts and success tests."""
        return self._task.object_position(self.model, self.data)

    # -- acting and looking --------------------------------------------------------------------------------------

    def step(self, target_pose7, openness: float, seconds: float) -> None:
        """Moves for `seconds` of simulated time towards `target_pose7` (ROBOT tool) with the gripper at `openness`.

        A target further away than the joints can go in that time is approached at their speed limit.
        Raises ValueError for a pose that is no 7 finite numbers with a quaternion, openness outside 0..1, time <= 0.
        """
        target = np.asarray(target_pose7, dtype=float)
        if target.shape != (7,) or not np.isfinite(target).all() or np.linalg.norm(target[3:]) < 1e-6:
            raise ValueError(f"target_pose7 is {target_pose7}; give 7 finite numbers, xyz and a quaternion xyzw")
        if not 0.0 <= openness <= 1.0:
            raise ValueError(f"openness is {openness}; give a number from 0 (closed) to 1 (open)")
        if not seconds > 0.0:
            raise ValueError(f"seconds is {seconds}; give a positive duration")
        target = np.concatenate([target[:3], target[3:] / np.linalg.norm(target[3:])])
        self._openness_command = float(openness)
        ticks = max(1, int(np.ceil(seconds / self.control_period - 1e-6)))
        for _ in range(ticks):
            self._tick(target, seconds / ticks)

    def _tick(self, target: np.ndarray, period: float) -> None:
        angles, velocities = self._rig.arm.track(target, period)
        self._rig.indices.command(self.data, angles, velocities, self._openness_command)
        self._due += period / self.model.opt.timestep
        steps = int(self._due + 1e-6)
        self._due -= steps
        mujoco.mj_step(self.model, self.data, steps)
        self._steps += steps
        self._task.update(self, self._progress, period)

    def success(self) -> bool:
        """Whether the task has been done since the start; stays true."""
        return self._progress.succeeded

    def took_wrong_object(self) -> bool:
        """Whether the policy manipulated a different object first."""
        return self._progress.took_wrong_object

    def expert(self) -> Expert:
        """The scripted expert of this task."""
        return self._task.expert

    def render(self) -> np.ndarray:
        """RGB images [V, H, W, 3] uint8 of all cameras at this moment."""
        renderer = self._rig.renderer(self.image_size)
        renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = self.condition.lights
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)
        images = np.empty((len(self.camera_names), *self.image_size, 3), np.uint8)
        for image, name in zip(images, self.camera_names, strict=True):
            renderer.update_scene(self.data, camera=name)
            renderer.render(out=image)
        return images

    def bump_camera(self, view: int) -> None:
        """Move a camera by the bump of the condition; `calibration` does not change."""
        moved = unseen.miscalibrated(
            self.world_from_camera[view : view + 1],
            self._rng(_BUMP),
            self.condition.bump_metres,
            self.condition.bump_radians,
        )[0]
        self.world_from_camera[view] = moved
        fovy = float(self.model.cam_fovy[self.model.camera(self.camera_names[view]).id])
        place_cameras(self.model, [CameraView(self.camera_names[view], moved, fovy)])

    def carry_camera(self, view: int, tool_from_camera: np.ndarray, fovy: float) -> None:
        """Puts a camera with this field of view (degrees) where the hand carries it now."""
        self.world_from_camera[view] = matrix_from_pose7(self.tcp_pose) @ tool_from_camera
        self.K[view] = intrinsics_from_fovy(fovy, *self.image_size)
        place_cameras(self.model, [CameraView(self.camera_names[view], self.world_from_camera[view], fovy)])

    def close(self) -> None:
        """Hands the compiled scene back for the next cell; the cell cannot be used any more."""
        if not self._closed:
            _idle_rigs.setdefault(self.task, []).append(self._rig)
            self._closed = True

    def __enter__(self) -> "Cell":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _checked_int(name: str, value, low: int, high: int) -> int:
    if isinstance(value, bool) or int(value) != value or not low <= value <= high:
        raise ValueError(f"{name} is {value}; give an integer from {low} to {high}")
    return int(value)


__all__ = ["CONTROL_PERIOD", "ROBOT_TOOL_FROM_MODEL_TOOL", "Cell", "release_rigs"]
