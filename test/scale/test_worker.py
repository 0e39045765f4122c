import json

from recordings import tree
from scripted_labeller import scripted

from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.scale.manifest import report_path, work_folder
from action_images_ros.scale.worker import Job, Worker


def worker(**script):
    made = Worker(scripted(**script))
    assert made.begin() == ""
    return made


def test_the_bag_appears_with_its_report_and_the_original_is_not_touched(tmp_path, bags):
    before = tree(bags)
    outcome = worker().label(Job("day/b0", str(bags / "b0"), str(tmp_path / "out")))
    assert (outcome.name, outcome.state) == ("day/b0", "done")
    with Bag(tmp_path / "out" / "day" / "b0") as bag:
        assert bag.topics["/label/note"].count == 1
    report = json.loads(report_path(tmp_path / "out", "day/b0").read_text())
    assert report["frames"] == 3 and report["bag"] == str(bags / "b0") and report["worker"] == outcome.worker
    assert report["output"] == str(tmp_path / "out" / "day" / "b0")
    assert not work_folder(tmp_path / "out", "day/b0").exists() and tree(bags) == before


def test_a_bag_that_is_there_is_not_labelled_again(tmp_path, bags):
    (tmp_path / "log").mkdir()
    job = Job("b0", str(bags / "b0"), str(tmp_path / "out"))
    one = worker(log=tmp_path / "log")
    assert one.label(job).state == "done"
    before = tree(tmp_path / "out" / "b0")
    assert one.label(job).state == "done"
    assert tree(tmp_path / "out" / "b0") == before and len(list((tmp_path / "log").iterdir())) == 1


def test_two_workers_never_have_the_same_bag(tmp_path, bags):
    job = Job("b0", str(bags / "b0"), str(tmp_path / "out"))
    second = worker()

    def label(bag, output):
        said.append(second.label(job))
        return inner(bag, output)

    said, inner = [], scripted()()
    first = Worker(lambda: label)
    first.begin()
    assert first.label(job).state == "done"
    assert said[0].state == "error" and "held by another worker" in said[0].error


def test_what_a_try_left_is_there_at_the_next(tmp_path, bags):
    def label(bag, output):
        kept = output.parent / "windows.part"
        if not kept.exists():
            kept.write_text("half")
            raise OSError("crash")
        return scripted()()(bag, output)

    job = Job("b0", str(bags / "b0"), str(tmp_path / "out"))
    one = Worker(lambda: label)
    one.begin()
    assert one.label(job).state == "error"
    assert not (tmp_path / "out" / "b0").exists()
    assert one.label(job).state == "done"


def test_a_bad_bag_is_told_from_a_passing_error(tmp_path, bags):
    (tmp_path / "broken.mcap").write_bytes(b"nonsense")
    (tmp_path / "log").mkdir()
    one = worker(log=tmp_path / "log", stumble="b1")
    bad = one.label(Job("broken", str(tmp_path / "broken.mcap"), str(tmp_path / "out")))
    assert bad.state == "bad" and "neither MCAP nor sqlite3" in bad.error
    error = one.label(Job("b1", str(bags / "b1"), str(tmp_path / "out")))
    assert error.state == "error" and "OSError: the disk took a break (scripted_labeller.py" in error.error


def test_a_labeller_that_writes_nothing_is_an_error(tmp_path, bags):
    one = Worker(lambda: lambda bag, output: {})
    one.begin()
    outcome = one.label(Job("b0", str(bags / "b0"), str(tmp_path / "out")))
    assert outcome.state == "error" and "without writing" in outcome.error
    assert not report_path(tmp_path / "out", "b0").exists()


def test_why_a_worker_cannot_start_is_told():
    assert Worker(scripted(fail_start="model is 'none'; choose nano")).begin() == "model is 'none'; choose nano"
