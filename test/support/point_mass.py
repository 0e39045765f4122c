"""Meta-World's server without Meta-World: the tool is a point mass, the seed draws the goal."""

import numpy as np

STEP_M = 0.01
HORIZON = 500
REACHED_M = 0.02


class PointMass:
    """Answers `call` as `servers/metaworld_server.py` does; the expert goes straight to the goal, closed."""

    def __init__(self, out_of_view=False):
        self.calls, self.out_of_view = [], out_of_view

    def call(self, method, **arguments):
        self.calls.append(method)
        return getattr(self, method)(**arguments)

    def open(self, task, expert, cameras, height, width):
        self.task, self.size, self.cameras = task, (height, width), cameras

    def reset(self, seed):
        rng = np.random.default_rng(seed)
        self.position = np.array([0.0, 0.6, 0.2])
        self.goal = rng.uniform([-0.1, 0.6, 0.05], [0.1, 0.8, 0.25])
        if self.out_of_view:
            self.goal = np.array([1.2, 0.6, 0.2])
        self.steps, self.won, self.effort = 0, False, 0.0
        return self.state()

    def step(self, position, effort, steps=1):
        for _ in range(steps):
            self.advance(np.asarray(position) - self.position, effort)
        return self.state()

    def expert(self, steps=1):
        efforts = []
        for _ in range(steps):
            efforts.append(self.expert_effort())
            self.advance(self.goal - self.position, efforts[-1])
        return self.state() | {"efforts": efforts}

    def expert_effort(self):
        return 0.6

    def render(self):
        return np.full((len(self.cameras), *self.size, 3), min(255, 40 + int(1000 * abs(self.goal[0]))), np.uint8)

    def close(self):
        pass

    def advance(self, way, effort):
        if self.steps >= HORIZON:
            return
        self.position = self.position + np.clip(way, -STEP_M, STEP_M)
        self.steps, self.effort = self.steps + 1, effort
        self.won |= bool(np.linalg.norm(self.goal - self.position) < REACHED_M)

    def state(self):
        tool = np.eye(4)
        tool[:3, :3] = np.diag([1.0, -1.0, -1.0])
        tool[:3, 3] = self.position
        return {
            "tool": tool,
            "steps": self.steps,
            "success": self.won,
            "finished": self.steps >= HORIZON,
            "effort": self.effort,
            "sum_reward": float(self.steps),
            "max_reward": 1.0,
        }
