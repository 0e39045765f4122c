"""A model folder's README.md, written from its card."""

from __future__ import annotations

from ..world_model.nano.checkpoints import ModelCard

_UNITS = {"far_mm": "mm", "near_mm": "mm", "rotation_deg": "deg"}


def model_readme(card: ModelCard) -> str:
    """Markdown: inputs and outputs, training data and recipe, measurements, usage."""
    height, width = card.image_size
    lines = [
        f"# {card.name}",
        "",
        "A world model of [Action Images](https://arxiv.org/abs/2604.06168) for `action_images_ros`: camera images, "
        "the arm's pose and an instruction in, action images (and video) out.",
        "",
        "| | |",
        "|---|---|",
        f"| images | {height} x {width} px, any number of calibrated cameras (trained with "
        f"{_views(card.recipe.get('views', {}))}) |",
        f"| chunk | {card.frames} frames, {card.dt:g} s apart: {card.horizon:g} s ahead |",
        f"| tasks | {', '.join(card.tasks) or 'not stated'} |",
        "",
        "    action-images evaluate --model FOLDER",
        "    action-images up --model FOLDER",
        "",
        "## Data",
        "",
        *_data(card.data),
        "",
        "## Training",
        "",
        *_training(card.recipe),
        "",
        "## Figures",
        "",
        *_figures(card.figures),
        "",
        "The whole recipe stands in `model_card.json`.",
    ]
    return "\n".join(lines) + "\n"


def _views(views: dict) -> str:
    return " or ".join(str(count) for count in views) or "two"


def _data(data: dict) -> list[str]:
    if not data:
        return ["Not stated."]
    lines = [
        f"{data.get('episodes', '?')} episodes, {data.get('frames', '?')} frames; {data.get('held_out', '?')} "
        "more episodes were held out for validation."
    ]
    for source in data.get("sources", []):
        share = f", {100 * source['share']:.0f} % of the training" if "share" in source else ""
        lines.append(f"* {source['folder']}: {source['episodes']} episodes ({', '.join(source['tasks'])}){share}")
    return lines


def _training(recipe: dict) -> list[str]:
    facts = {
        "steps": "trained_steps",
        "samples": "samples",
        "samples per step": "batch_size",
        "started from": "init",
        "seconds": "training_seconds",
        "device": "device",
        "precision": "precision",
        "seed": "seed",
    }
    return [f"* {name}: {recipe[key]}" for name, key in facts.items() if recipe.get(key) not in (None, "")] or [
        "Not stated."
    ]


def _figures(figures: dict) -> list[str]:
    """The last validation; success rates are the matter of `evaluate`."""
    found = figures.get("validation", {})
    if not found:
        return ["None yet."]
    lines = [
        f"Decoded errors of generated chunks on held-out episodes at step {figures.get('step', '?')}, medians. "
        "*Far*: chunks whose arm travels more than 10 cm.",
        "",
    ]
    for name, value in found.items():
        mode, _, kind = name.partition("/")
        lines.append(
            f"* {mode}, {kind.rpartition('_')[0] if kind in _UNITS else kind}: {value:.3g} "
            f"{_UNITS.get(kind, '')}".rstrip()
        )
    return lines
