"""Loading of a model folder; every check precedes the first weight."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan

from ..nano.checkpoints import ModelCard
from .acceleration import compile_parts, offload, quantise
from .action_decoder import ActionDecoder
from .autoencoder import Autoencoder
from .denoiser import WanDenoiser
from .model import WanWorldModel
from .settings import WanSettings
from .text import WanTextEncoder
from .weight_files import check_weights, require_memory

_DIFFUSERS, _TRANSFORMERS = "diffusion_pytorch_model", "model"
_AWAY = {"off": (), "text": ("text_encoder",), "all": ("text_encoder", "denoiser")}


def load_wan(folder: Path, overrides: Mapping | None = None) -> WanWorldModel:
    """Load a model folder laid out like `models/wan2.2-ti2v-5b`.

    overrides: of `settings.json`. Raises FileNotFoundError and ValueError, saying what to do, before any weight is
    loaded: parts missing or given as hub names, truncated or foreign weights, too little memory. Never downloads.
    """
    card, settings = ModelCard.load(folder), WanSettings.load(folder, overrides)
    device, dtype = settings.torch_device(), getattr(torch, settings.dtype)
    umt5 = _umt5()
    folders = {
        part: _part(folder, part, getattr(settings, part)) for part in ("denoiser", "vae", "text_encoder", "tokenizer")
    }
    with torch.device("meta"):
        empty = {
            "denoiser": _from_config(WanDenoiser.from_config, "denoiser", folders, WanDenoiser.__name__),
            "vae": _from_config(AutoencoderKLWan.from_config, "vae", folders, AutoencoderKLWan.__name__),
            "text_encoder": _from_config(
                lambda values: umt5.UMT5EncoderModel(umt5.UMT5Config(**values)), "text_encoder", folders
            ),
        }
    stems = {"denoiser": _DIFFUSERS, "vae": _DIFFUSERS, "text_encoder": _TRANSFORMERS}
    counts = {part: check_weights(part, folders[part], stems[part], model) for part, model in empty.items()}
    _check_widths(empty)
    painter = _action_decoder(folder, settings, empty["vae"])
    _require_memory(counts, settings, dtype, device)
    tokenizer = _tokenizer(umt5, folders["tokenizer"])
    local = {"local_files_only": True, "use_safetensors": True}

    def placed(part: str, module):
        if part not in _AWAY[settings.offload]:
            return module.to(device)
        offload(module, device)
        return module

    text = umt5.UMT5EncoderModel.from_pretrained(folders["text_encoder"], dtype=dtype, **local)
    encoder = WanTextEncoder(placed("text_encoder", text), tokenizer, settings.text_tokens, device)
    denoiser = WanDenoiser.from_pretrained(folders["denoiser"], torch_dtype=dtype, **local).eval()
    if settings.quantise != "off":
        quantise(denoiser, settings.quantise, device)
    denoiser = placed("denoiser", denoiser)
    vae = AutoencoderKLWan.from_pretrained(folders["vae"], torch_dtype=dtype, **local).to(device)
    compile_parts(denoiser, vae, settings.compile)
    if painter is not None:
        painter = painter.to(device, dtype)
    return WanWorldModel(denoiser, Autoencoder(vae), encoder, card, settings, painter)


def _action_decoder(folder: Path, settings: WanSettings, vae: AutoencoderKLWan) -> ActionDecoder | None:
    """The small decoder, read from its folder (a few MB), where the settings name one; checked against the vae."""
    if not settings.action_decoder:
        return None
    path = _part(folder, "action_decoder", settings.action_decoder)
    try:
        decoder = ActionDecoder.from_pretrained(path, local_files_only=True, low_cpu_mem_usage=False).eval()
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"action_decoder: {path} holds no readable decoder ({str(error).splitlines()[0]}): write one "
            "with action-images distill-decoder"
        ) from None
    made, wanted = (
        (decoder.config.latent_channels, decoder.config.spatial),
        (vae.config.z_dim, vae.config.scale_factor_spatial),
    )
    if made != wanted:
        raise ValueError(
            f"action_decoder: {path} is for (channels, scale) {made}, the vae has {wanted}: distil it "
            "from this autoencoder"
        )
    return decoder.requires_grad_(False)


def _require_memory(counts: Mapping, settings: WanSettings, dtype: torch.dtype, device: torch.device) -> None:
    """What stays on the device must fit there, what is offloaded or passes through must fit the host."""
    host = torch.device("cpu")
    away = _AWAY[settings.offload]
    require_memory({p: n for p, n in counts.items() if p not in away or device == host}, dtype, device)
    if device != host:
        passing = max((p for p in counts if p not in away), key=lambda part: counts[part])
        require_memory({p: n for p, n in counts.items() if p in (*away, passing)}, dtype, host)


def _umt5():
    try:
        import accelerate  # noqa: F401  (diffusers loads shard by shard with it)
        import ftfy  # noqa: F401
        import transformers
    except ImportError as error:
        raise ValueError(f"the wan backend needs {error.name}: pip install 'action_images_ros[wan]'") from None
    return transformers


def _part(folder: Path, part: str, value: str) -> Path:
    path = Path(folder) / Path(value).expanduser()  # an absolute one wins
    if path.is_dir():
        return path
    hint = (
        "it looks like a hub name, but nothing is downloaded here: give a folder"
        if "/" in value and not Path(value).is_absolute()
        else "download it as the model's README.md says"
    )
    raise FileNotFoundError(f"{part} = {value!r}: {path} is no folder; {hint}")


def _from_config(build, part: str, folders: Mapping[str, Path], class_name: str | None = None):
    path = folders[part] / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{part}: {path} is missing: see the model's README.md")
    try:
        config = json.loads(path.read_text())
        kind = config.get("_class_name", class_name)
        if class_name and kind != class_name:
            raise ValueError(f"it describes a {kind}, not a {class_name}")
        if not class_name and config.get("model_type") != "umt5":
            raise ValueError(f"it describes a {config.get('model_type')}, not a umt5")
        return build(config)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{part}: {path} is not the right configuration ({error})") from None


def _check_widths(parts: Mapping) -> None:
    denoiser, channels, text = parts["denoiser"].config, parts["vae"].config.z_dim, parts["text_encoder"].config.d_model
    if denoiser.in_channels != channels or denoiser.text_dim != text:
        raise ValueError(
            f"the denoiser takes {denoiser.in_channels} latent channels and text of width "
            f"{denoiser.text_dim}, the vae makes {channels} and the text encoder {text}: "
            "take parts of one model"
        )


def _tokenizer(transformers, folder: Path):
    try:
        return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        first = str(error).strip().splitlines()[0]
        message = f"tokenizer: {folder} holds no readable tokenizer ({first}): see the model's README.md"
        raise ValueError(message) from None
