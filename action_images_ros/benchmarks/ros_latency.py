"""How old things are: raw images between two processes, and in the live graph from an image's stamp to the command.

`python -m action_images_ros.benchmarks.ros_latency RATE HEIGHT WIDTH SECONDS` is the sending process of the first
measurement.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image

from ..graph.environment import isolated_environment
from ..graph.options import GraphOptions
from ..graph.session import Session
from ..ros import qos
from ..ros.conversions import ns_from_stamp, stamp_from_ns
from ..ros.images import image_from_rgb

__all__ = ["Ages", "live_ages", "summary", "transport"]

TOPIC = "latency/image"
MARKS = ("decoded", "commanded")


def summary(values_ms: list[float]) -> dict[str, Any]:
    """count, median, 95th and 99th percentile and maximum, ms; NaN where there is nothing."""
    values = np.asarray(values_ms if len(values_ms) else [np.nan])
    return {
        "count": len(values_ms),
        "median_ms": float(np.median(values)),
        "p95_ms": float(np.percentile(values, 95)),
        "p99_ms": float(np.percentile(values, 99)),
        "max_ms": float(values.max()),
    }


def transport(
    rate: float = 30.0, size: tuple[int, int] = (480, 640), seconds: float = 5.0, domain: int | None = None
) -> dict[str, Any]:
    """Images sent by a process of its own with the wall time as stamp: how old each is in the subscriber's callback.

    A row like `summary`, with "sent" and "lost_share". Raises RuntimeError where nothing arrives.
    """
    environment = isolated_environment(domain)
    context = Context()
    ages: list[float] = []

    def keep(message: Image) -> None:
        ages.append((time.time_ns() - ns_from_stamp(message.header.stamp)) * 1e-6)

    _adopt(environment)
    rclpy.init(args=[], context=context, domain_id=int(environment["ROS_DOMAIN_ID"]))
    node = rclpy.create_node("latency_sink", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    node.create_subscription(Image, TOPIC, keep, qos.SENSOR)
    command = [sys.executable, "-m", __name__, str(rate), *map(str, size), str(seconds)]
    sender = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert sender.stdout is not None
    try:
        while sender.poll() is None:
            executor.spin_once(timeout_sec=0.05)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            executor.spin_once(timeout_sec=0.05)
        sent = int(sender.stdout.read() or 0)
    finally:
        sender.kill()
        sender.wait()
        sender.stdout.close()
        executor.shutdown(timeout_sec=2.0)
        node.destroy_node()
        context.try_shutdown()
    if not ages or not sent:
        raise RuntimeError(f"none of {sent} images arrived: is multicast or shared memory blocked on this machine?")
    return {
        "what": f"raw image {size[0]}x{size[1]} at {rate:g} Hz, between processes",
        **summary(ages),
        "sent": sent,
        "lost_share": round(1 - len(ages) / sent, 4),
    }


def _adopt(environment: dict[str, str]) -> None:
    """rclpy of this process reads the same variables as its partner."""
    import os

    os.environ.update({key: value for key, value in environment.items() if key.startswith(("ROS_", "FASTRTPS_"))})


class Ages:
    """Watches a live graph: of every chunk, the simulated ms from its observation's stamp to what came of it.

    "decoded": its poses arrive here. "commanded": the first command after that arrives. Times are those of the cell's
    clock, read between two of its messages by the wall clock; put in with `clock`, `chunk` and `command`, from any
    thread.
    """

    def __init__(self, wall: Callable[[], float] = time.monotonic):
        self._wall, self._lock = wall, threading.Lock()
        self._clock: tuple[int, float] | None = None
        self._pace = 0.0
        self._waiting: int | None = None
        self.ages: dict[str, list[float]] = {mark: [] for mark in MARKS}

    def clock(self, simulated_ns: int) -> None:
        with self._lock:
            wall = self._wall()
            if self._clock is not None and wall > self._clock[1]:
                pace = (simulated_ns - self._clock[0]) * 1e-9 / (wall - self._clock[1])
                self._pace += 0.1 * (min(max(pace, 0.0), 1.0) - self._pace) if self._pace else pace
            self._clock = simulated_ns, wall

    def now_ns(self) -> float | None:
        """Simulated time; None before the first clock message."""
        if self._clock is None:
            return None
        return self._clock[0] + 1e9 * min(self._pace, 1.0) * (self._wall() - self._clock[1])

    def chunk(self, observed_ns: int) -> None:
        with self._lock:
            now = self.now_ns()
            if now is not None and observed_ns > 0:
                self.ages["decoded"].append((now - observed_ns) * 1e-6)
                self._waiting = observed_ns

    def command(self) -> None:
        with self._lock:
            now, observed = self.now_ns(), self._waiting
            if now is not None and observed is not None:
                self.ages["commanded"].append((now - observed) * 1e-6)
                self._waiting = None


def live_ages(
    model: str = "nano",
    *,
    policy: str = "model",
    chunks: int = 20,
    task: str = "reach_target",
    seed: int = 10_000,
    patience: float = 300.0,
    log=None,
) -> dict[str, Any]:
    """Age of chunks and commands through the live graph in the cell.

    Returns {"model", "policy", "real_time_factor", "rows", "stages"}: ages in simulated ms (divided by the real-time
    factor: on the wall), the policy's last stage seconds. The scene is set up anew whenever it is solved, so that the
    arm always moves.
    """
    ages = Ages()
    with Session(GraphOptions(model=model, policy=policy), log=log) as client:
        client.listen("/clock", lambda m: ages.clock(ns_from_stamp(m.clock)))
        client.listen("chunk/poses", lambda m: ages.chunk(ns_from_stamp(m.header.stamp)))
        client.listen("target_pose", lambda _: ages.command())
        deadline, number = time.monotonic() + patience, 0
        while len(ages.ages["commanded"]) < chunks and time.monotonic() < deadline:
            client.enable(False)
            client.say("")
            scene = client.set_up(task, seed + number)
            client.say(scene["instruction"])
            client.enable(True)
            number += 1
            until = min(deadline, time.monotonic() + 30.0)

            def over(until=until) -> bool:
                return len(ages.ages["commanded"]) >= chunks or client.status["success"] or time.monotonic() > until

            client.wait_for("chunks", over, 60.0)
        client.enable(False)
        factor = client.status["real_time_factor"]
        keys = ("mean_chunk_seconds", "chunk_age_seconds", "stage_text", "stage_encode", "stage_denoise", "stage_paint")
        stages = {key: value for key in keys if (value := client.value("policy", key))}
    if not ages.ages["commanded"]:
        raise RuntimeError(f"no chunk was executed within {patience:g} s: look into the log of the nodes (--log)")
    what = {"decoded": "image stamp to decoded poses", "commanded": "image stamp to the first command from it"}
    return {
        "model": model,
        "policy": policy,
        "real_time_factor": factor,
        "stages": stages,
        "rows": [{"what": what[mark], **summary(values)} for mark, values in ages.ages.items()],
    }


def _send(rate: float, height: int, width: int, seconds: float) -> None:
    """The sending process: waits for a subscriber, sends, prints how many."""
    context = Context()
    rclpy.init(args=[], context=context)
    node = rclpy.create_node("latency_source", context=context)
    publisher = node.create_publisher(Image, TOPIC, qos.SENSOR)
    until = time.monotonic() + 15.0
    while not publisher.get_subscription_count() and time.monotonic() < until:
        time.sleep(0.02)
    picture = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    sent, begin = 0, time.monotonic()
    while time.monotonic() - begin < seconds:
        message = image_from_rgb(picture)
        message.header.stamp = stamp_from_ns(time.time_ns())
        publisher.publish(message)
        sent += 1
        time.sleep(max(0.0, begin + sent / rate - time.monotonic()))
    time.sleep(0.3)  # the last ones are still under way
    print(sent)
    node.destroy_node()
    context.try_shutdown()


if __name__ == "__main__":
    _send(float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
