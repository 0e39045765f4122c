"""The published `.ckpt` as sharded safetensors under our names, one shard in memory at a time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from huggingface_hub import split_torch_state_dict_into_shards
from safetensors.torch import save_file

from ...progress import Progress, silent
from .tensor_names import compare, config_from_shapes, from_published, listed, meta_denoiser, published_manifest

STEM = "diffusion_pytorch_model"
KEPT = (torch.bfloat16, torch.float16, torch.float32)
_ANCHOR = "patch_embedding.weight"


@dataclass(frozen=True)
class Imported:
    """What was written."""

    tensors: int
    parameters: int
    bytes: int
    shards: int
    ignored: tuple[str, ...]


def import_checkpoint(
    checkpoint: Path,
    out: Path,
    *,
    config: Mapping | None = None,
    shard_bytes: int = 2 * 10**9,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Imported:
    """Convert a published checkpoint to a denoiser folder: `config.json`, shards, index.

    checkpoint: written by `torch.save`; read without executing anything in it, mapped rather than loaded. config: of
    the denoiser (default: the published one); every one of its tensors must be there and no other. shard_bytes: largest
    shard, and about the memory taken. The numbers stay as they are (bfloat16 where published). ``out`` appears whole or
    not at all: everything is written to ``out`` + ".partial" first, which a failure removes.
    Raises FileNotFoundError and ValueError with what is wrong.
    """
    checkpoint, out = Path(checkpoint), Path(out)
    tensors, prefix, ignored = _open(checkpoint)
    _check(checkpoint, tensors, prefix, published_manifest(config))
    if list(out.glob("*.safetensors")) and not overwrite:
        raise ValueError(f"{out} holds weights already: give another folder, or --overwrite")
    if shard_bytes < 1:
        raise ValueError(f"shard_bytes = {shard_bytes}: give a size above 0")
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    out.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(out.parent).free
    if free < total:
        raise ValueError(f"{out.parent} has {free / 1e9:.1f} GB free, {total / 1e9:.1f} GB are needed: choose another")
    named = ((from_published(name.removeprefix(prefix)), name) for name in tensors)
    ours = {own: name for own, name in named if own is not None}
    plan = split_torch_state_dict_into_shards(
        {name: tensors[theirs] for name, theirs in ours.items()},
        filename_pattern=STEM + "{suffix}.safetensors",
        max_shard_size=shard_bytes,
    )
    del tensors
    staged = out.with_name(out.name + ".partial")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    try:
        meta_denoiser(config).save_config(staged)
        for number, (file, names) in enumerate(plan.filename_to_tensors.items(), 1):
            mapped, *_ = _open(checkpoint)  # mapped anew for every shard, so that the pages of the last one are let go
            shard = {name: _own(mapped[ours[name]]) for name in names}
            save_file(shard, staged / file, metadata={"format": "pt"})
            (staged / file).chmod(0o644)  # safetensors writes for its user alone
            del mapped, shard
            progress(f"{number}/{len(plan.filename_to_tensors)} {file}")
        if plan.is_sharded:
            index = {"metadata": plan.metadata, "weight_map": plan.tensor_to_filename}
            (staged / f"{STEM}.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")
        _put_in_place(staged, out)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    parameters = sum(torch.Size(shape).numel() for shape in published_manifest(config).values())
    return Imported(len(ours), parameters, total, len(plan.filename_to_tensors), ignored)


def _open(checkpoint: Path) -> tuple[dict[str, torch.Tensor], str, tuple[str, ...]]:
    """The tensors of the checkpoint, mapped; the prefix all their names carry; what lies beside them, unread."""
    if not checkpoint.is_file():
        raise FileNotFoundError(f"{checkpoint} is no file: give the published .ckpt (nothing is downloaded by itself)")
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    except UnpicklingError as error:
        first = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{checkpoint} holds more than tensors and is not opened, since a pickle can run code "
            f"({first}): take the published file"
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{checkpoint} is truncated or not written by torch.save ({first}): "
            f"its size is {checkpoint.stat().st_size} bytes; download it again"
        ) from None
    ignored: tuple[str, ...] = ()
    if isinstance(content, dict) and not _tensors(content):
        inner = [key for key, value in content.items() if isinstance(value, dict) and _tensors(value)]
        if len(inner) == 1:
            ignored = tuple(str(key) for key in content if key != inner[0])
            content = content[inner[0]]
    if not isinstance(content, dict) or not content or not _tensors(content):
        raise ValueError(f"{checkpoint} holds no table of tensors by name: take the published file")
    anchor = [name for name in content if name.endswith(_ANCHOR)]
    prefix = anchor[0].removesuffix(_ANCHOR) if len(anchor) == 1 else ""
    return content, prefix if all(name.startswith(prefix) for name in content) else "", ignored


def _tensors(table: dict) -> bool:
    return all(isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in table.items())


def _check(checkpoint: Path, tensors: dict, prefix: str, manifest: dict) -> None:
    shapes = {name.removeprefix(prefix): tuple(tensor.shape) for name, tensor in tensors.items()}
    wrong = compare(shapes, manifest)
    if wrong:
        try:
            other = config_from_shapes(shapes)
            looks = f"it looks like {other['num_layers']} blocks of width {shapes[_ANCHOR][0]}"
        except ValueError as error:
            looks = str(error)
        raise ValueError(
            f"{checkpoint} is another model: of {len(manifest)} tensors wanted and {len(shapes)} found, "
            f"{len(wrong)} do not agree ({listed(wrong)}); {looks}"
        )
    unusable = [f"{n} is {str(t.dtype).removeprefix('torch.')}" for n, t in tensors.items() if t.dtype not in KEPT]
    if unusable:
        raise ValueError(f"{checkpoint}: weights must be bfloat16, float16 or float32: {listed(unusable)}")


def _own(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor as safetensors requires it: contiguous, alone in its storage."""
    alone = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
    return tensor if alone and tensor.is_contiguous() else tensor.contiguous().clone()


def _put_in_place(staged: Path, out: Path) -> None:
    """Rename the finished folder to its place; what was there (a configuration, old weights) makes way."""
    if not out.exists():
        staged.rename(out)
        return
    for path in out.iterdir():  # keep what a user laid there, such as a README
        if path.is_file() and path.suffix in (".md", ".txt") and not (staged / path.name).exists():
            shutil.copy2(path, staged / path.name)
    old = out.with_name(out.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    out.rename(old)
    staged.rename(out)
    shutil.rmtree(old, ignore_errors=True)
