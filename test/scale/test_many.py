"""The order of things, with a pool that runs everything at once in this process."""

import json

import pytest
from scripted_labeller import scripted

from action_images_ros.scale.bags import find_bags
from action_images_ros.scale.manifest import Manifest
from action_images_ros.scale.many import label_many
from action_images_ros.scale.worker import Outcome, Worker


class Inline:
    """A pool of one worker in this process; `lose`: bags whose first try ends with a lost worker, after the work for
    those in `late`, before it for the others."""

    def __init__(self, make, lose=(), late=()):
        self._worker, self._outcomes, self.started = Worker(make), [], []
        self._worker.begin()
        self._lose, self._late = set(lose), set(late)

    def idle(self):
        return 1 - len(self._outcomes)

    def start(self, job):
        self.started.append(job.name)
        if job.name in self._lose:
            self._lose.remove(job.name)
            if job.name in self._late:
                self._worker.label(job)
            self._outcomes.append(Outcome(job.name, "lost", "w", 1.0, "its worker died"))
        else:
            self._outcomes.append(self._worker.label(job))

    def wait(self, seconds):
        outcomes, self._outcomes = self._outcomes, []
        return outcomes


def run(tmp_path, bags, pool, **options):
    with Manifest(tmp_path / "out", find_bags([bags]), {}) as manifest:
        return label_many(manifest, pool, **options)


def test_every_bag_is_done_once_and_a_second_run_has_nothing_to_do(tmp_path, bags):
    pool = Inline(scripted())
    summary = run(tmp_path, bags, pool)
    assert len(summary.done) == 5 and not summary.failed and pool.started == ["b0", "b1", "b2", "b3", "b4"]
    again = run(tmp_path, bags, pool)
    assert len(again.done) == 5 and again.resumed == 5 and len(pool.started) == 5


def test_a_bad_bag_fails_at_once_and_the_others_go_on(tmp_path, bags):
    (bags / "broken.mcap").write_bytes(b"nonsense")
    pool = Inline(scripted())
    summary = run(tmp_path, bags, pool)
    assert [e.name for e in summary.failed] == ["broken"] and len(summary.done) == 5
    assert pool.started.count("broken") == 1 and "neither MCAP" in summary.failed[0].error
    assert not (tmp_path / "out" / "broken").exists()
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["failed"] == 1


def test_a_lost_worker_costs_a_try(tmp_path, bags):
    pool = Inline(scripted(), lose=["b1"])
    summary = run(tmp_path, bags, pool)
    assert len(summary.done) == 5 and summary.retried == 1 and pool.started[-1] == "b1"
    assert next(e for e in summary.entries if e.name == "b1").attempts == 2


def test_a_worker_lost_after_the_bag_appeared_costs_nothing(tmp_path, bags):
    pool = Inline(scripted(), lose=["b1"], late=["b1"])
    summary = run(tmp_path, bags, pool)
    assert len(summary.done) == 5 and summary.retried == 0 and pool.started.count("b1") == 1


def test_retries_have_a_limit(tmp_path, bags):
    def stumbling(bag, output):
        raise OSError("no space left")

    pool = Inline(lambda: stumbling)
    summary = run(tmp_path, bags, pool, retries=1)
    assert len(summary.failed) == 5 and len(pool.started) == 10
    assert all(entry.attempts == 2 and "no space left" in entry.error for entry in summary.failed)


def test_work_that_only_others_can_see_is_not_called_done(tmp_path, bags):
    class Elsewhere(Inline):
        def start(self, job):
            self._outcomes.append(Outcome(job.name, "done", "w", 1.0))

    summary = run(tmp_path, bags, Elsewhere(scripted()))
    assert len(summary.failed) == 5 and "do all workers see that folder" in summary.failed[0].error


def test_a_negative_number_of_retries_is_refused(tmp_path, bags):
    with pytest.raises(ValueError, match="retries is -1"):
        run(tmp_path, bags, Inline(scripted()), retries=-1)
