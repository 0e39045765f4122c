"""A small ROS graph inside the test's process: nodes, a probe that publishes and listens, nothing slept.

Lies beside the helpers of the other parts because pytest imports them by name from here.
"""

import time

import numpy as np
import rclpy
from cameras import looking_at
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter

from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.interfaces import topics
from action_images_ros.ros import qos
from action_images_ros.ros.conversions import camera_info_from_intrinsics, pose_stamped, stamp_from_ns
from action_images_ros.ros.images import image_from_rgb

DOWN = np.array([0.45, 0.05, 0.3, 1.0, 0.0, 0.0, 0.0])
CAMERAS = ("left", "right")


class Rig:
    """Adds nodes to one executor and spins them by hand until something is true."""

    def __init__(self, context):
        self.context = context
        self.executor = SingleThreadedExecutor(context=context)
        self.probe = rclpy.create_node("probe", context=context, namespace="cell")
        self.executor.add_node(self.probe)
        self.nodes, self.heard = [], {}
        self._publishers = {}

    def start(self, make, **parameters):
        """Make a node with these parameters, configure and activate it."""
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        node = make(context=self.context, namespace="cell", parameter_overrides=overrides, use_global_arguments=False)
        self.nodes.append(node)
        self.executor.add_node(node)
        node.started = node.start()
        return node

    def spin_until(self, ready, what, timeout=30.0):
        """Spin until `ready()` is true; fails naming `what` after the timeout."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            value = ready()
            if value:
                return value
            self.executor.spin_once(timeout_sec=0.02)
        problems = {node.get_name(): (node.problems(), node.values) for node in self.nodes}
        raise AssertionError(f"{what} did not happen within {timeout:g} s; problems: {problems}")

    def _row(self, name):
        row = topics.topic(name)
        return topics.message_type(row.type), qos.PROFILES[row.qos]

    def listen(self, name, camera=None):
        """Collect what is published on a row of the table; the list of messages."""
        kind, profile = self._row(name)
        messages = self.heard.setdefault(topics.topic_name(name, camera), [])
        self.probe.create_subscription(kind, topics.topic_name(name, camera), messages.append, profile)
        return messages

    def publish(self, name, message, camera=None):
        """Publish on a row of the table once somebody listens."""
        topic = topics.topic_name(name, camera)
        if topic not in self._publishers:
            kind, profile = self._row(name)
            self._publishers[topic] = self.probe.create_publisher(kind, topic, profile)
            self.spin_until(lambda: self._publishers[topic].get_subscription_count(), f"a subscription to {topic}")
        self._publishers[topic].publish(message)

    def call(self, kind, name, request):
        """Call a service of a node under test."""
        client = self.probe.create_client(kind, name)
        self.spin_until(client.service_is_ready, f"service {name}")
        future = client.call_async(request)
        self.spin_until(future.done, f"an answer from {name}")
        self.probe.destroy_client(client)
        return future.result()

    def close(self):
        for node in [*self.nodes, self.probe]:
            self.executor.remove_node(node)
            node.destroy_node()
        self.executor.shutdown()


def now_ns(rig):
    """ROS time of the probe (system time in these tests)."""
    return rig.probe.get_clock().now().nanoseconds


def camera_pose(eye):
    """world_from_camera of a camera at `eye` that looks at the table."""
    return looking_at(eye, (0.5, 0.0, 0.15))


EYES = {"left": [1.4, 0.5, 0.8], "right": [1.3, -0.6, 0.9]}


def picture(stamp_ns, camera, size=(48, 64), encoding=None):
    """A grey camera image."""
    message = image_from_rgb(np.full((*size, 3), 90, np.uint8))
    message.header.stamp, message.header.frame_id = stamp_from_ns(stamp_ns), f"{camera}_optical_frame"
    if encoding is not None:
        message.encoding = encoding
    return message


def info(stamp_ns, camera, size=(48, 64)):
    """Its intrinsics."""
    return camera_info_from_intrinsics(intrinsics_from_fovy(50, *size), size, stamp_ns, f"{camera}_optical_frame")


def extrinsic(stamp_ns, camera):
    """Its pose."""
    from action_images_ros.geometry.pose import pose7_from_matrix

    return pose_stamped(pose7_from_matrix(camera_pose(EYES[camera])), stamp_ns, "base")
