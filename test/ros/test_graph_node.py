"""No exception out of a callback ends a node: it is a problem that is reported until the callback runs through."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from std_msgs.msg import String
from std_srvs.srv import Trigger

from action_images_ros.ros.graph_node import GraphNode


class Fragile(GraphNode):
    """Raises wherever it is called until `mended`."""

    def __init__(self, **kwargs):
        super().__init__("fragile", **kwargs)
        self.mended, self.beats, self.heard, self.failures = False, 0, [], []

    def configure(self):
        self.every(0.01, self._on_timer)
        self.create_subscription(String, "words", self._on_word, 10)
        self.serve(Trigger, "~/ask", self._on_ask)

    def failed(self, what, error):
        self.failures.append(what)

    def _fail(self):
        if not self.mended:
            raise IndexError("out of anything")

    def _on_timer(self):
        self._fail()
        self.beats += 1

    def _on_word(self, message):
        self._fail()
        self.heard.append(message.data)

    def _on_ask(self, _, response):
        self._fail()
        response.success = True
        return response


@pytest.fixture
def node(rig):
    return rig.start(Fragile)


def _say(rig, node, word):
    publisher = rig.probe.create_publisher(String, "words", 10)
    rig.spin_until(publisher.get_subscription_count, "the subscription")
    publisher.publish(String(data=word))
    return publisher


def test_a_callback_that_raises_is_reported_and_the_node_goes_on(rig, node):
    publisher = _say(rig, node, "first")
    rig.spin_until(lambda: any("topic" in key for key in node.problems()), "a problem of the topic")
    rig.spin_until(lambda: any("timer" in key for key in node.problems()), "a problem of the timer")
    answer = rig.call(Trigger, "fragile/ask", Trigger.Request())
    assert not answer.success and "IndexError" in answer.message
    assert {what.split()[0] for what in node.failures} == {"topic", "timer", "service"}
    node.mended = True
    publisher.publish(String(data="second"))
    rig.spin_until(lambda: node.heard == ["second"] and node.beats, "a callback that runs through")
    assert rig.call(Trigger, "fragile/ask", Trigger.Request()).success
    assert not node.problems()


class Loader(GraphNode):
    """Notes its priority while it configures, and starts a worker as inference libraries do."""

    def __init__(self, **kwargs):
        super().__init__("loader", **kwargs)
        self.loaded_at, self.worker_id, self.stop = None, 0, threading.Event()

    def configure(self):
        self.loaded_at = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        worker = threading.Thread(target=self.stop.wait)
        worker.start()
        self.worker_id = worker.native_id


def test_a_niced_node_loads_at_full_priority_and_works_at_the_lower_one(rig):
    noted = {}

    def start():  # in a thread of its own: a priority once lowered cannot be raised again
        noted["before"] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        noted["node"] = node = rig.start(Loader, nice=1)
        noted["after"] = [os.getpriority(os.PRIO_PROCESS, t) for t in (threading.get_native_id(), node.worker_id)]

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    noted["node"].stop.set()
    assert noted["node"].loaded_at == noted["before"]
    assert noted["after"] == [min(noted["before"] + 1, 19)] * 2


_SLOW = """
import time
from action_images_ros.ros.graph_node import GraphNode
from action_images_ros.ros.run_node import run_node
class Slow(GraphNode):
    def configure(self):
        print("loading", flush=True)
        while True:
            time.sleep(0.05)
raise SystemExit(run_node(lambda: Slow("slow")))
"""


def test_a_node_that_still_loads_ends_when_it_is_asked_to():
    with subprocess.Popen([sys.executable, "-c", _SLOW], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "loading\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
