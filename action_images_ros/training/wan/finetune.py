"""Fine-tuning of a 5 B model folder: LoRA or all weights, on one CPU or GPU or, by `accelerate launch`, on many.

A run folder holds `settings.yaml`, `metrics.jsonl`, `state/` (for resuming) and at the end `denoiser/`,
the trained denoiser with any LoRA merged in: `load_policy(folder, settings={"denoiser": ".../denoiser"})`. A LoRA is
kept apart as well, in `lora/`.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict
from pathlib import Path

import torch
import yaml

from ...data.episode import Episode
from ...progress import Progress, silent
from ...world_model.wan.conventions import guide, timestep
from ...world_model.wan.denoiser import WanDenoiser
from ...world_model.wan.load import load_wan
from ...world_model.wan.model import WanWorldModel
from .clips import ClipMaker, Step, check_episodes, read_episodes
from .few_steps import few_step_loss
from .objective import flow_loss
from .settings import FinetuneSettings

LORA_LAYERS = ("to_q", "to_k", "to_v", "to_out.0", "net.0.proj", "net.2", "projector", "cam_encoder")
"""Ends of the names of the blocks' linear layers, all of which get a LoRA."""
_STATE = "state"


def finetune(
    folder: str | Path,
    data: str | Path | list[Episode],
    out: str | Path,
    settings: FinetuneSettings | None = None,
    *,
    resume: bool = False,
    device: str = "auto",
    progress: Progress = silent,
) -> Path:
    """Fine-tune the model of a folder on episodes (a path in any format, or a list); the denoiser's folder.

    resume: continue from the run's state; its settings must be the same but for ``steps`` and ``save_every``. Raises
    ValueError and FileNotFoundError before anything is trained.
    """
    from accelerate import Accelerator

    settings, out = settings or FinetuneSettings(), Path(out)
    _check_folder(out, settings, resume)
    accelerator = Accelerator(
        gradient_accumulation_steps=settings.accumulate,
        cpu=device == "cpu",
        mixed_precision=_precision(settings, device),
    )
    where = str(accelerator.device) if device != "cpu" else "cpu"
    model = _load(Path(folder), where, settings)
    views = model.settings.views
    episodes = data if isinstance(data, list) else read_episodes(data, model.card, views)
    check_episodes(episodes, model.card, views)
    texts = _texts(model, episodes)
    denoiser = prepare(model.denoiser, settings)
    trained = [p for p in denoiser.parameters() if p.requires_grad]
    optimiser = _optimiser(trained, settings)
    maker = ClipMaker(episodes, model.autoencoder, model.card, views, settings, accelerator.process_index)
    denoiser, optimiser = accelerator.prepare(denoiser, optimiser)
    first = _resume(accelerator, out) if resume else 0
    if accelerator.is_main_process:
        out.mkdir(parents=True, exist_ok=True)
        (out / "settings.yaml").write_text(yaml.safe_dump(asdict(settings)))
    count = sum(p.numel() for p in trained)
    progress(
        f"{len(episodes)} episodes, {count:,} trained parameters, {accelerator.num_processes} process(es) on {where}"
    )
    begin = time.monotonic()
    for step in range(first, settings.steps):
        loss, mode = _step(accelerator, denoiser, optimiser, maker, texts, settings, step)
        if not torch.isfinite(loss):
            raise RuntimeError(f"the loss is {float(loss)} at step {step}: lower learning_rate and resume")
        if accelerator.is_main_process:
            row = {"step": step + 1, "mode": mode, "loss": float(loss), "seconds": round(time.monotonic() - begin, 2)}
            with open(out / "metrics.jsonl", "a") as file:
                file.write(json.dumps(row) + "\n")
            progress(f"step {step + 1}/{settings.steps} {mode} loss {float(loss):.4f}")
        if (step + 1) % settings.save_every == 0 or step + 1 == settings.steps:
            _save_state(accelerator, out, step + 1)
    return _export(accelerator, denoiser, out, settings)


def _load(folder: Path, where: str, settings: FinetuneSettings) -> WanWorldModel:
    """The model for training on a device: nothing compiled, quantised or cached, the text encoder off the GPU."""
    full = settings.weights == "float32" and (settings.method == "full" or where == "cpu")
    return load_wan(
        folder,
        {
            "device": where,
            "dtype": "float32" if full else "bfloat16",
            "guidance": 1,
            "compile": "off",
            "quantise": "off",
            "offload": "text" if where.startswith("cuda") else "off",  # read once, then let go
            "action_decoder": "",
            "frames_first": 0,
            "cache": "off",
        },
    )


def prepare(denoiser: WanDenoiser, settings: FinetuneSettings) -> WanDenoiser:
    """Make a denoiser trainable by the settings: weights, their type, gradient checkpointing."""
    denoiser.train()
    if settings.checkpointing:
        denoiser.enable_gradient_checkpointing()
    if settings.method == "full":
        return denoiser.requires_grad_(True)
    from peft import LoraConfig

    denoiser.requires_grad_(False)
    torch.manual_seed(settings.seed)
    layers = [
        name
        for name, module in denoiser.named_modules()
        if isinstance(module, torch.nn.Linear) and name.startswith("blocks.") and name.endswith(LORA_LAYERS)
    ]
    denoiser.add_adapter(LoraConfig(r=settings.rank, lora_alpha=settings.alpha, target_modules=layers))
    for parameter in denoiser.parameters():
        if parameter.requires_grad and settings.weights == "float32":
            parameter.data = parameter.data.float()
    return denoiser


def _step(accelerator, denoiser, optimiser, maker, texts, settings, step: int):
    """One update from ``accumulate`` batches; the mean loss and the last mode."""
    rate = settings.rate * min(1.0, (step + 1) / max(1, settings.warmup_steps))
    for group in optimiser.param_groups:
        group["lr"] = rate
    total = 0.0
    for part in range(settings.accumulate):
        with accelerator.accumulate(denoiser):
            made = maker.make(step * settings.accumulate + part)
            text = torch.cat([texts[words] for words in made.words]).to(accelerator.device)
            with accelerator.autocast():
                if settings.objective == "flow":
                    loss = flow_loss(
                        denoiser, made.clean, made.canvas, made.camera, text, made.index, made.noise, settings.shift
                    )
                else:
                    whole = accelerator.unwrap_model(denoiser)
                    loss = _few_step_loss(denoiser, whole, made, text, texts[""], settings)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(denoiser.parameters(), settings.gradient_clip)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        total = total + loss.detach() / settings.accumulate
    return total, made.mode


def _few_step_loss(denoiser, whole: WanDenoiser, made: Step, text, without, settings: FinetuneSettings):
    without = without.to(text).expand_as(text)

    def velocity(x, level, states=text):
        now = torch.full((len(x),), timestep(level), device=x.device, dtype=torch.float32)
        camera = made.camera.to(states.dtype)
        return denoiser(x.transpose(1, 2).to(states.dtype), now, states, camera).transpose(1, 2).float()

    def teacher(x, level):
        whole.disable_lora()
        try:
            guided = velocity(x, level)
            return guided if settings.guidance == 1 else guide(velocity(x, level, without), guided, settings.guidance)
        finally:
            whole.enable_lora()

    index = made.index * settings.few_steps * settings.fine // 1000
    return few_step_loss(
        velocity,
        teacher,
        made.clean,
        made.canvas,
        made.noise,
        index,
        few_steps=settings.few_steps,
        fine=settings.fine,
        shift=settings.shift,
    )


def _precision(settings: FinetuneSettings, device: str) -> str:
    gpu = device != "cpu" and torch.cuda.is_available()
    return "bf16" if gpu and settings.weights == "float32" else "no"


def _texts(model: WanWorldModel, episodes: list[Episode]) -> dict[str, torch.Tensor]:
    """Every text once; the encoder, 11 GB of the published model, is let go."""
    texts = {words: model.text.encode(words).clone() for words in {"", *(e.instruction for e in episodes)}}
    model.text.model = None
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return texts


def _optimiser(trained, settings: FinetuneSettings):
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(trained, lr=settings.rate, betas=(0.9, 0.95), weight_decay=settings.weight_decay)
    try:
        from torchao.optim import AdamW8bit
    except ImportError:
        raise ValueError("optimiser = 'adamw8bit' needs torchao: pip install 'action_images_ros[quantise]'") from None
    return AdamW8bit(trained, lr=settings.rate, betas=(0.9, 0.95), weight_decay=settings.weight_decay)


def _check_folder(out: Path, settings: FinetuneSettings, resume: bool) -> None:
    if not resume:
        if (out / "metrics.jsonl").exists():
            raise ValueError(f"{out} holds a run already: resume it (--resume) or give another folder")
        return
    if not (out / _STATE / "step.json").is_file():
        raise FileNotFoundError(f"{out} has no {_STATE}/step.json to resume from: start without --resume")
    before = yaml.safe_load((out / "settings.yaml").read_text())
    changed = [k for k, v in asdict(settings).items() if before.get(k) != v and k not in ("steps", "save_every")]
    if changed:
        raise ValueError(f"{', '.join(changed)} differ from {out}/settings.yaml: resume with the same, or start anew")


def _save_state(accelerator, out: Path, step: int) -> None:
    """Written beside the old state and put in its place, so that a whole one is always there."""
    new, old = out / f"{_STATE}.part", out / _STATE
    accelerator.wait_for_everyone()
    accelerator.save_state(str(new), safe_serialization=False)
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        (new / "step.json").write_text(json.dumps({"step": step}))
        shutil.rmtree(old, ignore_errors=True)
        new.rename(old)
    accelerator.wait_for_everyone()


def _resume(accelerator, out: Path) -> int:
    accelerator.load_state(str(out / _STATE))
    return json.loads((out / _STATE / "step.json").read_text())["step"]


def _export(accelerator, denoiser, out: Path, settings: FinetuneSettings) -> Path:
    state = accelerator.get_state_dict(denoiser)
    whole = accelerator.unwrap_model(denoiser)
    target = out / "denoiser"
    if accelerator.is_main_process:
        shutil.rmtree(target, ignore_errors=True)
        if settings.method == "lora":
            whole.save_lora_adapter(out / "lora")
            whole.fuse_lora()
            whole.unload_lora()
            whole.save_pretrained(target, safe_serialization=True, max_shard_size="2GB")
        else:
            whole.save_pretrained(target, safe_serialization=True, max_shard_size="2GB", state_dict=state)
    accelerator.wait_for_everyone()
    return target
