"""Static int8 quantisation of an exported graph, by onnxruntime, calibrated on observations of the cell."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np

__all__ = ["quantise_graph"]

OPERATIONS = ("Conv",)  # measured: quantising the matrix products as well makes the file smaller, but no faster


def quantise_graph(source: Path, target: Path, feeds: Iterable[dict[str, np.ndarray]]) -> Path:
    """Write the int8 version of `source` (float) to `target`: weights per channel, activations by range.

    feeds: inputs of the graph, one dictionary per observation, to take the ranges from. Raises ValueError
    where the package `onnx` is missing.
    """
    try:
        import onnx
    except ImportError as error:
        raise ValueError(f"int8 needs {error.name}: pip install 'action_images_ros[train]'") from None
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._feeds = iter(feeds)

        def get_next(self):
            return next(self._feeds, None)

    prepared = target.with_suffix(".prepared")
    try:
        with _quiet():
            quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
            quantize_static(
                str(prepared),
                str(target),
                Reader(),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(OPERATIONS),
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
    finally:
        prepared.unlink(missing_ok=True)
    graph = onnx.load(target)
    said = {p.key: p.value for p in onnx.load(source, load_external_data=False).metadata_props}
    del graph.metadata_props[:]
    onnx.helper.set_model_props(graph, said | {"int8": "True"})
    onnx.save(graph, target)
    return target


@contextlib.contextmanager
def _quiet():
    """Without the advice that the root logger is given on every call."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.root.setLevel(level)
