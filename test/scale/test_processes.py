import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from recordings import tree
from scripted_labeller import scripted

from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.scale.bags import find_bags
from action_images_ros.scale.manifest import Manifest
from action_images_ros.scale.many import label_many
from action_images_ros.scale.processes import ProcessPool
from action_images_ros.scale.worker import StartError


def test_a_worker_killed_in_the_middle_loses_nothing(tmp_path, bags):
    (tmp_path / "log").mkdir()
    before = tree(bags)
    pool = ProcessPool(scripted(log=tmp_path / "log", kill="b1", stumble="b3"), workers=2)
    try:
        with Manifest(tmp_path / "out", find_bags([bags]), {}) as manifest:
            notes = []
            summary = label_many(manifest, pool, progress=lambda *state: notes.append(state))
    finally:
        pool.close()
    assert len(summary.done) == 5 and summary.retried == 2
    tries = [path.name.split(".")[0] for path in (tmp_path / "log").iterdir()]
    assert sorted(tries) == ["b0", "b1", "b1", "b2", "b3", "b3", "b4"]
    for index in range(5):
        with Bag(tmp_path / "out" / f"b{index}") as bag:
            assert bag.topics["/label/note"].count == 1
    assert any("b1: its worker died (signal SIGKILL" in note for *_, note in notes)
    assert notes[-1][:3] == (5, 0, 5)
    assert not list((tmp_path / "out" / ".work").iterdir()) and tree(bags) == before
    assert not any(worker.process.is_alive() for worker in pool._all)


RUN = """
import sys
from scripted_labeller import scripted
from action_images_ros.scale.bags import find_bags
from action_images_ros.scale.manifest import Manifest
from action_images_ros.scale.many import label_many
from action_images_ros.scale.processes import ProcessPool

if __name__ == "__main__":
    with Manifest(sys.argv[2], find_bags([sys.argv[1]]), {}) as manifest:
        label_many(manifest, ProcessPool(scripted(log=sys.argv[3], hang="b1"), 1))
"""


def test_a_run_that_is_killed_leaves_no_worker_behind_and_goes_on(tmp_path, bags):
    (tmp_path / "log").mkdir()
    (tmp_path / "run.py").write_text(RUN)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    run = subprocess.Popen(
        [sys.executable, tmp_path / "run.py", bags, tmp_path / "out", tmp_path / "log"], env=environment
    )
    while not (begun := list((tmp_path / "log").glob("b1.*"))):  # b0 is done, b1 is in the worker's hands
        assert run.poll() is None
        time.sleep(0.05)
    run.kill()
    run.wait()
    worker = int(begun[0].name.split(".")[1])
    while _lives(worker):
        time.sleep(0.05)
    pool = ProcessPool(scripted(log=tmp_path / "log"), 1)
    try:
        with Manifest(tmp_path / "out", find_bags([bags]), {}) as manifest:
            summary = label_many(manifest, pool)
    finally:
        pool.close()
    assert len(summary.done) == 5 and summary.resumed == 1
    assert len(list((tmp_path / "log").glob("b0.*"))) == 1 and len(list((tmp_path / "log").glob("b1.*"))) == 2


def _lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_wrong_model_ends_the_run_with_its_message():
    pool = ProcessPool(scripted(fail_start="model is 'none'; choose nano"), workers=1)
    try:
        with pytest.raises(StartError, match="choose nano"):
            while True:
                pool.wait(5.0)
    finally:
        pool.close()


def test_no_workers_are_refused():
    with pytest.raises(ValueError, match="workers is 0"):
        ProcessPool(scripted(), workers=0)
