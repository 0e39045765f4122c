"""Label an archive of recordings: manifest, shared settings, and the model of every worker."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..labelling.offline import LabelOptions
from ..paths import models_path
from .bags import find_bags
from .manifest import Manifest
from .many import Progress, Summary, label_many
from .worker import Job, LabelBag, MakeLabeller, Outcome, Pool

__all__ = ["Workers", "fingerprint", "label_archive", "make_labeller"]

_ENDS = 1 << 20  # of a large file its first and last MiB are read: weights differ there, and 20 GB take too long


@dataclass(frozen=True)
class Workers:
    """Who does it. ray: address of a cluster, `local`, or empty: processes of this machine. count: workers; None: one
    process, or with Ray as many as there is room for. cpus, gpus: what a Ray worker takes. threads: of the model in
    each, None: its share of the processors. retries: tries more after an error that may pass."""

    ray: str = ""
    count: int | None = None
    cpus: float = 1.0
    gpus: float = 0.0
    threads: int | None = None
    retries: int = 2

    def pool(self, make: MakeLabeller) -> Pool:
        """The workers, started."""
        if self.ray:
            from .ray_pool import RayPool

            return RayPool(make, self.ray, workers=self.count, cpus=self.cpus, gpus=self.gpus)
        from .processes import ProcessPool

        return ProcessPool(make, 1 if self.count is None else self.count)

    def model_threads(self) -> int:
        """Threads of each worker's model."""
        if self.threads is not None:
            return self.threads
        return max(1, int(self.cpus) if self.ray else (os.cpu_count() or 1) // max(self.count or 1, 1))


def fingerprint(model: str | os.PathLike) -> str:
    """16 hexadecimal digits that identify the content of a model folder: names, sizes, and each file's ends."""
    folder = Path(models_path(model))
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()} {size}\n".encode())
        with open(path, "rb") as file:
            digest.update(file.read(_ENDS))
            file.seek(max(0, size - _ENDS))
            digest.update(file.read(_ENDS))
    return digest.hexdigest()[:16]


def make_labeller(model: str, expected: str, options: LabelOptions, threads: int | None) -> LabelBag:
    """Load the model in a worker; `expected` is the fingerprint that it must have there."""
    from ..labelling.offline import label_bag
    from ..policy.registry import load_policy

    folder = models_path(model)
    if fingerprint(folder) != expected:
        raise ValueError(f"model {model} is another one in the worker ({folder}); every node needs the same")
    return functools.partial(_label, label_bag, load_policy(folder, threads=threads), str(folder), options)


def _label(label_bag: Callable, model: Any, name: str, options: LabelOptions, bag: Path, output: Path) -> dict:
    return label_bag(bag, output, model, options, model_name=name)


def label_archive(
    sources: Iterable[str | Path],
    output: str | Path,
    model: str | os.PathLike,
    options: LabelOptions,
    workers: Workers = Workers(),
    *,
    progress: Progress | None = None,
    make: MakeLabeller | None = None,
) -> Summary:
    """Label all recordings of `sources` (see `find_bags`) into the folder `output`; called again it resumes.

    The folder gets `NAME` (the recording with labels), `reports/NAME.json`, `manifest.jsonl` and `summary.json`.
    make: makes the labeller in each worker (default: `make_labeller` with the model). Raises ValueError and
    FileNotFoundError before anything is labelled: bad sources, model or Ray address, an output folder of other things.
    """
    bags = find_bags(sources)
    model, options = _absolute(model), _elsewhere(options)
    marks = fingerprint(model)
    common = {
        "model": Path(models_path(model)).name,
        "model_files": marks,
        **json.loads(
            json.dumps({name: value for name, value in asdict(options).items() if name != "batch"}, default=str)
        ),
    }
    make = make or functools.partial(make_labeller, str(model), marks, options, workers.model_threads())
    with Manifest(output, bags, common) as manifest:
        if all(entry.state == "done" for entry in manifest.entries()):
            return label_many(manifest, _NoPool(), progress=progress)
        pool = workers.pool(make)
        try:
            return label_many(manifest, pool, retries=workers.retries, progress=progress)
        finally:
            pool.close()


def _absolute(path: str | os.PathLike) -> str:
    """A path that means the same in a worker's folder; a name of something installed stays one."""
    return os.path.abspath(path) if os.path.exists(path) else str(path)


def _elsewhere(options: LabelOptions) -> LabelOptions:
    setup = dict(options.setup)
    if setup.get("calibration_file"):
        setup["calibration_file"] = _absolute(setup["calibration_file"])
    return replace(options, setup=setup, robot=_absolute(options.robot) if options.robot else "")


class _NoPool:
    """Where there is nothing to do no model is loaded."""

    def idle(self) -> int:
        return 0

    def start(self, job: Job) -> None:
        raise RuntimeError(f"{job.name} was to be labelled where nothing is left to do")

    def wait(self, seconds: float) -> list[Outcome]:
        return []

    def close(self) -> None:
        pass
