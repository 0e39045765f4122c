import pytest
import torch

from action_images_ros.world_model import stopwatch
from action_images_ros.world_model.stopwatch import Stopwatch


def test_laps_of_one_stage_add_up(monkeypatch):
    times = iter([10.0, 11.0, 13.0, 13.5])
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: next(times))
    watch = Stopwatch()
    assert [watch.lap("text"), watch.lap("denoise"), watch.lap("denoise")] == [1.0, 2.0, 0.5]
    assert watch.seconds == {"text": 1.0, "denoise": 2.5}


def test_a_gpu_is_waited_for(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    Stopwatch("cuda").lap("denoise")
    assert len(waited) == 2
    waited.clear()
    assert Stopwatch("cpu").lap("denoise") == pytest.approx(0, abs=1) and not waited
