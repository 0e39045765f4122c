"""The processes of one training: rank, device, and communication.

`accelerate launch` starts them and describes them in the environment; without it there is one process. Each process
holds the whole model (DDP), or a shard with `accelerate launch --use_fsdp` (PyTorch's `fully_shard`).
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

import torch
import torch.distributed as dist
from accelerate import PartialState
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

PATIENCE = timedelta(hours=1)
"""How long the others wait for one that validates."""


class Processes:
    """rank: number of this process, 0 is the one that writes. count: how many. device: torch device of this one."""

    def __init__(self) -> None:
        wanted = os.environ.get("ACCELERATE_USE_CPU", "false").lower() == "true"
        state = PartialState(cpu=wanted or not torch.cuda.is_available(), timeout=PATIENCE)
        self.rank, self.count, self.device = state.process_index, state.num_processes, state.device
        asked = int(os.environ.get("WORLD_SIZE", 1))
        if self.count != asked:  # each would train alone and write over the others
            raise RuntimeError(f"WORLD_SIZE is {asked}, but {self.count} processes train together: start them anew")
        self.sharded = self.count > 1 and os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"

    @property
    def main(self) -> bool:
        return self.rank == 0

    @property
    def description(self) -> str:
        """Such as "cpu x 2" or "NVIDIA H100 80GB HBM3 x 8, sharded"."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        return name + (f" x {self.count}" if self.count > 1 else "") + (", sharded" if self.sharded else "")

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model as all processes train it; call this before the optimiser is made. Sharding works in place."""
        if self.count == 1:
            return model
        if self.sharded:
            mesh = init_device_mesh(self.device.type, (self.count,))
            for block in model.blocks:
                fully_shard(block, mesh=mesh)
            return fully_shard(model, mesh=mesh)
        devices = [self.device.index] if self.device.type == "cuda" else None
        # A step has one mode, and most modes leave a stem or a decoder out.
        return DistributedDataParallel(model, device_ids=devices, find_unused_parameters=True)

    def accumulating(self, wrapped: nn.Module, last: bool) -> AbstractContextManager:
        """Around forward and backward of a micro-batch: gradients are exchanged in the last one only."""
        if isinstance(wrapped, FSDPModule):
            wrapped.set_requires_gradient_sync(last)
        elif isinstance(wrapped, DistributedDataParallel) and not last:
            return wrapped.no_sync()
        return nullcontext()

    def mean(self, values: dict[str, Tensor]) -> dict[str, float]:
        """Scalars averaged over the processes; the same names in each."""
        stacked = torch.stack([value.float() for value in values.values()])
        if self.count > 1:
            dist.all_reduce(stacked)
            stacked /= self.count
        return dict(zip(values, stacked.tolist(), strict=True))

    def largest(self, number: int) -> int:
        """The largest of the numbers that the processes give."""
        if self.count == 1:
            return number
        shared = torch.tensor(number, device=self.device)
        dist.all_reduce(shared, dist.ReduceOp.MAX)
        return int(shared)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.count > 1:
            dist.barrier()


def whole(tensor: Tensor) -> Tensor:
    """A tensor with all its shards, on the CPU; all processes must ask for it."""
    return (tensor.full_tensor() if isinstance(tensor, DTensor) else tensor).detach().cpu()


def sharded_as(tensor: Tensor, other: Tensor) -> Tensor:
    """A whole tensor on the device and in the shards of `other`; all processes must ask for it."""
    there = tensor.to(other.device)
    return distribute_tensor(there, other.device_mesh, other.placements) if isinstance(other, DTensor) else there
