"""Meta-World behind `serve`: seeded resets, steps towards a tool position, calibrated views, the expert.

Runs in the benchmarks' virtual environment and imports nothing of this project. Seeding, horizon and success follow
LeRobot's Meta-World environment: `seeded_rand_vec`, `seed(s)` then `reset(seed=s)`, 500 steps, success at any step. The
goal is observable for the expert only.
"""

import os
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("LP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")  # the experts warn of clipped actions at every step

import metaworld.policies as experts  # noqa: E402
import mujoco  # noqa: E402
import numpy as np  # noqa: E402
from metaworld.env_dict import ENV_CLS_MAP  # noqa: E402

sys.path[:0] = [str(Path(__file__).resolve().parents[k] / name) for k, name in ((0, ""), (2, "child_process"))]

from mocap_follower import STEP_MOST_M, MocapFollower  # noqa: E402
from serve import serve  # noqa: E402

OVERSAMPLING = 2
"""Images are rendered this many times larger and averaged: smooth edges for a quarter more time."""


class MetaWorld:
    """One task at a time. Positions in metres in the benchmark's world frame, poses xyz and quaternion xyzw."""

    def __init__(self) -> None:
        self._env: Any = None
        self._expert: Any = None
        self._renderer: Any = None
        self._cameras: list[str] = []

    def tasks(self) -> list[str]:
        """Names of the installed benchmark's tasks."""
        return sorted(ENV_CLS_MAP)

    def open(self, task: str, expert: str, cameras: list[dict], height: int, width: int) -> None:
        """Compile a task and place its cameras.

        expert: class name in `metaworld.policies`. cameras: name (one of the model's), position, quaternion wxyz of
        MuJoCo's camera frame, fovy (deg).
        """
        self.close()
        env = ENV_CLS_MAP[task]()
        env._set_task_called = True  # MT1 would draw and reset 50 goals first; `seeded_rand_vec` replaces them
        env._partially_observable = False
        env.__dict__.pop("sawyer_observation_space", None)
        env._freeze_rand_vec, env.seeded_rand_vec = False, True
        quality = env.model.vis.quality
        quality.offsamples = quality.shadowsize = 0
        for camera in cameras:
            view = env.model.camera(camera["name"])
            view.pos, view.quat, view.fovy = camera["position"], camera["quaternion_wxyz"], camera["fovy_deg"]
        self._env, self._expert = env, getattr(experts, expert)()
        self._cameras, self._size = [camera["name"] for camera in cameras], (height, width)

    def reset(self, seed: int) -> dict:
        """The initial state of a seed."""
        self._env.seed(seed)
        self._observation, _ = self._env.reset(seed=seed)
        self._success, self._effort = False, 0.0
        self._follower = MocapFollower()
        self._rewards: list[float] = []
        return self._state()

    def step(self, position: list, effort: float, steps: int = 1) -> dict:
        """Move the tool to `position` within `steps` steps, the gripper at `effort`; see `MocapFollower`."""
        goal, follower = np.asarray(position, dtype=float), self._follower
        if follower.target is None:
            follower.begin(self._tool()[:3, 3], self._env.data.mocap_pos[0])
        begin = follower.target
        for k in range(steps):
            target = begin + (goal - begin) * ((k + 1) / steps)
            move = follower.step(target, self._tool()[:3, 3], self._env.data.mocap_pos[0])
            self._advance(np.append(move / STEP_MOST_M, effort))
        return self._state()

    def expert(self, steps: int = 1) -> dict:
        """Let the benchmark's expert act for `steps` steps; `efforts` lists its gripper efforts."""
        efforts = []
        for _ in range(steps):
            if self._finished():
                break
            action = np.asarray(self._expert.get_action(self._observation), dtype=np.float64)
            efforts.append(float(action[3]))
            self._advance(action)
        self._follower.end()
        return self._state() | {"efforts": efforts}

    def expert_effort(self) -> float:
        """The gripper effort that the expert would command now."""
        return float(self._expert.get_action(self._observation)[3])

    def render(self) -> np.ndarray:
        """Images uint8 RGB `[V, H, W, 3]` without shadows and reflections."""
        height, width = self._size
        if self._renderer is None:
            self._renderer = mujoco.Renderer(self._env.model, height * OVERSAMPLING, width * OVERSAMPLING)
            for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
                self._renderer.scene.flags[flag] = 0
        images = np.empty((len(self._cameras), height, width, 3), np.uint8)
        for image, camera in zip(images, self._cameras, strict=True):
            self._renderer.update_scene(self._env.data, camera=camera)
            large = self._renderer.render().reshape(height, OVERSAMPLING, width, OVERSAMPLING, 3)
            image[:] = (large.sum(axis=(1, 3), dtype=np.uint16) + OVERSAMPLING) // OVERSAMPLING**2
        return images

    def close(self) -> None:
        """Free the task."""
        if self._renderer is not None:
            self._renderer.close()
        if self._env is not None:
            self._env.close()
        self._env = self._renderer = None

    def _advance(self, action: np.ndarray) -> None:
        if self._finished():
            return
        self._effort = float(action[3])
        self._observation, reward, _, _, info = self._env.step(action)
        self._rewards.append(float(reward))
        self._success |= bool(info["success"])

    def _finished(self) -> bool:
        return self._env.curr_path_length >= self._env.max_path_length

    def _tool(self) -> np.ndarray:
        """`[4, 4]` tool in world: origin between the fingertips, x from the left to the right one, z along the hand."""
        data = self._env.data
        left, right = data.site("leftEndEffector").xpos, data.site("rightEndEffector").xpos
        pose = np.eye(4)
        pose[:3, 3] = (left + right) / 2
        z = pose[:3, 3] - data.body("hand").xpos
        z = z / np.linalg.norm(z)
        x = (right - left) - ((right - left) @ z) * z
        x = x / np.linalg.norm(x)
        pose[:3, :3] = np.stack([x, np.cross(z, x), z], axis=1)
        return pose

    def _state(self) -> dict:
        return {
            "tool": self._tool(),
            "steps": int(self._env.curr_path_length),
            "success": self._success,
            "finished": self._finished(),
            "effort": self._effort,
            "sum_reward": sum(self._rewards),
            "max_reward": max(self._rewards, default=0.0),
        }


if __name__ == "__main__":
    serve(MetaWorld())
