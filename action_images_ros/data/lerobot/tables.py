"""The tables of a LeRobot dataset: parquet as pandas and `datasets` expect it, and the statistics of features."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ...safe_files import whole_file

__all__ = [
    "CHUNK",
    "FLOATS",
    "episode_statistics",
    "merged_statistics",
    "pyarrow",
    "read_rows",
    "write_rows",
    "write_tasks",
]

CHUNK = 1000
"""Files per chunk folder."""
FLOATS = {"float32": "float", "float64": "double", "int64": "int64"}
"""Arrow's names of numpy's types."""
Statistics = dict[str, dict[str, list[Any]]]
_QUANTILES = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}


def pyarrow() -> tuple[Any, Any]:
    """(pyarrow, pyarrow.parquet); ValueError with the remedy where it is not installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ValueError(
            "pyarrow is not installed, LeRobot datasets need it; pip install 'action_images_ros[data]'"
        ) from None
    return pa, pq


def read_rows(path: Path, *, episode: int | None = None, without: str = "") -> list[dict[str, Any]]:
    """Rows of a parquet file (of one episode), without the columns whose name begins with `without`."""
    pa, pq = pyarrow()
    if not path.is_file():
        raise ValueError(f"{path} is missing; copy the dataset again")
    try:
        names = [name for name in pq.read_schema(path).names if not (without and name.startswith(without))]
        filters = None if episode is None or "episode_index" not in names else [("episode_index", "=", episode)]
        rows: list[dict[str, Any]] = pq.read_table(path, columns=names, filters=filters, partitioning=None).to_pylist()
        return rows
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"{path} is no readable parquet file ({error}); copy the dataset again") from None


def write_rows(path: Path, columns: dict[str, np.ndarray], types: dict[str, str]) -> None:
    """Columns `[N]` or `[N, k]` (lists of fixed length) to a parquet file, whole or not at all."""
    pa, pq = pyarrow()
    arrays = []
    for column in columns.values():
        kind = pa.type_for_alias(types[column.dtype.name])
        flat = pa.array(np.ascontiguousarray(column).reshape(-1), kind)
        arrays.append(flat if column.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, column.shape[1]))
    with whole_file(path) as part:
        pq.write_table(pa.table(dict(zip(columns, arrays, strict=True))), part)


def write_tasks(path: Path, tasks: list[str]) -> None:
    """meta/tasks.parquet: column task_index, the sentences as the index of the pandas table that lerobot reads."""
    pa, pq = pyarrow()
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), "task": pa.array(tasks, pa.string())})
    kinds = {"task_index": "int64", "task": "object"}
    pandas = {
        "index_columns": ["task"],
        "column_indexes": [],
        "pandas_version": "2.0.0",
        "columns": [
            {
                "name": name,
                "field_name": name,
                "pandas_type": "unicode" if kind == "object" else kind,
                "numpy_type": kind,
                "metadata": None,
            }
            for name, kind in kinds.items()
        ],
    }
    pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(pandas)}), path)


def _describe(values: np.ndarray) -> dict[str, np.ndarray]:
    """Statistics over the first axis of `[N, k]`."""
    numbers = {
        "min": values.min(0),
        "max": values.max(0),
        "mean": values.mean(0),
        "std": values.std(0),
        "count": np.array([len(values)]),
    }
    quantiles = np.quantile(values, list(_QUANTILES.values()), axis=0)
    return numbers | dict(zip(_QUANTILES, quantiles, strict=True))


def episode_statistics(columns: dict[str, np.ndarray], images: dict[str, np.ndarray]) -> Statistics:
    """Per feature min, max, mean, std, count, quantiles; of pictures `[T, H, W, 3]` per channel in [0, 1], `[3, 1, 1]`.

    count of pictures is their number, as lerobot counts them. Of long episodes at most 100 pictures are taken.
    """
    result = {
        key: {
            name: number.tolist()
            for name, number in _describe(column.reshape(len(column), -1).astype(np.float64)).items()
        }
        for key, column in columns.items()
    }
    for key, pictures in images.items():
        chosen = pictures[np.unique(np.linspace(0, len(pictures) - 1, min(len(pictures), 100)).astype(int))]
        numbers = _describe(chosen.reshape(-1, 3) / 255.0)
        result[key] = {name: number.reshape(3, 1, 1).tolist() for name, number in numbers.items() if name != "count"}
        result[key]["count"] = [len(chosen)]
    return result


def merged_statistics(episodes: list[Statistics]) -> Statistics:
    """Statistics of all episodes from those of each: exact but for the quantiles, which are weighted means."""
    merged = {}
    for key in episodes[0]:
        parts = [{name: np.array(value) for name, value in episode[key].items()} for episode in episodes]
        counts = np.array([part["count"][0] for part in parts], dtype=float)
        weights = (counts / counts.sum()).reshape(-1, *[1] * parts[0]["mean"].ndim)

        def mean_of(name: str, parts: list[Any] = parts, weights: Any = weights) -> Any:
            return (weights * np.stack([part[name] for part in parts])).sum(0)

        mean = mean_of("mean")
        spread = np.stack([part["std"] ** 2 + (part["mean"] - mean) ** 2 for part in parts])
        merged[key] = {
            "min": np.min([part["min"] for part in parts], 0),
            "max": np.max([p["max"] for p in parts], 0),
            "mean": mean,
            "std": np.sqrt((weights * spread).sum(0)),
            "count": np.array([int(counts.sum())]),
            **{name: mean_of(name) for name in _QUANTILES},
        }
        merged[key] = {name: value.tolist() for name, value in merged[key].items()}
    return merged
