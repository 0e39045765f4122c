"""The check of instructions from any source: parameter, topic, command line."""

from __future__ import annotations

__all__ = ["MAX_CHARACTERS", "checked_instruction"]

MAX_CHARACTERS = 2000
"""Characters of an instruction at most; the text encoders read a few hundred."""


def checked_instruction(text: str) -> str:
    """The instruction without spaces around it; ValueError when it is too long or holds control characters."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError(
            f"instruction is {text[:40]!r}.. of {len(text):,} characters; give at most {MAX_CHARACTERS}: a sentence"
        )
    text = text.strip()
    bad = next((character for character in text if not character.isprintable()), "")
    if bad:
        raise ValueError(f"instruction is {text[:40]!r}.. with the character {bad!r}; give one line of plain text")
    return text
