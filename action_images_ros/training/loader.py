"""Batches made ahead of the training by loading processes; their number does not change the batches."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from .batches import BatchMaker, PackedBatch

AHEAD = 2
"""Batches that each process makes ahead."""
MOST_WORKERS = 12


def default_workers(processes: int, gpu: bool) -> int:
    """Loading processes of each training process: one beside training on a CPU, all cores beside a GPU."""
    return min(MOST_WORKERS, max(1, (os.cpu_count() or 1) // processes - 1)) if gpu else 1


class MicroBatches(Dataset):
    """Item ``step * accumulate + micro`` is that part of the step's batch which process ``rank`` trains on then."""

    def __init__(self, maker: BatchMaker, rank: int = 0, processes: int = 1):
        config = maker.config
        parts = processes * config.accumulate
        if config.batch_size % parts:
            raise ValueError(
                f"batch_size = {config.batch_size} cannot be divided among {processes} processes x accumulate = "
                f"{config.accumulate}: make it a multiple of {parts}"
            )
        self.maker, self.rank, self.size = maker, rank, config.batch_size // parts

    def __len__(self) -> int:
        return self.maker.config.steps * self.maker.config.accumulate

    def __getitem__(self, item: int) -> PackedBatch:
        step, micro = divmod(item, self.maker.config.accumulate)
        first = (self.rank * self.maker.config.accumulate + micro) * self.size
        return replace(self.maker.make(step, range(first, first + self.size)), windows=[])


class InstructionTable:
    """Encodes instructions that were all encoded before; cheap to call, and safe in a process that was forked.

    encode: as `TextEncoder.encode`. Texts are kept without their padding.
    """

    def __init__(self, encode, instructions):
        self.rows: dict[str, np.ndarray] = {}
        for text in dict.fromkeys(instructions):
            tokens, mask = encode([text])
            self.shape, self.rows[text] = tokens.shape[1:], tokens[0, : int(mask[0].sum())].copy()

    def encode(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Tokens float32 [B, L, D], zeros where padded, and their mask bool [B, L]."""
        tokens = np.zeros((len(texts), *self.shape), np.float32)
        mask = np.zeros(tokens.shape[:2], bool)
        for row, text in enumerate(texts):
            known = self.rows[text]
            tokens[row, : len(known)], mask[row, : len(known)] = known, True
        return tokens, mask


def load_batches(
    maker: BatchMaker, first_step: int, *, workers: int, rank: int = 0, processes: int = 1, pin: bool = False
) -> Generator[PackedBatch, None, None]:
    """The micro-batches of process ``rank`` from ``first_step`` to the end of the recipe, in order.

    workers: processes that make them, started at once; 0: made when asked for. pin: in page-locked memory, for a GPU.
    Close the generator to end the processes.
    """
    if workers < 0:
        raise ValueError(f"workers is {workers}; give the number of loading processes, 0 or more")
    parts = MicroBatches(maker, rank, processes)
    items = range(first_step * maker.config.accumulate, len(parts))
    ahead = {"prefetch_factor": AHEAD, "multiprocessing_context": "fork", "worker_init_fn": _start} if workers else {}
    return _closing(
        iter(
            DataLoader(
                parts,
                batch_size=None,
                sampler=items,
                num_workers=workers,
                collate_fn=_as_it_is,
                pin_memory=pin,
                **ahead,
            )
        )
    )


def _closing(batches: Iterator[PackedBatch]) -> Generator[PackedBatch, None, None]:
    """The same as a generator, whose `close` drops the only reference to the loader: that ends its processes."""
    yield from batches


def _as_it_is(batch: PackedBatch) -> PackedBatch:
    return batch


def _start(_worker: int) -> None:
    """Signals sent to the whole group, by a terminal or a launcher, are for the training process, which ends its
    loaders: they are a group apart, and no handler of that process is theirs. One thread each."""
    os.setpgrp()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
