"""A labeller without a model, for tests of what runs labellers: it copies a recording and adds a label per picture."""

import functools
import os
import signal
import time
from pathlib import Path

from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.data.rosbag2.writer import BagWriter


def scripted(log=None, kill="", stumble="", hang="", fail_start=""):
    """A function that makes the labeller, which can be pickled. log: folder with one file per try begun, NAME.PID.N.

    kill: name of the bag whose first try kills the worker after half of the work; stumble: whose first try raises
    OSError; hang: whose first try never ends. fail_start: what making the labeller fails with.
    """
    return functools.partial(_make, log and str(log), kill, stumble, hang, fail_start)


def _make(log, kill, stumble, hang, fail_start):
    if fail_start:
        raise ValueError(fail_start)
    return functools.partial(_label, log, kill, stumble, hang)


def _label(log, kill, stumble, hang, bag, output):
    tries = 0
    if log:
        tries = len(list(Path(log).glob(f"{output.name}.*")))
        (Path(log) / f"{output.name}.{os.getpid()}.{tries}").write_text(str(os.getpid()))
    while output.name == hang and tries == 0:
        time.sleep(0.1)
    with Bag(bag) as source, BagWriter(output) as writer:
        writer.copy(source)
        if output.name == kill and tries == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if output.name == stumble and tries == 0:
            raise OSError("the disk took a break")
        writer.add_topic("/label/note", "std_msgs/msg/String", "latched")
        note = writer.typestore.types["std_msgs/msg/String"](data=f"label of {output.name}")
        writer.write("/label/note", note, source.end_ns)
        return {"frames": source.topics["/cell/current_pose"].count, "position_mm_median": 1.5}
