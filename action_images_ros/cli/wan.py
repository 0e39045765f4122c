"""The commands of the 5 B model: fine-tuning, small decoder, import and verification."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import app
from .options import options_from_dataclasses
from .shared import Json, _height_and_width, _settings, _show, _write

if TYPE_CHECKING:
    from ..training.wan.settings import FinetuneSettings


@dataclass(frozen=True)
class FinetuneOptions:
    """The settings of a fine-tuning run."""

    config: Annotated[Path | None, typer.Option(help="YAML of settings.")] = None
    change: Annotated[list[str] | None, typer.Option("--set", help="setting=value.")] = None
    resume: Annotated[bool, typer.Option("--resume", help="Resume from the run's state.")] = False
    device: Annotated[str, typer.Option(help="auto or cpu.")] = "auto"


@app.command("finetune-wan")
@options_from_dataclasses
def finetune_wan(
    model: Annotated[str, typer.Option(help="Model folder of the wan backend, or name in models/.")] = "wan2.2-ti2v-5b",
    data: Annotated[Path | None, typer.Option(help="Episodes in any format that `convert` reads.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print the GPU memory of each method and stop.")] = False,
    json: Json = None,
    *,
    options: FinetuneOptions,
) -> None:
    """Fine-tune a 5 B model: LoRA or all weights; many GPUs by `accelerate launch`."""
    from ..paths import models_path
    from ..training.wan.settings import FinetuneSettings

    settings = FinetuneSettings.load(options.config, _settings(options.change or []))
    folder = models_path(model)
    if plan:
        return _plan(folder, settings, json)
    if data is None or out is None:
        raise ValueError("finetune-wan needs --data and --out (or --plan)")
    from ..training.wan.finetune import finetune

    done = finetune(
        folder,
        data,
        out,
        settings,
        resume=options.resume,
        device=options.device,
        progress=lambda line: typer.echo(f"  {line}", err=True),
    )
    typer.echo(f"denoiser: {done}")


def _plan(model: Path, settings: FinetuneSettings, json: Path | None) -> None:
    """Print the GPU memory of each method."""
    from ..policy.card import ModelCard
    from ..training.wan.memory import standard_plans

    rows = [
        {
            "run": p.name,
            "trained": f"{p.trained:,}",
            "weights": p.weights,
            "gradients": p.gradients,
            "optimiser": p.optimiser,
            "activations": p.activations,
            "autoencoder": p.autoencoder,
            "GiB per GPU": p.total,
            "fits": "yes" if p.fits else "NO",
        }
        for p in standard_plans(ModelCard.load(model), settings)
    ]
    _show(rows)
    _write(json, rows)


@dataclass(frozen=True)
class DistillOptions:
    """The training of the small decoder."""

    size: Annotated[str, typer.Option(help="Size of the training images, HxW.")] = "512x512"
    steps: Annotated[int, typer.Option(help="Optimisation steps.")] = 20_000
    batch: Annotated[int, typer.Option(help="Segments per step.")] = 8
    target: Annotated[
        str, typer.Option(help="Target: codec (the true action images) or autoencoder (its reconstruction).")
    ] = "codec"
    minutes: Annotated[float | None, typer.Option(help="Stop after this time.")] = None
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto"


@app.command("distill-decoder")
@options_from_dataclasses
def distill_decoder(
    vae: Annotated[Path, typer.Argument(help="Folder of the autoencoder.")],
    out: Annotated[Path, typer.Argument(help="Folder to write: the setting action_decoder.")],
    options: DistillOptions,
    json: Json = None,
) -> None:
    """Train a small decoder for action images (1.7 M parameters) on the latents of an autoencoder."""
    from ..training.wan.distill_decoder import DistillSettings, decoded_error, distill
    from ..world_model.wan.autoencoder import load_autoencoder
    from ..world_model.wan.settings import WanSettings

    size = _height_and_width(options.size, "512x512")
    settings = DistillSettings(size, steps=options.steps, batch=options.batch, target=options.target)
    where = WanSettings(device=options.device).torch_device()
    teacher = load_autoencoder(vae, where)
    student = distill(
        teacher, settings, out, minutes=options.minutes, progress=lambda line: typer.echo(f"  {line}", err=True)
    )
    rows = [
        {"decoder": name, "noise on latents": noise, **decoded_error(teacher, decoder, settings, noise=noise)}
        for name, decoder in (("autoencoder", teacher), ("small", student))
        for noise in (0.0, 0.1)
    ]
    _show(rows)
    _write(json, rows)


@app.command("import-checkpoint")
def import_checkpoint(
    checkpoint: Annotated[Path, typer.Argument(help="The published .ckpt.")],
    out: Annotated[Path, typer.Argument(help="Denoiser folder to write.")],
    config: Annotated[Path | None, typer.Option(help="config.json of another denoiser.")] = None,
    shard_gb: Annotated[float, typer.Option(help="Largest shard, GB (10^9 bytes).")] = 2.0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace weights.")] = False,
) -> None:
    """Convert published 5 B weights to sharded safetensors."""
    from json import loads

    from ..world_model.wan.import_checkpoint import import_checkpoint as run

    done = run(
        checkpoint,
        out,
        config=None if config is None else loads(config.read_text()),
        overwrite=overwrite,
        shard_bytes=round(shard_gb * 1e9),
        progress=lambda line: typer.echo(f"  {line}", err=True),
    )
    typer.echo(
        f"{done.tensors} tensors, {done.parameters:,} parameters, {done.bytes / 1e9:.2f} GB in {done.shards} "
        f"file(s): {out}" + (f"; left out: {', '.join(done.ignored)}" if done.ignored else "")
    )


@app.command("verify-denoiser")
def verify_denoiser(
    file: Annotated[Path, typer.Argument(help="safetensors: weights.*, input.*, output.velocity.")],
    tolerance: Annotated[float, typer.Option(help="Largest absolute error accepted.")] = 1e-4,
) -> None:
    """Compare the 5 B denoiser with the output of another implementation; exit code 1 above the tolerance."""
    from ..world_model.wan.verify import verify_denoiser as run

    result = run(file)
    good = result.error <= tolerance
    typer.echo(
        f"largest absolute error {result.error:.3g} ({'within' if good else 'ABOVE'} {tolerance:g}), "
        f"largest value {result.scale:.3g}; {result.parameters:,} parameters, float32"
    )
    raise typer.Exit(0 if good else 1)
