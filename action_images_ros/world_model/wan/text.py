"""The instruction as UMT5 states: cleaned, padded with zeros to a fixed length, as in the published training."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor

from .conventions import clean_prompt

_REMEMBERED = 64


class WanTextEncoder:
    """Encodes each text once and remembers the last 64: instructions change far more rarely than chunks.

    model: transformers' UMT5EncoderModel. tokenizer: transformers' tokenizer of the same model. length: tokens the
    states are padded to. device: device of the computation, if it is not that of the weights (offloaded).
    """

    def __init__(self, model, tokenizer, length: int = 512, device: torch.device | None = None):
        self.model, self.tokenizer, self.length = model.eval().requires_grad_(False), tokenizer, length
        self._device = device or model.device
        self._known: OrderedDict[str, Tensor] = OrderedDict()

    def encode(self, text: str) -> Tensor:
        """States [1, length, width], zero behind the text's end. ValueError where the text has too many tokens."""
        text = clean_prompt(text)
        if text not in self._known:
            self._known[text] = self._encode(text)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(text)
        return self._known[text]

    def forget(self) -> None:
        """Clear the cache of encoded texts."""
        self._known.clear()

    @torch.inference_mode()
    def _encode(self, text: str) -> Tensor:
        tokens = self.tokenizer(text, add_special_tokens=True, return_tensors="pt")
        ids = tokens.input_ids.to(self._device)
        count = ids.shape[1]
        if count > self.length:
            raise ValueError(
                f"the text {text[:40]!r}.. has {count} tokens, more than text_tokens = {self.length}: "
                "say it more briefly"
            )
        # A mask over padding changes nothing for the tokens before it: padding is left out of the computation.
        states = self.model(ids, torch.ones_like(ids)).last_hidden_state
        return torch.nn.functional.pad(states, (0, 0, 0, self.length - count))
