"""An ideal arm at an arm_command in the test's process: publishes its pose, chunks, and calls the services."""

import time

import numpy as np
from control_rig import make_chunk
from ros_rig import DOWN, now_ns
from std_srvs.srv import SetBool, Trigger

from action_images_ros.nodes.arm_command_node import ArmCommandNode
from action_images_ros.ros.chunk_messages import confidence_message, gripper_message, poses_message
from action_images_ros.ros.conversions import ns_from_stamp, pose7_from_pose_stamped, pose_stamped

SLOW = {"pose_timeout": 2.0, "max_pose_age": 2.0, "clock_stall_seconds": 5.0, "max_gap_seconds": 0.5}


def messages(chunk, base="base"):
    """The three messages of a chunk by the name of their part."""
    return {
        "poses": poses_message(chunk, base),
        "gripper": gripper_message(chunk, base),
        "confidence": confidence_message(chunk, base),
    }


class Arm:
    """An ideal arm: it is where it was last told to be, and says so a hundred times a second.

    No faster: a loop that always has a message to handle leaves the command thread no turn at the interpreter's lock.
    """

    PERIOD = 0.01

    def __init__(self, rig, node):
        self.rig, self.node, self.pose = rig, node, DOWN.copy()
        self.targets, self.grips, self.plans = (rig.listen(n) for n in ("target_pose", "gripper_command", "plan"))
        self.silent = False
        self._due = 0.0

    def spin_until(self, ready, what, timeout=20.0):
        def turn():
            if self.targets:
                self.pose = pose7_from_pose_stamped(self.targets[-1], "base", "target_pose")
            if not self.silent and time.monotonic() >= self._due:
                self._due = time.monotonic() + self.PERIOD
                self.rig.publish("current_pose", pose_stamped(self.pose, now_ns(self.rig), "base"))
            return ready()

        return self.rig.spin_until(turn, what, timeout)

    def enable(self, on=True):
        return self.rig.call(SetBool, "arm_command/enable", SetBool.Request(data=on))

    def trigger(self, name):
        return self.rig.call(Trigger, f"arm_command/{name}", Trigger.Request())

    def known(self):
        """Wait until the node has a fresh pose, so that it can judge a chunk."""
        begin = now_ns(self.rig)
        self.spin_until(lambda: (self.node.executor_core.measured_ns or 0) > begin, "a pose at the node")

    def chunk(self, without=(), stamp_ns=None, **changes):
        """Publish a chunk that starts where the arm is, observed now."""
        self.known()
        stamp_ns = now_ns(self.rig) if stamp_ns is None else stamp_ns
        chunk = make_chunk(stamp_ns, start=self.pose[:3], **changes)
        for part, message in messages(chunk).items():
            if part not in without:
                self.rig.publish(f"chunk/{part}", message)
        return stamp_ns

    def plan_ids(self):
        return [ns_from_stamp(plan.header.stamp) for plan in self.plans]

    def speeds(self):
        """Commanded speeds along y between the commands that were heard, m/s; some are lost on a busy machine."""
        stamps = np.array([ns_from_stamp(message.header.stamp) for message in self.targets]) * 1e-9
        places = np.array([message.pose.position.y for message in self.targets])
        apart = np.diff(stamps) > 1e-3
        return np.abs(np.diff(places))[apart] / np.diff(stamps)[apart]

    def state(self):
        return self.node.values.get("state"), self.node.values.get("reason")


def start_arm(rig, **parameters):
    """An arm at a new node with these parameters, whose pose the node knows."""
    node = rig.start(ArmCommandNode, **{**SLOW, **parameters})
    assert node.started, node.problems()
    arm = Arm(rig, node)
    arm.known()
    return arm
