"""Makes the tool follow targets by moving the mocap body that drags the hand along.

The drag is soft: at a steady speed the tool is LAG_STEPS behind the mocap body, in contact further. Runs in the
benchmarks' virtual environment: NumPy only.
"""

import numpy as np

STEP_MOST_M = 0.01
"""Mocap motion of an action of 1 in one step (the benchmark's `action_scale`)."""
LAG_STEPS = 3.5
"""Steps that the tool is behind the mocap body at a steady speed; measured at 0.4 and 0.8 m/s."""
SMOOTHING = 0.5
"""Share of a new target's motion in the velocity that the lag is made up for."""
PROPORTIONAL, INTEGRAL = 0.5, 0.2
"""Of the tool's distance from its target, per step; the integral is what pushes a door."""


class MocapFollower:
    """Where the mocap body goes while the tool `[3]` follows targets `[3]`, all in metres of one frame.

    begin(tool, mocap) before the first target; step() once per simulation step.
    """

    def __init__(self) -> None:
        self.target: np.ndarray | None = None

    def begin(self, tool: np.ndarray, mocap: np.ndarray) -> None:
        """The target is where the tool is, at rest."""
        self.target = np.array(tool)
        self._offset = mocap - tool
        self._velocity, self._integral = np.zeros(3), np.zeros(3)

    def end(self) -> None:
        """Something else moves the mocap body."""
        self.target = None

    def step(self, target: np.ndarray, tool: np.ndarray, mocap: np.ndarray) -> np.ndarray:
        """The motion `[3]` of the mocap body in this step, at most STEP_MOST_M along each axis."""
        error = self.target - tool
        self._velocity += SMOOTHING * (target - self.target - self._velocity)
        self.target = np.array(target)
        ahead = LAG_STEPS * self._velocity + PROPORTIONAL * error
        move = target + self._offset + ahead + self._integral + INTEGRAL * error - mocap
        # An axis that is at its limit already gathers nothing more: what it cannot do now it would overdo later.
        free = (np.abs(move) <= STEP_MOST_M) | (np.sign(move) != np.sign(error))
        self._integral += np.where(free, INTEGRAL * error, 0.0)
        return np.clip(move, -STEP_MOST_M, STEP_MOST_M)
