import os

import pytest
from crashing_jobs import crash, crash_once, refuse

from action_images_ros.cell.workers import in_workers


def test_a_crash_takes_nothing_with_it(tmp_path, monkeypatch):
    monkeypatch.delenv("LP_NUM_THREADS", raising=False)
    results = list(in_workers(crash_once, [(tmp_path / "crashed", n) for n in range(6)], 2))
    assert sorted(results) == [(n, "1") for n in range(6)]
    assert (tmp_path / "crashed").exists()


@pytest.mark.parametrize("jobs", [[0, 1, 2, 3, 4, 5], [3, 0, 1], [3]])
def test_a_job_that_always_crashes_is_named_after_all_others_are_done(jobs):
    done = []
    with pytest.raises(RuntimeError, match="at 3.* 1 jobs.* workers than 2"):
        for result in in_workers(crash, jobs, 2):
            done.append(result)
    assert sorted(done) == sorted(set(jobs) - {3})


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_of_a_job_come_out(workers):
    with pytest.raises(ValueError, match="is refused"):
        list(in_workers(refuse, range(4), workers))


def test_one_worker_is_this_process():
    assert list(in_workers(lambda job: os.getpid() + job, [0, 1], 1)) == [os.getpid(), os.getpid() + 1]
