"""Text encoder: all-MiniLM-L6-v2 in ONNX, one vector per word piece; no torch, no download."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..paths import models_path

__all__ = ["WIDTH", "TextEncoder"]

WIDTH = 384


class TextEncoder:
    """Encodes instructions with the model in `path` (default: models/minilm), on the CPU in one thread.

    An instruction is encoded once and remembered (the last 256). Raises FileNotFoundError when a file is missing.
    """

    def __init__(self, path: str | os.PathLike | None = None, max_tokens: int = 24) -> None:
        if max_tokens < 3:
            raise ValueError(f"max_tokens is {max_tokens}; give at least 3 (start, one word piece, end)")
        folder = models_path("minilm") if path is None else Path(path)
        for name in ("model.onnx", "tokenizer.json"):
            if not (folder / name).is_file():
                raise FileNotFoundError(
                    f"the text encoder's {name} is not in {folder}; give the folder of models/minilm"
                )
        import onnxruntime
        from tokenizers import Tokenizer

        self.max_tokens = max_tokens
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._remembered = lru_cache(maxsize=256)(self._encode_one)

    def encode(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Tokens float32 `[B, max_tokens, 384]` and mask bool `[B, max_tokens]`, false (and zeros) where padded.

        Each text is encoded alone: the int8 model's result would otherwise depend on its neighbours in the batch.
        Raises ValueError for an empty instruction and for one of more than max_tokens word pieces.
        """
        if isinstance(texts, str):
            raise ValueError(f"texts is the string {texts!r}; give a list of instructions")
        tokens = np.zeros((len(texts), self.max_tokens, WIDTH), dtype=np.float32)
        mask = np.zeros((len(texts), self.max_tokens), dtype=bool)
        for row, text in enumerate(texts):
            states = self._remembered(text)
            tokens[row, : len(states)] = states
            mask[row, : len(states)] = True
        return tokens, mask

    def pooled(self, texts: list[str]) -> np.ndarray:
        """One unit vector per text, float32 `[B, 384]`: the mean of its tokens, normalised, as in its training."""
        tokens, mask = self.encode(texts)
        mean = (tokens * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def _encode_one(self, text: str) -> np.ndarray:
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"the instruction is {text!r}; say what to do, for example 'lift the red block'")
        ids = np.array([self._tokenizer.encode(" ".join(text.split())).ids], dtype=np.int64)
        if ids.shape[1] > self.max_tokens:
            raise ValueError(
                f"the instruction {text!r} has {ids.shape[1]} word pieces, more than max_tokens "
                f"{self.max_tokens}; say it more briefly"
            )
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        states = self._session.run(["last_hidden_state"], feed)[0][0]
        states.setflags(write=False)
        return states
