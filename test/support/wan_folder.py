"""A model folder laid out like models/wan2.2-ti2v-5b, of a few thousand random parameters in every part."""

import json
from pathlib import Path

import torch

from action_images_ros.world_model.wan.random_parts import TINY

FRAMES, SIZE = 5, (32, 64)
SETTINGS = {"steps": 2, "text_tokens": 16, "device": "cpu", "dtype": "float32"}
CARD = {"name": "tiny wan", "image_size": list(SIZE), "frames": FRAMES, "dt": 0.2, "backend": "wan"}
WORDS = "<pad> </s> <unk> lift push the red blue block button".split()


def tiny_denoiser(**changes):
    """A camera-conditioned denoiser of two blocks."""
    from action_images_ros.world_model.wan.denoiser import WanDenoiser

    torch.manual_seed(0)
    return WanDenoiser(**{**TINY["denoiser"], **changes}).eval()


def tiny_vae():
    """An autoencoder of the published structure: residual, 2 x 2 patches, 16 x 16 and 4 x causal in time."""
    from diffusers import AutoencoderKLWan

    torch.manual_seed(1)
    return AutoencoderKLWan(**TINY["vae"]).eval()


def tiny_text_encoder():
    """A UMT5 encoder of two layers for the words of `tiny_tokenizer`."""
    from transformers import UMT5Config, UMT5EncoderModel

    torch.manual_seed(2)
    return UMT5EncoderModel(UMT5Config(**TINY["text_encoder"] | {"vocab_size": len(WORDS)})).eval()


def tiny_tokenizer():
    """Words to numbers, with the end-of-sentence mark that T5 puts behind every text."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def write_wan_folder(folder: Path, *, shard_bytes="8KB", **settings) -> Path:
    """All parts, saved by their libraries; the denoiser in several shards."""
    tiny_denoiser().save_pretrained(folder / "denoiser", safe_serialization=True, max_shard_size=shard_bytes)
    tiny_vae().save_pretrained(folder / "vae", safe_serialization=True)
    tiny_text_encoder().save_pretrained(folder / "text_encoder")
    tiny_tokenizer().save_pretrained(folder / "tokenizer")
    (folder / "model_card.json").write_text(json.dumps(CARD))
    (folder / "settings.json").write_text(json.dumps({**SETTINGS, **settings}))
    return folder
