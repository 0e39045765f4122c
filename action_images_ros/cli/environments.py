"""The option --env of `collect` and `evaluate`: third-party benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

__all__ = ["CELL", "closed_loop", "collect_env"]

CELL = "cell"
"""The environment of our own, and the default."""


def collect_env(
    directory: Path, env: str, tasks: str, episodes: int, seed: int, *, workers: int, size: int, corrections: str
) -> None:
    """Demonstrations of a benchmark's experts, or corrections of a model; says how well the views hold them."""
    from ..environments.collect import collect_benchmark

    lead = None
    if corrections:
        from ..evaluation.benchmark_corrections import Lead
        from ..paths import models_path

        lead = Lead(str(models_path(corrections)))
    result, checks = collect_benchmark(directory, env, tasks, episodes, seed, workers=workers, size=size, lead=lead)
    worst = min(checks, key=lambda check: check.share)
    typer.echo(
        f"{result.written} episodes written to {directory}, {result.skipped} there already, "
        f"{len(result.failed)} failed; every view holds the points of {100 * worst.share:.1f} % of the frames or "
        f"more (least: {worst.camera} in {worst.task})"
    )


def closed_loop(
    env: str,
    model: str,
    tasks: str,
    episodes: int,
    seed: int,
    *,
    settings: Any,
    latencies: list[float],
    sheets: Path | None,
    figures: Path | None,
    json: Path | None,
    conditions: list[str],
    self_calibration: str,
    robot_limits: str,
    **options: Any,
) -> None:
    """Success rates in the cell or on a benchmark, over injected latency where asked, with figures."""
    from ..evaluation.latency_sweep import sweep_latency
    from ..evaluation.results import write_result

    if env == CELL:
        options |= {"conditions": conditions, "self_calibration": self_calibration, "robot_limits": robot_limits}

    def run(chosen: Any) -> dict[str, Any]:
        at_nominal = chosen.latency_seconds == settings.latency_seconds
        sheets_now = {"sheets": sheets} if at_nominal and env != CELL else {}
        path = json if at_nominal else None  # kept up to date while it runs
        return _evaluate_in(env, model, tasks, episodes, seed, settings=chosen, json_path=path, **sheets_now, **options)

    result = sweep_latency(run, settings, latencies) if latencies else run(settings)
    if latencies and json is not None:
        write_result(json, result)
    if figures is not None:
        from ..evaluation.figures import draw_figures

        for file in draw_figures(figures, [(f"{env} {model}", result)]):
            typer.echo(f"figure: {file}")


def _evaluate_in(env: str, model: str, tasks: str, episodes: int, seed: int, **options: Any) -> dict[str, Any]:
    """The result of the evaluation in the cell or on the benchmark `env`."""
    if env == CELL:
        from ..evaluation.closed_loop import evaluate
        from .shared import _tasks

        return evaluate(model, _tasks(tasks), episodes, seed, **options)
    from ..evaluation.benchmark import evaluate_benchmark

    return evaluate_benchmark(env, model, tasks, episodes, seed, **options)
