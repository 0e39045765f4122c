"""Commands about the 5 B model that are more than a line: its benchmark, its small decoder, its fine-tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]


def register(app: typer.Typer, benchmark: typer.Typer, show, write) -> None:
    """Add the commands. show(rows) prints a table, write(path, content) a JSON file."""

    @benchmark.command("pipeline")
    def benchmark_pipeline(
        model: Annotated[str, typer.Option(help="Model folder of the wan backend; empty: random weights.")] = "",
        random: Annotated[str, typer.Option(help="Their configuration: auto (5b with a GPU), 5b or tiny.")] = "auto",
        rungs: Annotated[bool, typer.Option("--rungs", help="A row for every lever, not only first and last.")] = False,
        repeats: Annotated[int, typer.Option(help="Chunks measured per row.")] = 3,
        change: Annotated[list[str] | None, typer.Option("--set", help="setting=value, as in settings.json.")] = None,
        json: Json = None) -> None:
        """The 5 B model's published protocol and the fast path, stage by stage, in one process."""
        from .world_model.wan.pipeline import STAGES, pipeline_table

        result = pipeline_table(model or None, size=random, all_rungs=rungs, repeats=repeats,
                                changes=_settings(change or []),
                                progress=lambda line: typer.echo(f"  {line}", err=True))
        typer.echo(f"{result['what']}; {result['device']}")
        shown = ("name", "frames", "steps", *STAGES, "step", "first", "all", "first_ratio", "all_ratio")
        show([{key: row[key] for key in shown} for row in result["rows"]])
        write(json, result)

    @benchmark.command("ros")
    def benchmark_ros(
        model: Annotated[str, typer.Option(help="Name in models/ or folder.")] = "nano",
        policy: Annotated[str, typer.Option(help="model, or oracle (tests only).")] = "model",
        chunks: Annotated[int, typer.Option(help="Chunks executed; 0: transport only.")] = 20,
        rate: Annotated[float, typer.Option(help="Images per second of the transport measurement.")] = 30.0,
        size: Annotated[str, typer.Option(help="Their size, HxW.")] = "480x640",
        seconds: Annotated[float, typer.Option(help="How long they are sent.")] = 5.0,
        log: Annotated[Path | None, typer.Option(help="File for the lines of the nodes.")] = None,
        json: Json = None) -> None:
        """Message transport, and age from image stamp to command through the live graph in the cell."""
        from .ros.latency import live_ages, transport

        height, times, width = size.partition("x")
        if not (times and height.isdigit() and width.isdigit()):
            raise ValueError(f"size is {size!r}; give HxW, for example 480x640")
        rows = [transport(rate, (int(height), int(width)), seconds)]
        result = {"transport": rows[0]}
        if chunks > 0:
            live = result["live"] = live_ages(model, policy=policy, chunks=chunks, log=log)
            rows += live["rows"]
            typer.echo(f"{live['policy']} {live['model']}, cell at {live['real_time_factor']:.2f} x real time (ages "
                       f"are simulated time); {live['stages']}")
        show(rows)
        write(json, result)

    @app.command("finetune-wan")
    def finetune_wan(
        model: Annotated[Path, typer.Option(help="Model folder of the wan backend.")] = Path("models/wan2.2-ti2v-5b"),
        data: Annotated[Path | None, typer.Option(help="Episodes in any format `convert` reads.")] = None,
        out: Annotated[Path | None, typer.Option(help="Folder of the run.")] = None,
        config: Annotated[Path | None, typer.Option(help="YAML of settings.")] = None,
        change: Annotated[list[str] | None, typer.Option("--set", help="setting=value.")] = None,
        resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's state.")] = False,
        device: Annotated[str, typer.Option(help="auto or cpu.")] = "auto",
        plan: Annotated[bool, typer.Option("--plan", help="Only tell the GPU memory of these settings.")] = False,
        json: Json = None) -> None:
        """Fine-tune a 5 B model: LoRA or all weights; many GPUs by `accelerate launch`."""
        from .training.wan_settings import FinetuneSettings

        settings = FinetuneSettings.load(config, _settings(change or []))
        if plan:
            from .training.wan_memory import standard_plans
            from .world_model.card import ModelCard

            rows = [{"run": p.name, "trained": f"{p.trained:,}", "weights": p.weights, "gradients": p.gradients,
                     "optimiser": p.optimiser, "activations": p.activations, "autoencoder": p.autoencoder,
                     "GiB per GPU": p.total, "fits": "yes" if p.fits else "NO"}
                    for p in standard_plans(ModelCard.load(model), settings)]
            show(rows)
            return write(json, rows)
        if data is None or out is None:
            raise ValueError("finetune-wan needs --data and --out (or --plan)")
        from .training.finetune_wan import finetune

        done = finetune(model, data, out, settings, resume=resume, device=device,
                        progress=lambda line: typer.echo(f"  {line}", err=True))
        typer.echo(f"denoiser: {done}")

    @app.command("distill-decoder")
    def distill_decoder(
        vae: Annotated[Path, typer.Argument(help="Folder of the autoencoder.")],
        out: Annotated[Path, typer.Argument(help="Folder to write: the setting action_decoder.")],
        size: Annotated[str, typer.Option(help="Pictures drawn, HxW.")] = "512x512",
        steps: Annotated[int, typer.Option(help="Optimisation steps.")] = 20_000,
        batch: Annotated[int, typer.Option(help="Segments per step.")] = 8,
        target: Annotated[str, typer.Option(help="codec: what was drawn; autoencoder: what it makes of it.")] = "codec",
        minutes: Annotated[float | None, typer.Option(help="Stop after this time.")] = None,
        device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto", json: Json = None) -> None:
        """Train a small decoder for action images (1.7 M parameters) from an autoencoder, on drawn pictures."""
        from .training.distill_decoder import DistillSettings, decoded_error, distill
        from .world_model.wan.autoencoder import load_autoencoder
        from .world_model.wan.settings import WanSettings

        height, times, width = size.partition("x")
        if not (times and height.isdigit() and width.isdigit()):
            raise ValueError(f"size is {size!r}; give HxW, for example 512x512")
        settings = DistillSettings((int(height), int(width)), steps=steps, batch=batch, target=target)
        where = WanSettings(device=device).torch_device()
        teacher = load_autoencoder(vae, where)
        student = distill(teacher, settings, out, minutes=minutes,
                          progress=lambda line: typer.echo(f"  {line}", err=True))
        rows = [{"decoder": name, "noise on latents": noise, **decoded_error(teacher, decoder, settings, noise=noise)}
                for name, decoder in (("autoencoder", teacher), ("small", student)) for noise in (0.0, 0.1)]
        show(rows)
        write(json, rows)


def _settings(pairs: list[str]) -> dict:
    """setting=value pairs; values are JSON where they can be read as such."""
    from json import JSONDecodeError, loads

    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"--set {pair}: give setting=value, for example steps=8")
        try:
            found[name] = loads(value)
        except JSONDecodeError:
            found[name] = value
    return found
