"""The simulated cell as if it were a robot with cameras: it drives nothing real and lives in the namespace /cell."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from geometry_msgs.msg import PoseStamped
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64, String
from std_srvs.srv import Trigger

from ..cell.expert_plan import ExpertPlanner
from ..cell.runner import CellRunner, CellSettings, Snapshot
from ..cell.tasks.registry import find_task
from ..control.acceptance import pose_distance
from ..geometry.pose import pose7_from_matrix
from ..interfaces.fields import optical_frame
from ..ros.chunk_messages import gripper_message, poses_message
from ..ros.conversions import camera_info_from_intrinsics, pose7_from_pose_stamped, pose_stamped, stamp_from_ns
from ..ros.graph_node import WARN, GraphNode, stamp_of
from ..ros.images import image_from_rgb
from ..ros.node_parameters import CellParameters
from ..ros.parameters import ParameterError
from ..ros.run_node import run_node
from ..ros.tf_output import TfOutput

_JOIN_M, _JOIN_RAD = 0.06, 0.5  # the first target of a new scene is no further from its arm
_PLAN_SECONDS = 2.4
_PLAN_DT = 0.1
_PLAN_EVERY = 0.8  # simulated seconds


class CellNode(GraphNode):
    """Node `cell`. `make_cell` replaces the simulation in tests."""

    # task and seed: of the next ~/reset; the others act at once.
    live_parameters = frozenset({"task", "seed", "camera_rate", "real_time_factor", "command_timeout"})

    runner: CellRunner  # set by `configure`

    def __init__(self, make_cell=None, **kwargs) -> None:
        super().__init__("cell", **kwargs)
        self._make_cell = make_cell

    def configure(self) -> None:
        """Read parameters, refuse to run where a real robot could listen, connect."""
        if self.get_namespace() == "/" or "cell" not in self.get_namespace().strip("/").split("/"):
            raise ParameterError(
                f"the namespace is {self.get_namespace()!r}; the cell runs in /cell only, so that its "
                "poses and commands never meet a real arm's"
            )
        own = self.parameters(CellParameters)
        find_task(own.task)
        self._base = own.base_frame
        settings = CellSettings(
            task=own.task,
            seed=own.seed,
            cameras=own.camera_count,
            image_size=(own.image_size[0], own.image_size[1]),
            camera_rate=own.camera_rate,
            factor=own.real_time_factor,
            command_timeout=own.command_timeout,
        )
        self._cell: Any = None  # of the cell thread, from the first reset on
        self._cameras: dict[str, dict] = {}
        self._plan_due_ns = self._reset_ns = 0
        self._joined = True
        self._tcp: Any = None
        self._episode, self._success, self._status_at = 0, False, 0.0
        self._time = self.advertise("/clock")
        self._joints = self.advertise("joint_states")
        self._pose = self.advertise("current_pose")
        self._status = self.advertise("cell/status")
        from ..cell.description import LinkPoses, cell_urdf  # loads MuJoCo

        self.advertise("robot_description").publish(String(data=cell_urdf(own.base_frame)))
        self._tf = TfOutput(self, own.base_frame)
        self._links = LinkPoses() if self._tf.on else None
        make = self._make_cell
        if make is None:
            from ..cell.cell import Cell as make
        self._planner = None
        if own.publish_expert:
            self._plan = self.advertise("cell/expert_plan"), self.advertise("cell/expert_gripper")
            self._planner = ExpertPlanner(make, self._publish_plan, _PLAN_SECONDS, _PLAN_DT)
        self.listen("target_pose", self._on_target)
        self.listen("gripper_command", self._on_gripper)
        self.serve(Trigger, "~/reset", self._on_reset_request)
        self.runner = CellRunner(settings, make, self._on_reset, self._on_tick)

    def refuse_parameters(self, given: Mapping[str, Any]) -> None:
        """Raise ValueError, with the names there are, for a task that does not exist."""
        if "task" in given:
            find_task(given["task"])

    def parameters_changed(self, names: set[str]) -> None:
        """Another speed of time or of the cameras at once, another scene with the next ~/reset."""
        own = self.parameters(CellParameters)
        self.runner.settings = replace(
            self.runner.settings,
            camera_rate=own.camera_rate,
            factor=own.real_time_factor,
            command_timeout=own.command_timeout,
        )
        if names & {"task", "seed"}:
            self.get_logger().info(f"{own.task} {own.seed} is set up by {self.resolve_service_name('~/reset')}")

    def activate(self) -> None:
        """Let simulated time run."""
        self.runner.start()

    def deactivate(self) -> None:
        """Stop simulated time for good."""
        self.runner.stop()
        if self._planner is not None:
            self._planner.close()

    # Called from the cell's thread.
    def _on_reset(self, cell, time_ns: int) -> None:
        self._cell, self._success, self._reset_ns = cell, False, time_ns
        self._joined, self._tcp = self._episode == 0, cell.tcp_pose
        self._episode += 1
        if self._planner is not None:
            self._plan_due_ns = time_ns
            self._planner.follow(cell.task, cell.seed)
        for view, name in enumerate(cell.camera_names):
            if name not in self._cameras:
                self._cameras[name] = {
                    "image": self.advertise("<cam>/image_raw", name),
                    "info": self.advertise("<cam>/camera_info", name),
                    "pose": self.advertise("<cam>/pose", name),
                }
            pose = pose7_from_matrix(cell.world_from_camera[view])
            self._cameras[name]["pose"].publish(pose_stamped(pose, time_ns, self._base))
        frames = zip(cell.camera_names, cell.world_from_camera, strict=True)
        self._tf.fixed({optical_frame(name): pose7_from_matrix(pose) for name, pose in frames}, time_ns)
        self._publish_status(time_ns)

    def _on_tick(self, snapshot: Snapshot) -> None:
        stamp = stamp_from_ns(snapshot.time_ns)
        self._time.publish(Clock(clock=stamp))
        joints = JointState(name=list(snapshot.joint_names), position=[float(q) for q in snapshot.joint_positions])
        joints.header.stamp = stamp
        self._joints.publish(joints)
        self._tcp = snapshot.tcp_pose
        self._pose.publish(pose_stamped(snapshot.tcp_pose, snapshot.time_ns, self._base))
        if self._links is not None:
            links = self._links.at(dict(zip(snapshot.joint_names, snapshot.joint_positions, strict=True)))
            poses = {link: pose7_from_matrix(pose) for link, pose in links.items()}
            self._tf.moving({**poses, "tcp": snapshot.tcp_pose}, snapshot.time_ns)
        if snapshot.images is not None:
            self._publish_images(snapshot)
        if self._planner is not None and snapshot.time_ns >= self._plan_due_ns:
            self._plan_due_ns = snapshot.time_ns + round(_PLAN_EVERY * 1e9)
            self._planner.plan(self._cell, snapshot.time_ns)
        if snapshot.success != self._success or time.monotonic() - self._status_at > 1.0:
            if snapshot.success and not self._success:
                self.get_logger().info(
                    f"done: {self._cell.task} succeeded; {self.resolve_service_name('~/reset')} sets up the scene again"
                )
            self._success = snapshot.success
            self._publish_status(snapshot.time_ns)

    def _publish_images(self, snapshot: Snapshot) -> None:
        assert snapshot.images is not None
        for view, name in enumerate(self._cell.camera_names):
            frame = optical_frame(name)
            message = image_from_rgb(snapshot.images[view])
            message.header.stamp, message.header.frame_id = stamp_from_ns(snapshot.time_ns), frame
            self._cameras[name]["info"].publish(
                camera_info_from_intrinsics(self._cell.K[view], snapshot.images.shape[1:3], snapshot.time_ns, frame)
            )
            self._cameras[name]["image"].publish(message)

    def _publish_plan(self, chunk) -> None:
        self._plan[0].publish(poses_message(chunk, self._base))
        self._plan[1].publish(gripper_message(chunk, self._base))

    def _publish_status(self, time_ns: int) -> None:
        self._status_at = time.monotonic()
        cell, runner = self._cell, self.runner
        self._status.publish(
            String(
                data=json.dumps(
                    {
                        "episode": self._episode,
                        "task": cell.task,
                        "seed": cell.seed,
                        "instruction": cell.instruction,
                        "success": self._success,
                        "time_ns": time_ns,
                        "cell_seconds": cell.time_ns * 1e-9,
                        "cameras": list(cell.camera_names),
                        "real_time_factor": round(runner.measured_factor, 3),
                        "held": runner.commands.held,
                    }
                )
            )
        )

    # Called from the executor's thread.
    def _on_target(self, message: PoseStamped) -> None:
        try:
            pose = pose7_from_pose_stamped(message, self._base, "target_pose")
        except ValueError as error:
            self.complain("target", str(error))
            return
        if stamp_of(message) < self._reset_ns:
            return  # meant for the scene before
        age = (self.runner.time_ns() - stamp_of(message)) * 1e-9
        if age > self.runner.settings.command_timeout:
            self.complain(
                "target",
                f"target_pose is {age:.2f} s old (command_timeout "
                f"{self.runner.settings.command_timeout:g} s); it is not followed",
            )
            return
        if not self._joined and self._tcp is not None:
            distance, angle = pose_distance(pose, self._tcp)
            if distance > _JOIN_M or angle > _JOIN_RAD:
                self.complain(
                    "target",
                    f"target_pose is {1000 * distance:.0f} mm from the arm of the new scene (limit "
                    f"{1000 * _JOIN_M:.0f} mm); it is not followed: begin where the arm is",
                    WARN,
                )
                return
            self._joined = True
        self.solved("target")
        self.runner.commands.pose = (pose, time.monotonic())

    def _on_gripper(self, message: Float64) -> None:
        if not 0.0 <= message.data <= 1.0:
            self.complain("gripper", f"gripper_command is {message.data}; give 0 (closed) to 1 (open)")
            return
        self.solved("gripper")
        self.runner.commands.openness = float(message.data)

    def _on_reset_request(self, _, response):
        task, seed = self.get_parameter("task").value, self.get_parameter("seed").value
        complaint = self.runner.reset(task, seed)
        response.success = not complaint
        response.message = complaint or json.dumps(
            {
                "episode": self._episode,
                "task": task,
                "seed": seed,
                "instruction": self._cell.instruction,
                "time_ns": self.runner.time_ns(),
            }
        )
        return response

    def check(self) -> None:
        """Report a simulation that died and how fast time passes."""
        if self.runner.failure is not None:
            self.complain("simulation", f"the simulation stopped: {self.runner.failure!r}")
        others = [f"{info.node_namespace.rstrip('/')}/{info.node_name}" for info in self.others("/clock")]
        if others:
            self.complain(
                "clock",
                f"/clock is also published by {', '.join(others)}: two simulations in ROS_DOMAIN_ID "
                f"{os.environ.get('ROS_DOMAIN_ID', '0')} set each other's time; stop one, or give it another domain",
            )
        else:
            self.solved("clock")
        self.values["real_time_factor"] = f"{self.runner.measured_factor:.2f}"


def main(argv: list[str] | None = None) -> int:
    """Entry point of the node."""
    return run_node(CellNode, argv)


if __name__ == "__main__":
    raise SystemExit(main())
