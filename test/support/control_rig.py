"""Chunks and an ideal arm for the control tests; time is counted here, never slept."""

import numpy as np
from scipy.spatial.transform import Rotation

from action_images_ros.control.chunk import Chunk

DOWN = np.array([1.0, 0.0, 0.0, 0.0])
START = np.concatenate([[0.5, 0.0, 0.3], DOWN])
SECOND = 1_000_000_000
TICK = 10_000_000


def make_chunk(
    stamp_ns=0,
    start=(0.5, 0.0, 0.3),
    velocity=(0.1, 0.0, 0.0),
    turn=(0.0, 0.0, 0.0),
    frames=9,
    dt=0.2,
    openness=1.0,
    sigma=0.003,
):
    """A chunk that moves straight at `velocity` (m/s) and turns at `turn` (rad/s), all frames valid."""
    seconds = np.arange(frames) * dt
    poses = np.zeros((frames, 7))
    poses[:, :3] = np.asarray(start) + seconds[:, None] * np.asarray(velocity)
    poses[:, 3:] = (Rotation.from_rotvec(seconds[:, None] * np.asarray(turn)) * Rotation.from_quat(DOWN)).as_quat()
    return Chunk(
        stamp_ns,
        dt,
        poses,
        np.full(frames, float(openness)),
        np.repeat(sigma**2 * np.eye(6)[None], frames, axis=0),
        np.ones(frames, dtype=bool),
    )


def changed(chunk, **arrays):
    """The same chunk with other arrays; nothing of the original is shared."""
    fields = {
        "stamp_ns": chunk.stamp_ns,
        "dt": chunk.dt,
        "poses": chunk.poses,
        "openness": chunk.openness,
        "covariance": chunk.covariance,
        "valid": chunk.valid,
    }
    return Chunk(**{**fields, **arrays})


def sizes(poses, period_s):
    """Largest speed, acceleration and jerk, (linear, angular) each, of poses [N, 7] commanded one period apart."""
    poses = np.asarray(poses)
    turn = Rotation.from_quat(poses[1:, 3:]) * Rotation.from_quat(poses[:-1, 3:]).inv()
    steps = np.concatenate([np.diff(poses[:, :3], axis=0), turn.as_rotvec()], axis=1).reshape(-1, 2, 3)
    steps = np.concatenate([np.zeros((3, 2, 3)), steps])
    return [
        np.linalg.norm(np.diff(steps, n=order - 1, axis=0), axis=2).max(axis=0) / period_s**order for order in (1, 2, 3)
    ]


def check_law(poses, limits, period_s=0.01, tolerance=1e-5):
    """Assert that poses commanded one period apart, from rest, obey the limits; their sizes."""
    found = sizes(poses, period_s)
    allowed = (
        (limits.max_linear_speed, limits.max_angular_speed),
        (limits.max_linear_acceleration, limits.max_angular_acceleration),
        (limits.max_linear_jerk, limits.max_angular_jerk),
    )
    for name, size, bound in zip(("speed", "acceleration", "jerk"), found, allowed, strict=True):
        assert np.all(size <= np.array(bound) * (1 + tolerance)), f"{name} {size} beyond {bound}"
    assert limits.contains(np.asarray(poses)[:, :3]).all()
    return found


class Arm:
    """An arm that is where it was told to be one tick ago, driven by an executor at 100 Hz of simulated time."""

    def __init__(self, make_executor, pose=START):
        self.pose, self.now_ns, self.steady = np.array(pose), 0, 0.0
        self.commands, self.times = [], []
        self.executor = make_executor(lambda: self.steady)

    def tick(self, seconds=TICK * 1e-9):
        command = self.executor.command(self.now_ns, self.pose)
        self.commands.append(command)
        self.times.append(self.now_ns)
        if command.pose is not None:
            self.pose = command.pose.copy()
        self.now_ns += round(seconds * 1e9)
        self.steady += seconds
        return command

    def run(self, seconds):
        for _ in range(round(seconds * SECOND / TICK)):
            command = self.tick()
        return command

    def velocities(self):
        """Commanded velocities [N, 3] m/s over every tick on which a pose was commanded."""
        poses = np.array([command.pose for command in self.commands if command.pose is not None])
        return np.diff(poses[:, :3], axis=0) / (TICK * 1e-9)

    def angular_velocities(self):
        poses = np.array([command.pose for command in self.commands if command.pose is not None])
        turn = Rotation.from_quat(poses[1:, 3:]) * Rotation.from_quat(poses[:-1, 3:]).inv()
        return turn.as_rotvec() / (TICK * 1e-9)
