import multiprocessing
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from action_images_ros.training.batches import BatchMaker
from action_images_ros.training.loader import InstructionTable, MicroBatches, default_workers, load_batches
from action_images_ros.training.windows import WindowSampler


def maker_of(episodes, config, encode_text):
    return BatchMaker(WindowSampler(episodes, config), encode_text, config)


def same(a, b):
    return a.canvas.mode == b.canvas.mode and a.seeds == b.seeds and torch.equal(a.images, b.images)


def test_any_number_of_workers_makes_the_same_batches_in_order(episodes, config, encode_text):
    maker = maker_of(episodes, replace(config, steps=6), encode_text)
    expected = list(load_batches(maker, 1, workers=0))
    assert len(expected) == 5 and same(expected[0], maker.make(1))
    made = list(load_batches(maker, 1, workers=2))
    assert all(same(a, b) for a, b in zip(expected, made, strict=True))


def test_processes_and_micro_batches_together_have_the_whole_batch_once(episodes, config, encode_text):
    divided = replace(config, batch_size=12, accumulate=2, steps=3)
    maker = maker_of(episodes, divided, encode_text)
    whole = maker.make(2)
    parts = [MicroBatches(maker, rank, 3)[2 * 2 + micro] for rank in range(3) for micro in range(2)]
    assert [len(part.seeds) for part in parts] == [2] * 6
    assert sum((part.seeds for part in parts), []) == whole.seeds


def test_a_batch_that_cannot_be_divided_is_refused(episodes, config, encode_text):
    with pytest.raises(ValueError, match="batch_size = 3.*multiple of 2"):
        MicroBatches(maker_of(episodes, config, encode_text), 0, 2)


def test_an_error_in_a_worker_reaches_the_training(episodes, config):
    def broken(texts):
        raise KeyError("no such instruction")

    with pytest.raises(KeyError, match="no such instruction"):
        next(load_batches(maker_of(episodes, config, broken), 0, workers=1))


def test_instructions_come_out_of_the_table_as_the_encoder_gives_them():
    calls = []

    def encode(texts):
        calls.append(texts)
        tokens, mask = np.zeros((1, 6, 4), np.float32), np.zeros((1, 6), bool)
        n = len(texts[0].split())
        tokens[0, :n], mask[0, :n] = len(texts[0]), True
        return tokens, mask

    table = InstructionTable(encode, ["lift the block", "push", "push"])
    tokens, mask = table.encode(["push", "lift the block", "push"])
    assert len(calls) == 2 and tokens.dtype == np.float32 and tokens.shape == (3, 6, 4)
    assert mask.sum(1).tolist() == [1, 3, 1]
    np.testing.assert_array_equal(tokens[1], encode(["lift the block"])[0][0])


def test_one_loader_beside_a_processor_the_cores_beside_a_gpu(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    assert default_workers(1, gpu=False) == default_workers(2, gpu=False) == 1
    assert default_workers(1, gpu=True) == 12 and default_workers(4, gpu=True) == 3


UNCLOSED = """
import multiprocessing, signal, sys, time
import torch
from torch.utils.data import DataLoader
from action_images_ros.training.loader import _as_it_is, _start

signal.signal(signal.SIGTERM, lambda *_: sys.exit(15))  # as libraries do; a worker inherits it
def stuck(worker):
    _start(worker)
    time.sleep(600)  # a worker that can no longer be told to end
batches = iter(DataLoader([1, 2], batch_size=None, num_workers=1, worker_init_fn=stuck,
                          multiprocessing_context="fork", collate_fn=_as_it_is))
pid = multiprocessing.active_children()[0].pid
print(pid, flush=True)
time.sleep(1.0)
"""


def test_a_worker_that_hangs_does_not_keep_the_process_from_ending():
    ended = subprocess.run([sys.executable, "-c", UNCLOSED], capture_output=True, text=True, timeout=60)
    pid = int(ended.stdout)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_workers_are_no_part_of_the_group_that_a_terminal_signals(episodes, config, encode_text):
    maker = maker_of(episodes, replace(config, steps=4), encode_text)
    before = set(multiprocessing.active_children())
    batches = load_batches(maker, 0, workers=1)
    next(batches)
    (worker,) = set(multiprocessing.active_children()) - before
    assert os.getpgid(worker.pid) != os.getpgrp()
    batches.close()
