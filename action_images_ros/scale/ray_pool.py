"""Workers as actors of a Ray cluster: one model each, on a GPU or some of the CPUs."""

from __future__ import annotations

import math
import os
import socket
import time
from dataclasses import dataclass
from typing import Any

from .worker import Job, MakeLabeller, Outcome, StartError, Worker

__all__ = ["RayPool", "room"]

_GROW_SECONDS = 10.0
_MOST_FALSE_STARTS = 3
_INSTALL = "Ray is not installed; `pip install 'action_images_ros[ray]'`, or leave --ray out to use processes"


@dataclass
class _Actor:
    handle: Any
    starting: Any  # reference to what `begin` will say; None when it has
    name: str = "starting"
    job: Job | None = None
    answer: Any = None  # reference to the job's Outcome
    begun: float = 0.0


class RayPool:
    """Actors on the cluster at `address` (`HOST:PORT`, `ray://HOST:PORT`, `auto`), or `local`: one started here for as
    long as the pool lives, with `workers` processors (default all).

    cpus, gpus: what each actor takes (shares are allowed). workers: most actors; None: as many as the cluster has room
    for, also when nodes join or leave. An actor whose process or node dies is replaced where there is room. Every node
    needs this package, the model, and the bags and the output folder under the same paths. See `Pool`.
    Raises ValueError when Ray is missing, the cluster does not answer, or no node has room for one actor.
    """

    def __init__(
        self, make: MakeLabeller, address: str, *, workers: int | None = None, cpus: float = 1.0, gpus: float = 0.0
    ) -> None:
        for name, value in (("workers", 1 if workers is None else workers), ("ray-cpus", cpus)):
            if value <= 0:
                raise ValueError(f"{name} is {value}; give a number above 0")
        if gpus < 0 or (gpus > 1 and gpus != int(gpus)):
            raise ValueError(f"ray-gpus is {gpus}; give 0, a share of one GPU, or a whole number")
        try:
            import ray
        except ImportError:
            raise ValueError(_INSTALL) from None
        self._ray, self._wanted, self._needs = ray, workers, {"CPU": cpus, "GPU": gpus}
        self._connect(address, workers, cpus, gpus)
        try:
            self._make = ray.put(make)
            self._class = ray.remote(num_cpus=cpus, num_gpus=gpus, max_restarts=0, max_task_retries=0)(_RayWorker)
            self._false_starts, self._grown = 0, 0.0
            self._all: list[_Actor] = []
            if room(self._nodes(), self._needs) == 0:
                raise ValueError(
                    f"no node of {address} has room for a worker of {cpus:g} CPU and {gpus:g} GPU; the "
                    f"nodes have {self._nodes()}; change --ray-cpus or --ray-gpus"
                )
            self._grow()
        except BaseException:
            ray.shutdown()
            raise

    def _connect(self, address: str, workers: int | None, cpus: float, gpus: float) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would phone home
        options: dict[str, Any] = {"logging_level": "warning", "log_to_driver": False}
        if address == "local":
            count = math.ceil(workers * cpus) if workers else os.cpu_count() or 1  # the user's number counts
            options |= {"num_cpus": count, "include_dashboard": False, "object_store_memory": 80_000_000}
            if gpus == 0:
                options["num_gpus"] = 0
        else:
            _answers(address)
            options["address"] = address
        try:
            self._ray.init(**options)
        except Exception as error:  # Ray has its own for every layer
            raise ValueError(
                f"the Ray cluster at {address!r} does not take us: {type(error).__name__}: {error}; start "
                "one with `ray start --head`, the same Ray and Python version here and there"
            ) from error

    def _nodes(self) -> list[dict[str, float]]:
        return [
            {key: node["Resources"].get(key, 0.0) for key in self._needs} for node in self._ray.nodes() if node["Alive"]
        ]

    def _grow(self) -> None:
        self._grown = time.monotonic()
        count = room(self._nodes(), self._needs) if self._wanted is None else self._wanted
        self._all += [self._new() for _ in range(count - len(self._all))]

    def _new(self) -> _Actor:
        handle = self._class.remote(self._make)
        return _Actor(handle, handle.begin.remote())

    def idle(self) -> int:
        return sum(actor.starting is None and actor.job is None for actor in self._all)

    def start(self, job: Job) -> None:
        actor = next(actor for actor in self._all if actor.starting is None and actor.job is None)
        actor.job, actor.begun, actor.answer = job, time.monotonic(), actor.handle.label.remote(job)

    def wait(self, seconds: float) -> list[Outcome]:
        if time.monotonic() - self._grown > _GROW_SECONDS:
            self._grow()
        owners = {actor.starting or actor.answer: actor for actor in self._all if actor.starting or actor.answer}
        if not owners:
            time.sleep(min(seconds, 0.1))
            return []
        ready, _ = self._ray.wait(list(owners), num_returns=1, timeout=seconds)
        return [outcome for reference in ready for outcome in self._heard(owners[reference], reference)]

    def _heard(self, actor: _Actor, reference: Any) -> list[Outcome]:
        try:
            said = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            return self._replace(actor, error)
        if actor.starting is not None:
            actor.name, problem = said
            actor.starting, self._false_starts = None, 0
            if problem:
                raise StartError(problem)
            return []
        actor.job = actor.answer = None
        return [Outcome(*said)]

    def _replace(self, actor: _Actor, error: Exception) -> list[Outcome]:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if actor.starting is not None:
            self._false_starts += 1
            if self._false_starts >= _MOST_FALSE_STARTS:
                raise StartError(f"workers end before they are ready: {reason}")
        self._ray.kill(actor.handle)  # one that is only out of reach must not go on
        self._all.remove(actor)
        self._grow()
        if actor.job is None:
            return []
        return [
            Outcome(
                actor.job.name,
                "lost",
                actor.name,
                time.monotonic() - actor.begun,
                f"its worker died ({type(error).__name__}: {reason})",
            )
        ]

    def close(self) -> None:
        for actor in self._all:
            self._ray.kill(actor.handle)
        self._ray.shutdown()


class _RayWorker:
    """The actor; plain tuples travel, so that driver and worker need not pickle alike."""

    def __init__(self, make: MakeLabeller) -> None:
        self._worker = Worker(make)

    def begin(self) -> tuple[str, str]:
        return self._worker.name, self._worker.begin()

    def label(self, job: tuple) -> tuple:
        return tuple(self._worker.label(Job(*job)))


def room(nodes: list[dict[str, float]], needs: dict[str, float]) -> int:
    """Workers that fit on the nodes, were nothing else there. nodes, needs: amounts by resource."""
    return sum(min(int(node.get(key, 0.0) / need + 1e-9) for key, need in needs.items() if need > 0) for node in nodes)


def _answers(address: str, seconds: float = 5.0) -> None:
    """Ray itself tries for a minute and then speaks of its internals; so knock first."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto":
        return
    if not host or not port.isdigit():
        raise ValueError(f"ray is {address!r}; give HOST:PORT, ray://HOST:PORT, auto or local")
    try:
        socket.create_connection((host.strip("[]"), int(port)), seconds).close()
    except (OSError, OverflowError) as error:
        raise ValueError(
            f"no Ray cluster answers at {address}: {error}; start one with `ray start --head "
            f"--port={port}`, check the address and the firewall, or use --ray local"
        ) from None
