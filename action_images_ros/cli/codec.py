"""The commands encode and decode, from file to file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .app import app


@app.command()
def encode(
    source: Annotated[Path, typer.Argument(help="npz: actions [T,7] (xyz, Euler, openness), K, E, size")],
    target: Annotated[Path, typer.Argument(help="npz to write: uv [V,T,3,2], images [V,T,H,W,3] u8")],
) -> None:
    """Encode actions as action images."""
    from ..codec.files import encode_file

    encode_file(source, target)


@app.command()
def decode(
    source: Annotated[Path, typer.Argument(help="npz: images [V,T,H,W,3], K, E")],
    target: Annotated[Path, typer.Argument(help="npz to write: poses, openness, covariance, valid")],
) -> None:
    """Decode poses from action images."""
    from ..codec.files import decode_file

    decode_file(source, target)
