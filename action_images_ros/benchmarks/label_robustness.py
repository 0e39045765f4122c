"""Quality of labels on recordings that are worse than the training data.

Held-out episodes become recordings (rosbag2), are corrupted and go through `action-images label` as a user's would.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..data.episode import Episode
from ..data.rosbag2.bag import BagError
from ..data.rosbag2.recording import write_recording
from ..data.rosbag2.topics import robot_setup
from ..evaluation.chunk_sources import draw_views
from ..labelling.compare import Comparison
from ..labelling.corrupt import Corruption
from ..labelling.offline import LabelOptions, label_bag
from ..progress import Progress, silent

__all__ = ["CLEAN", "Case", "judge_labels", "parse_cases", "quality"]

CLEAN = "clean"


@dataclass(frozen=True)
class Case:
    """One row of the table. cameras: unseen ones. known_pose: as for `Labeller`. wrist: one fixed camera and one on the
    hand instead of two fixed ones."""

    name: str
    corruption: Corruption = Corruption()
    cameras: bool = False
    known_pose: str = "auto"
    wrist: bool = False


def parse_cases(text: str, known_pose: str = "auto") -> list[Case]:
    """From `drop=0.1; blur=5; cameras; wrist; no-pose; drop=0.1,no-pose`: a case each, with commas what comes together.

    The clean case is always first. ValueError naming what is not understood.
    """
    cases = [Case(CLEAN, known_pose=known_pose)]
    for name in filter(None, (part.strip() for part in text.split(";"))):
        words = [word.strip() for word in name.split(",")]
        spoilt = ",".join(word for word in words if word not in (CLEAN, "cameras", "wrist", "no-pose"))
        try:
            corruption = Corruption.parse(spoilt)
        except ValueError as error:
            raise ValueError(f"{error}; beside these there are cameras, wrist and no-pose") from None
        pose = "no" if "no-pose" in words else known_pose
        cases.append(Case(name, corruption, "cameras" in words, pose, "wrist" in words))
    return list(dict.fromkeys(cases))


def judge_labels(model, episodes: Iterable[Episode], case: Case, steps: int = 1) -> dict:
    """Figures of one case over episodes (see `Comparison.figures`), and how many episodes could not be labelled.

    Two cameras of each episode are used, drawn by its seed.
    """
    setup = robot_setup("cell", namespace="cell")
    assert setup.robot_tool_from_model_tool is not None  # config/robots/cell.yaml has it
    comparison, lost, used = Comparison(setup.robot_tool_from_model_tool), 0, 0
    with tempfile.TemporaryDirectory(prefix="action_images_") as folder:
        for index, episode in enumerate(episodes):
            names = [episode.camera_names[view] for view in draw_views(episode.seed, len(episode.camera_names))]
            source, output = Path(folder) / f"{index}", Path(folder) / f"{index}.labelled"
            write_recording(source, episode, setup)
            options = LabelOptions(
                "cell", {"cameras": tuple(names)}, case.known_pose, steps=steps, corruption=case.corruption
            )
            try:
                label_bag(source, output, model, options, comparison=comparison)
                used += 1
            except BagError:  # nothing of it is long enough
                lost += 1
    return {"case": case.name, "episodes": used, "not_labelled": lost, **comparison.figures()}


def quality(
    model: str | os.PathLike,
    tasks: list[str],
    number: int,
    seed: int,
    cases: list[Case],
    *,
    data: str | os.PathLike | None = None,
    steps: int = 1,
    threads: int | None = None,
    progress: Progress = silent,
) -> dict:
    """{"settings", "rows"}: one row per case, all over the same episodes, but for unseen cameras, which need new ones.

    number: episodes per task; data: folder of episodes instead of the expert's demonstrations (`evaluate_mode`), where
    no cameras can be changed. Raises ValueError.
    """
    from ..evaluation.held_out import made_episodes, recorded_episodes
    from ..paths import models_path
    from ..policy.registry import load_policy

    if data is not None and any(case.cameras or case.wrist for case in cases):
        raise ValueError(
            "corrupt has cameras or wrist, with --data: recorded pictures cannot be seen from elsewhere; leave one out"
        )
    loaded = load_policy(models_path(model), threads=threads)
    card = loaded.card
    made: dict[str, list[Episode]] = {}

    def episodes(case: Case) -> list[Episode]:
        condition = "cameras" if case.cameras else "nominal"
        name = f"{condition}, wrist" if case.wrist else condition
        if name not in made:
            progress(f"episodes, {name}")
            made[name] = (
                recorded_episodes(Path(data), tasks, number, card.recipe.get("validation_fraction", 0.03))
                if data is not None
                else list(made_episodes(tasks, seed, number, card.dt, card.image_size, condition, wrist=case.wrist))
            )
        return made[name]

    rows = []
    for case in cases:
        shown = episodes(case)
        progress(case.name)
        rows.append(judge_labels(loaded, shown, case, steps))
    return {
        "settings": {
            "model": card.name,
            "tasks": tasks,
            "episodes": number,
            "seed": seed if data is None else None,
            "data": None if data is None else Path(data).name,
            "steps": steps,
            "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        },
        "rows": rows,
    }
