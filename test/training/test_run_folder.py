import json
from dataclasses import replace

import pytest

from action_images_ros.training.run_folder import RunFolder


@pytest.fixture
def run(tmp_path, config):
    """A run that stopped, with a checkpoint of step 2 and one more line of metrics."""
    run = RunFolder(tmp_path / "run")
    run.begin(config, 0, run.check(config, resume=False))
    for step in (1, 2, 3):
        run.note({"step": step})
    run.checkpoint.write_bytes(b"")
    return run


def test_steps_that_are_done_again_are_taken_out_of_the_metrics(run, config):
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "mo')
    assert run.begin(config, 2, run.check(config, resume=True)) == ""
    run.note({"step": 3})
    assert [json.loads(line)["step"] for line in (run.path / "metrics.jsonl").read_text().splitlines()] == [1, 2, 3]


def test_another_model_cannot_go_on_and_nothing_is_touched(run, config):
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="model.*--init"):
        run.check(replace(config, model={"width": 48}), resume=True)
    assert before == {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
