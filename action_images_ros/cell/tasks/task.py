"""Base class of the tasks: object region, phrasings, success test.

A task adds its bodies to the scene before it is compiled (`build`), places and colours them from a seed (`place`),
watches for success at every control tick (`update`), may move its object as a push would (`disturb`), and names
its expert. Lengths in metres, world frame.
"""

from dataclasses import dataclass

import numpy as np

from .expert import Expert


@dataclass
class Progress:
    """Progress of an episode: seconds in the goal and at a wrong object, and the resulting outcomes, which stay."""

    held_seconds: float = 0.0
    wrong_seconds: float = 0.0
    succeeded: bool = False
    took_wrong_object: bool = False


@dataclass(frozen=True)
class Task:
    """Base of the tasks; `region` is the box the object is drawn from, low and high corner."""

    name: str
    phrasings: tuple[str, ...]
    region: tuple[tuple[float, float, float], tuple[float, float, float]]
    initial_openness: float
    expert: Expert
    hold_seconds: float = 0.0
    unseen_phrasings: tuple[str, ...] = ()
    """Never used in demonstrations; an evaluation may (see `conditions`)."""

    grasps = False
    """Whether the gripper opens and closes in this task."""

    def build(self, spec) -> None:
        """Adds the task's bodies to a `mujoco.MjSpec`."""
        raise NotImplementedError

    def place(self, model, data, rng: np.random.Generator, tcp: np.ndarray) -> dict[str, str]:
        """Draws the objects' places and colours; `tcp` [3] is where the arm starts.

        Returns the words that the phrasings name them by: "colour" of the object to deal with and, where there is one,
        "other" of the object it is brought to.
        """
        raise NotImplementedError

    def object_position(self, model, data) -> np.ndarray:
        """Position of the object to manipulate, [3]."""
        raise NotImplementedError

    def in_goal(self, cell) -> bool:
        """Whether the goal holds at this moment."""
        raise NotImplementedError

    def at_wrong_object(self, cell) -> bool:
        """Whether the arm is manipulating a different object than the named one."""
        return False

    def disturb(self, cell, rng: np.random.Generator) -> bool:
        """Moves the object a few centimetres, as a push would; False where that is not possible now."""
        raise NotImplementedError

    def update(self, cell, progress: Progress, period: float) -> None:
        """Called after every control tick of `period` seconds."""
        progress.held_seconds = progress.held_seconds + period if self.in_goal(cell) else 0.0
        if progress.held_seconds > max(self.hold_seconds - 1e-9, 0.0):
            progress.succeeded = True
        progress.wrong_seconds = progress.wrong_seconds + period if self.at_wrong_object(cell) else 0.0
        if progress.wrong_seconds > max(self.hold_seconds - 1e-9, 0.0) and not progress.succeeded:
            progress.took_wrong_object = True

    def instruction(self, rng: np.random.Generator, words: dict[str, str], unseen: bool = False) -> str:
        """One of the (unseen) phrasings with the objects' names in it."""
        return str(rng.choice(self.unseen_phrasings if unseen else self.phrasings)).format(**words)

    def _draw(self, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(*np.array(self.region))

    def _shifted(self, rng: np.random.Generator, position: np.ndarray, low: float, high: float) -> np.ndarray:
        """A point of the region between `low` and `high` metres from `position` where there is one."""
        candidate = position
        for _ in range(200):
            candidate = self._draw(rng)
            if low <= np.linalg.norm(candidate - position) <= high:
                break
        return candidate


def scatter(rng: np.random.Generator, count: int, low, high, taken: list[np.ndarray], gap: float) -> list[np.ndarray]:
    """`count` points of the box `low`..`high`, each at least `gap` metres from the others and from `taken`."""
    points: list[np.ndarray] = []
    while len(points) < count:
        for _ in range(500):
            candidate = rng.uniform(low, high)
            if all(np.linalg.norm(candidate - other) >= gap for other in [*taken, *points]):
                points.append(candidate)
                break
        else:
            points.clear()
            gap *= 0.97
    return points
