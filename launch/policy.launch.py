"""The graph on a ROS 2 host: ros2 launch action_images_ros policy.launch.py robot:=franka model:=nano ...

The nodes come from the table of nodes, as for `action-images up`. Without arguments: the cell. Every argument is
checked before the first node is started.
"""

import os
import sys

from launch.actions import DeclareLaunchArgument, EmitEvent, LogInfo, OpaqueFunction, SetEnvironmentVariable
from launch.events import Shutdown
from launch_ros.actions import Node

from action_images_ros.graph import launching
from action_images_ros.graph.environment import cell_environment
from action_images_ros.graph.options import processes
from launch import LaunchDescription

ARGUMENTS = launching.POLICY_ARGUMENTS


def _ended(node):
    """An essential node ends the graph; without a viewer it goes on."""
    if node.essential:
        return EmitEvent(event=Shutdown(reason=f"{node.name} has ended"))
    return LogInfo(msg=f"{node.name} has ended; the graph goes on without it")


def _nodes(context):
    given = dict(context.launch_configurations)
    launching.check_arguments(given, ARGUMENTS, sys.argv, top=os.path.basename(__file__) in " ".join(sys.argv))
    value = {name: given.get(name, default) for name, (default, _) in ARGUMENTS.items()}
    specs = processes(launching.policy_options(value))
    rviz = (
        [
            Node(
                package="rviz2",
                executable="rviz2",
                name="rviz",
                namespace=f"/{specs[0].namespace}",
                arguments=["-d", str(launching.rviz_file(specs))],
            )
        ]
        if launching.truth("rviz", value["rviz"])
        else []
    )
    return [
        *(
            Node(
                package="action_images_ros",
                executable=spec.node.executable,
                name=spec.node.name,
                namespace=f"/{spec.namespace}",
                output="screen",
                additional_env=cell_environment(os.environ) if value["robot"] == "cell" else {},
                parameters=[*(str(path) for path in spec.parameter_files), spec.parameters],
                on_exit=_ended(spec.node),
            )
            for spec in specs
        ),
        *rviz,
    ]


def generate_launch_description() -> LaunchDescription:
    """Arguments, the environment of the nodes, the nodes, rviz if asked for."""
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=what)
                for name, (default, what) in ARGUMENTS.items()
            ),
            *(SetEnvironmentVariable(name, text) for name, text in launching.launch_environment().items()),
            OpaqueFunction(function=_nodes),
        ]
    )
