"""Labels a recording through the live graph: ros2 launch action_images_ros label.launch.py bag:=FOLDER robot:=franka

The nodes come from the table of nodes, as for `action-images up --label`. With a recording only the label node's inputs
are played, below /replay, and the launch ends when all of it is labelled. Without: play one yourself, or label what a
robot's drivers publish now.
"""

import os
import sys

from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    LogInfo,
    OpaqueFunction,
    SetEnvironmentVariable,
)
from launch.events import Shutdown
from launch_ros.actions import Node

from action_images_ros.graph import launching
from action_images_ros.graph.environment import cell_environment
from action_images_ros.graph.options import processes
from launch import LaunchDescription

ARGUMENTS = launching.LABEL_ARGUMENTS
_FINISH_S = "300"  # the label node finishes what has come before it ends


def _ended(node):
    """An essential node ends the graph; without a viewer it goes on."""
    if node.essential:
        return EmitEvent(event=Shutdown(reason=f"{node.name} has ended"))
    return LogInfo(msg=f"{node.name} has ended; the graph goes on without it")


def _actions(context):
    given = dict(context.launch_configurations)
    launching.check_arguments(given, ARGUMENTS, sys.argv, top=os.path.basename(__file__) in " ".join(sys.argv))
    value = {name: given.get(name, default) for name, (default, _) in ARGUMENTS.items()}
    specs = processes(launching.label_options(value))
    play = launching.play_command(value["bag"], value["rate"], specs) if value["bag"] else []
    nodes = [
        Node(
            package="action_images_ros",
            executable=spec.node.executable,
            name=spec.node.name,
            namespace=f"/{spec.namespace}",
            output="screen",
            additional_env=cell_environment(os.environ) if value["robot"] == "cell" else {},
            sigterm_timeout=_FINISH_S,
            parameters=[*(str(path) for path in spec.parameter_files), spec.parameters],
            on_exit=_ended(spec.node),
        )
        for spec in specs
    ]
    if launching.truth("rviz", value["rviz"]):
        nodes.append(
            Node(
                package="rviz2",
                executable="rviz2",
                name="rviz",
                namespace=f"/{specs[0].namespace}",
                arguments=["-d", str(launching.rviz_file(specs))],
            )
        )
    if not play:
        return nodes

    def played(event, _):
        if event.returncode:
            return [
                LogInfo(msg=f"ros2 bag play failed with exit code {event.returncode}; see its lines above"),
                EmitEvent(event=Shutdown(reason="the recording could not be played")),
            ]
        return [
            LogInfo(msg="the recording is over; what has come is labelled to its end"),
            EmitEvent(event=Shutdown(reason="the recording is over")),
        ]

    return [*nodes, ExecuteProcess(cmd=play, output="screen", on_exit=played)]


def generate_launch_description() -> LaunchDescription:
    """Arguments, the environment of the nodes, the nodes, the player."""
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=what)
                for name, (default, what) in ARGUMENTS.items()
            ),
            *(SetEnvironmentVariable(name, text) for name, text in launching.launch_environment().items()),
            OpaqueFunction(function=_actions),
        ]
    )
