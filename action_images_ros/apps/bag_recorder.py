"""`action-images record`: record the serialised messages of the running graph.

Topics and quality of service come from the table of topics; messages are neither decoded nor changed.
"""

from __future__ import annotations

import functools
import queue
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions

from ..data.rosbag2.writer import BagWriter
from ..interfaces.topics import TOPICS, Topic, message_type
from ..ros import qos
from ..ros.once import Once

__all__ = ["BagRecorder", "RecordError", "record"]

RESERVE = 64_000_000
"""Recording ends when less space (bytes) is left on the disk, so that the file can still be closed."""
BACKLOG = 512_000_000
"""Bytes that may wait for the disk."""
_DEPTH = 200
_MORE = ("/tf", "/tf_static")
_SHOWN = ("view/",)  # what is shown is made of what is recorded


class RecordError(RuntimeError):
    """Recording cannot start or continue; the message names the reason and the remedy."""


class BagRecorder:
    """Subscribes through `node` to what there is and writes from a thread of its own.

    namespace: of the graph, "" for none. topics: full or relative names, which must all appear; empty: every row of the
    table (but `view/..`) and TF, as far as there are publishers, now or later. Call `look` now and then, `close` at
    last: the recording then is whole under its name. free: free bytes of the disk, to be replaced in tests.
    """

    def __init__(
        self,
        node: Node,
        path: Path,
        namespace: str = "cell",
        topics: Sequence[str] = (),
        *,
        compression: str = "",
        free: Callable[[], int] | None = None,
    ) -> None:
        self._node, self._prefix = node, f"/{namespace.strip('/')}/".replace("//", "/")
        self._wanted = [name if name.startswith("/") else self._prefix + name for name in topics]
        self._writer = BagWriter(path, compression=compression)
        self._free = free or (lambda: shutil.disk_usage(Path(path).parent).free)
        self._queue: queue.SimpleQueue = queue.SimpleQueue()
        self._waiting = 0
        self._subscriptions: dict[str, Any] = {}
        self._said: dict[str, object] = {}  # the volatile ones beside them
        self._unknown: set[str] = set()
        self.problem = ""
        self._thread = threading.Thread(target=self._write, name="recorder", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> dict[str, int]:
        """Messages written so far, by topic."""
        return dict(self._writer.counts)

    def look(self) -> list[str]:
        """Subscribe to what has appeared; the wanted topics that are not there (without a choice: the pictures)."""
        there = {
            name: kinds[0]
            for name, kinds in self._node.get_topic_names_and_types()
            if name not in self._subscriptions and self._node.count_publishers(name)
        }
        for name, kind in there.items():
            row = self._row(name, kind)
            if name in self._wanted or (not self._wanted and row is not None):
                self._subscribe(name, kind, row)
        if self._free() < RESERVE and not self.problem:
            self.problem = (
                f"the disk is full: {self._free() / 1e6:.0f} MB are left at {self._writer.path.parent}; "
                "free some, the recording is closed with what it has"
            )
        if self._wanted:
            return [name for name in self._wanted if name not in self._subscriptions]
        pictures = any("/image_raw" in name for name in self._subscriptions)
        return [] if pictures else [f"{self._prefix}<cam>/image_raw"]

    def _row(self, name: str, kind: str) -> Topic | None:
        """The table's row for a topic of the graph; None where it has none."""
        if name in _MORE:
            return Topic(name, kind, "latched" if name == "/tf_static" else "events", (), ())
        for row in TOPICS:
            full = row.name if row.name.startswith("/") else self._prefix + row.name
            head, camera, tail = full.partition("<cam>")
            middle = name[len(head) : len(name) - len(tail)] if camera else ""
            fits = (
                name.startswith(head) and name.endswith(tail) and middle and "/" not in middle
                if camera
                else name == full
            )
            if fits and row.type == kind and not row.name.startswith(_SHOWN):
                return row
        return None

    def _profile(self, name: str, row: Topic | None) -> tuple[QoSProfile, str]:
        """How to listen, deep enough for a slow disk, and the meaning to note in the recording."""
        if row is not None:
            meaning = row.qos
        else:
            offered = [info.qos_profile for info in self._node.get_publishers_info_by_topic(name)]
            reliable = all(p.reliability == ReliabilityPolicy.RELIABLE for p in offered)
            latched = reliable and all(p.durability == DurabilityPolicy.TRANSIENT_LOCAL for p in offered)
            meaning = "latched" if latched else "events" if reliable else "state"
        return qos.deeper(qos.PROFILES[meaning], _DEPTH), meaning

    def _subscribe(self, name: str, kind: str, row: Topic | None) -> None:
        if name in self._unknown:
            return
        try:
            cls = message_type(kind)
            profile, meaning = self._profile(name, row)
            self._writer.add_topic(name, kind, meaning)
        except (ImportError, AttributeError, ValueError) as error:
            if name in self._wanted:
                raise RecordError(f"{name} is {kind}, which cannot be recorded here: {error}") from None
            self._unknown.add(name)
            self._node.get_logger().warning(f"{name} is {kind}, which is not installed here; it is left out")
            return
        once = Once(functools.partial(self._take, name))
        self._subscriptions[name] = self._node.create_subscription(cls, name, once.hears("latched"), profile, raw=True)
        if row is not None and row.said_by_user:  # `ros2 topic pub` is volatile: see GraphNode.listen
            self._said[name] = self._node.create_subscription(
                cls, name, once.hears("volatile"), qos.volatile(profile), raw=True
            )

    def _take(self, topic: str, data: bytes) -> None:
        if self.problem:
            return
        self._waiting += len(data)
        if self._waiting > BACKLOG:
            self.problem = (
                f"the disk is too slow: {self._waiting / 1e6:.0f} MB wait to be written; record fewer "
                "topics (--topics), compressed pictures, or to a faster disk"
            )
        self._queue.put((topic, data, time.time_ns()))

    def _write(self) -> None:
        while True:
            item = self._queue.get()
            if item is None:
                return
            topic, data, now = item
            try:
                self._writer.write(topic, data, now)
            except OSError as error:
                self.problem = self.problem or f"{self._writer.path}: {error}; what was recorded is lost"
            self._waiting -= len(data)

    def close(self) -> dict[str, int]:
        """Write what waits, close the file; messages by topic. RecordError when it could not be written, or nothing
        came: then there is no recording."""
        for subscription in (*self._subscriptions.values(), *self._said.values()):
            self._node.destroy_subscription(subscription)
        self._queue.put(None)
        self._thread.join()
        counts = self.counts
        if not sum(counts.values()):
            self._writer.abort()
            raise RecordError(
                f"no message came on {', '.join(self._subscriptions) or 'any topic'}; is the graph "
                f"active? {self.there()}"
            )
        try:
            self._writer.close()
        except OSError as error:
            raise RecordError(f"{self._writer.path} could not be closed: {error}; nothing is left of it") from None
        return counts

    def discard(self) -> None:
        """Stop and throw away what was recorded."""
        self._queue.put(None)
        self._thread.join()
        self._writer.abort()

    def there(self) -> str:
        """The topics of the graph, for error messages."""
        names = sorted(name for name, _ in self._node.get_topic_names_and_types() if self._node.count_publishers(name))
        return f"There are {', '.join(names) or 'no topics'}"


def record(
    path: Path,
    *,
    namespace: str = "cell",
    topics: Sequence[str] = (),
    seconds: float | None = None,
    patience: float = 10.0,
    compression: str = "",
    say: Callable[[str], None] = print,
) -> int:
    """Record until Ctrl-C (SIGINT, SIGTERM) or for `seconds`; exit code 0, or 1 when it ended for another reason.

    patience: how long (s) topics may take to appear. Raises RecordError when they do not.
    """
    stop = threading.Event()
    before = {sign: signal.signal(sign, lambda *_: stop.set()) for sign in (signal.SIGINT, signal.SIGTERM)}
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node, recorder = rclpy.create_node("recorder"), None
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        recorder = BagRecorder(node, path, namespace, topics, compression=compression)
        begin = looked = time.monotonic()
        missing, told = recorder.look(), False
        while not stop.is_set() and not recorder.problem and (seconds is None or time.monotonic() - begin < seconds):
            executor.spin_once(timeout_sec=0.1)
            if time.monotonic() - looked > 0.5:
                missing, looked = recorder.look(), time.monotonic()
            if missing and time.monotonic() - begin > patience:
                raise RecordError(
                    f"nobody publishes {', '.join(missing)} within {patience:g} s; give --namespace or "
                    f"--topics. {recorder.there()}"
                )
            if not missing and not told:
                say(f"recording to {path}; Ctrl-C ends it")
                told = True
        done, recorder = recorder, None
        counts = done.close()
        say(f"{sum(counts.values())} messages on {sum(map(bool, counts.values()))} topics in {path}")
        if done.problem:
            say(done.problem)
        return 1 if done.problem else 0
    finally:
        if recorder is not None:
            recorder.discard()
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
        for sign, handler in before.items():
            signal.signal(sign, handler)
