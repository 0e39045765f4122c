"""`ros2 param set` on a running node: the value acts, or setting it is refused with the reason and nothing changes."""

import pytest
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.srv import DescribeParameters, GetParameters, SetParameters
from rclpy.parameter import Parameter
from ros_rig import CAMERAS
from scripted_model import ScriptedModel

from action_images_ros.nodes.arm_command_node import ArmCommandNode
from action_images_ros.nodes.cell_node import CellNode
from action_images_ros.nodes.decoder_node import DecoderNode
from action_images_ros.nodes.label_node import LabelNode
from action_images_ros.nodes.policy_node import PolicyNode
from action_images_ros.nodes.robot_bridge_node import RobotBridgeNode
from action_images_ros.nodes.view_node import ViewNode
from action_images_ros.parameter import specs
from action_images_ros.ros.node_parameters import NODE_PARAMETERS

CLASSES = {
    "arm_command": ArmCommandNode,
    "policy": PolicyNode,
    "decoder": DecoderNode,
    "view": ViewNode,
    "label": LabelNode,
    "cell": CellNode,
    "robot_bridge": RobotBridgeNode,
}


@pytest.fixture
def nodes(rig, model_folder):
    """Those that need no simulation, in one graph."""
    rig.start(ArmCommandNode)
    rig.start(
        lambda **kwargs: PolicyNode(lambda _: ScriptedModel([0.5, 0.0, 0.2]), **kwargs),
        cameras=list(CAMERAS),
        model=model_folder,
        nice=0,
        finger_joints=["f"],
        video_every=0,
        extrinsics="topic",
    )
    rig.start(DecoderNode, model=model_folder, cameras=list(CAMERAS))
    rig.start(ViewNode, cameras=list(CAMERAS))
    rig.start(RobotBridgeNode, tool_frame="hand", pose_interface="cartesian_controllers")
    assert all(node.started for node in rig.nodes)
    return {node.get_name(): node for node in rig.nodes}


def _set(rig, node, **values):
    request = SetParameters.Request(
        parameters=[Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
    )
    return rig.call(SetParameters, f"{node}/set_parameters", request).results


ACTS = [
    ("arm_command", "max_linear_speed", 0.02, lambda n: n.executor_core.limits.max_linear_speed),
    ("arm_command", "max_linear_speed", 1, lambda n: n.executor_core.limits.max_linear_speed),
    ("arm_command", "workspace_max", [0.7, 0.2, 0.5], lambda n: list(n.executor_core.limits.workspace_max)),
    ("arm_command", "rate", 50.0, lambda n: 1.0 / n.executor_core.law.period_s),
    ("arm_command", "require_approval", True, lambda n: n._require_approval),
    ("arm_command", "max_chunk_age", 1.5, lambda n: n.executor_core.rules.max_chunk_age),
    ("arm_command", "gripper_dwell", 1.5, lambda n: n.executor_core.gripper.gripper_dwell),
    ("policy", "rate", 2.0, lambda n: 1.0 / n._period),
    ("policy", "slop", 0.2, lambda n: n.collector._synchroniser.slop_ns * 1e-9),
    ("policy", "instruction", "lift the block", lambda n: n.collector.instruction),
    ("decoder", "dt", 0.1, lambda n: n._dt),
    ("view", "rate", 20.0, lambda n: 1e9 / n._timer.timer_period_ns),
    ("robot_bridge", "gripper_speed", 0.02, lambda n: n._hand.settings.speed),
    ("robot_bridge", "max_joint_step", 0.02, lambda n: n._arm.settings.max_joint_step),
]
REFUSED = [
    ("arm_command", "nope", 1.0),
    ("arm_command", "max_linear_speed", "banana"),
    ("arm_command", "max_linear_speed", 50),
    ("arm_command", "max_linear_speed", float("nan")),
    ("arm_command", "max_linear_speed", [1]),
    ("arm_command", "workspace_min", [0.9, 0.0, 0.0]),
    ("arm_command", "workspace_min", [0.1]),
    ("arm_command", "gripper_close_below", 0.9),
    ("arm_command", "base_frame", "map"),
    ("arm_command", "require_approval", 1),
    ("policy", "cameras", ["a", "b"]),
    ("policy", "video_every", 2),
    ("policy", "instruction", "x" * 10_000_000),
    ("policy", "rate", 0.0),
    ("decoder", "robot_tool_from_model_tool", [0.0, 0.0, 0.0, 1.0]),
    ("view", "rate", -1.0),
    ("robot_bridge", "pose_interface", "banana"),
    ("robot_bridge", "pose_interface", "crisp"),
    ("robot_bridge", "gripper_force", -1.0),
]


def test_setting_acts_or_is_refused_with_a_reason_and_changes_nothing(rig, nodes):
    for name, parameter, value in REFUSED:
        before = nodes[name].get_parameter_or(parameter, Parameter(parameter)).value
        (result,) = _set(rig, name, **{parameter: value})
        assert not result.successful and result.reason and len(result.reason) < 600, (name, parameter, value)
        after = nodes[name].get_parameter_or(parameter, Parameter(parameter)).value
        assert after == before or list(after) == list(before)
    for name, parameter, value, read in ACTS:
        (result,) = _set(rig, name, **{parameter: value})
        assert result.successful, (name, parameter, result.reason)
        rig.spin_until(
            lambda name=name, value=value, read=read: read(nodes[name]) == pytest.approx(value), f"{name} {parameter}"
        )
    late = rig.listen("instruction")  # as a recording that begins later
    rig.spin_until(lambda: late and late[-1].data == "lift the block", "the instruction at a late listener")


def test_values_that_fit_only_together_are_set_together(rig, nodes):
    both = {"gripper_close_below": 0.8, "gripper_open_above": 0.9}
    from rcl_interfaces.srv import SetParametersAtomically

    request = SetParametersAtomically.Request(
        parameters=[Parameter(name, value=value).to_parameter_msg() for name, value in both.items()]
    )
    assert rig.call(SetParametersAtomically, "arm_command/set_parameters_atomically", request).result.successful
    assert nodes["arm_command"].executor_core.gripper.gripper_close_below == 0.8


def test_every_parameter_is_described_with_its_range_and_has_a_type(rig, nodes):
    for name in nodes:
        rows = [spec for kind in NODE_PARAMETERS[name] for spec in specs(kind)]
        request = DescribeParameters.Request(names=[spec.name for spec in rows])
        described = rig.call(DescribeParameters, f"{name}/describe_parameters", request).descriptors
        values = rig.call(GetParameters, f"{name}/get_parameters", GetParameters.Request(names=request.names)).values
        for spec, descriptor, value in zip(rows, described, values, strict=True):
            assert descriptor.description and value.type != ParameterType.PARAMETER_NOT_SET, spec.name
            if spec.low is not None and spec.high is not None:
                (span,) = [*descriptor.floating_point_range, *descriptor.integer_range]
                assert (span.from_value, span.to_value) == (pytest.approx(spec.low), pytest.approx(spec.high))
            if spec.kind is float:
                assert value.type == ParameterType.PARAMETER_DOUBLE, spec.name


def test_live_parameters_are_declared_ones():
    for name, node in CLASSES.items():
        declared = {spec.name for kind in NODE_PARAMETERS[name] for spec in specs(kind)}
        assert node.live_parameters <= declared, name
