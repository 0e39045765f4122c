"""`--env.type=action_images`: the environments of action_images_ros, with calibrated cameras, for `lerobot-eval`.

A step is one frame: the tool moves to a pose `[8]` (xyz, quaternion xyzw, openness) in `dt` seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.envs.configs import EnvConfig

from action_images_ros.environments.registry import find_benchmark
from action_images_ros.geometry.pose import to_model_tool, to_robot_tool

__all__ = ["ActionImagesEnv", "GymEnvironment"]

_ID = "action_images/Environment-v0"
_CELL_DT_S, _CELL_LIMIT_S = 0.2, 15.0


@EnvConfig.register_subclass("action_images")
@dataclass
class ActionImagesEnv(EnvConfig):
    """benchmark: "metaworld" (in a process of its own, `make benchmarks`) or "cell". task: one of its tasks. size: of
    the square images, px. Seeds are LeRobot's, `--seed` and on.
    """

    benchmark: str = "metaworld"
    task: str | None = "reach-v3"
    size: int = 96
    features: dict[str, PolicyFeature] = field(default_factory=dict)
    features_map: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.task:
            raise ValueError("task is missing; give one task of the benchmark")
        environment = GymEnvironment(self.benchmark, self.task, self.size)
        try:
            self.fps = round(1 / environment.dt_s)
            names = environment.camera_names
        finally:
            environment.close()
        self.features = {
            "action": PolicyFeature(FeatureType.ACTION, (8,)),
            "agent_pos": PolicyFeature(FeatureType.STATE, (8,)),
        } | {f"pixels/{name}": PolicyFeature(FeatureType.VISUAL, (self.size, self.size, 3)) for name in names}
        self.features_map = {"action": "action", "agent_pos": "observation.state"} | {
            f"pixels/{name}": f"observation.images.{name}" for name in names
        }

    @property
    def gym_id(self) -> str:
        """Registered below."""
        return _ID

    @property
    def gym_kwargs(self) -> dict[str, Any]:
        """Arguments of `GymEnvironment`."""
        return {"benchmark": self.benchmark, "task": self.task, "size": self.size}


class GymEnvironment(gym.Env):
    """An environment of action_images_ros with LeRobot's observations; reward 1 at success, which ends the episode."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}
    render_mode = "rgb_array"

    def __init__(self, benchmark: str, task: str, size: int = 96) -> None:
        if benchmark == "cell":
            from action_images_ros.environments.cell_environment import CellEnvironment  # MuJoCo

            self._environment = CellEnvironment(task, image_size=(size, size))
            self.dt_s, limit_s = _CELL_DT_S, _CELL_LIMIT_S
        else:
            found = find_benchmark(benchmark)
            chosen = found.select(task)
            if len(chosen) != 1:
                raise ValueError(f"task is {task!r}, which names {len(chosen)} tasks; give one")
            self._environment = found.make(chosen[0], (size, size))
            self.dt_s, limit_s = found.dt_s, found.time_limit_s
        self.task, self._max_episode_steps = task, round(limit_s / self.dt_s)
        self._views = range(min(2, len(self._environment.camera_names)))
        box = gym.spaces.Box
        names = self.camera_names
        self.action_space = box(-np.inf, np.inf, (8,), np.float32)
        self.observation_space = gym.spaces.Dict(
            {
                "pixels": gym.spaces.Dict({name: box(0, 255, (size, size, 3), np.uint8) for name in names}),
                "agent_pos": box(-np.inf, np.inf, (8,), np.float64),
                "robot_state": gym.spaces.Dict(
                    {
                        kind: gym.spaces.Dict({name: box(-np.inf, np.inf, (n, n), np.float64) for name in names})
                        for kind, n in (("intrinsics", 3), ("world_from_camera", 4))
                    }
                ),
            }
        )

    @property
    def camera_names(self) -> list[str]:
        """Of the views that are shown."""
        return [self._environment.camera_names[view] for view in self._views]

    @property
    def task_description(self) -> str:
        """The instruction of the present seed."""
        return self._environment.instruction

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """The seed's initial state; the next seed where None."""
        super().reset(seed=seed)
        self._environment.reset(self._environment.seed + 1 if seed is None else seed)
        self._steps = 0
        return self._observation(), {"is_success": False}

    def step(self, action: np.ndarray) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """One frame on."""
        action = np.asarray(action, dtype=np.float64)
        pose = np.append(action[:3], action[3:7] / np.linalg.norm(action[3:7]))
        robot = to_robot_tool(pose, self._environment.robot_tool_from_model_tool)
        self._environment.step(robot, float(np.clip(action[7], 0.0, 1.0)), self.dt_s)
        self._steps += 1
        success = bool(self._environment.success())
        over = self._environment.finished or self._steps >= self._max_episode_steps
        return self._observation(), float(success), success, over and not success, {"is_success": success}

    def render(self) -> np.ndarray:
        """The first view, RGB."""
        return self._environment.render()[0]

    def close(self) -> None:
        """End the simulator."""
        self._environment.close()

    def _observation(self) -> dict[str, Any]:
        environment = self._environment
        images = environment.render()
        pose = to_model_tool(environment.tcp_pose, environment.robot_tool_from_model_tool)
        shown = list(zip(self.camera_names, self._views, strict=True))
        return {
            "pixels": {name: images[view] for name, view in shown},
            "agent_pos": np.append(pose, environment.commanded_openness),
            "robot_state": {
                "intrinsics": {name: environment.K[view] for name, view in shown},
                "world_from_camera": {name: environment.calibration[view] for name, view in shown},
            },
        }


if _ID not in gym.registry:
    gym.register(
        _ID, entry_point=GymEnvironment, disable_env_checker=True, order_enforce=False
    )  # LeRobot reads attributes
