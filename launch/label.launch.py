"""Labels a recording through the live graph: ros2 launch action_images_ros label.launch.py bag:=FOLDER robot:=franka

The nodes come from the table in action_images_ros/ros, as for `action-images up --label`. Without a bag: play one
yourself, or label what a robot's drivers publish now.
"""

from launch.actions import DeclareLaunchArgument, EmitEvent, ExecuteProcess, OpaqueFunction, SetEnvironmentVariable
from launch.events import Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from action_images_ros.paths import share_path
from action_images_ros.ros.graph import GraphOptions, processes
from launch import LaunchDescription

ARGUMENTS = {
    "bag": ("", "recording to play once; empty: none"),
    "rate": ("1.0", "how fast it is played; a slow model needs less than 1"),
    "model": ("", "directory of a model or a name in models/; empty: as in the parameter files"),
    "cameras": ("", "camera names separated by commas; empty: as in config/robots"),
    "instruction": ("", "used where the recording has none"),
    "robot": ("cell", "cell, a name in config/robots or a YAML file: tool frame, base frame, gripper"),
    "known_pose": ("auto", "tell the model where the arm was at the begin of each window: auto, yes or no"),
    "params_file": ("", "one more parameter file, which wins over the others"),
    "namespace": ("auto", "namespace of the recording's topics; auto: cell for the cell, none for a robot"),
}


def _actions(context):
    value = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    options = GraphOptions(
        robot=value["robot"], model=value["model"], instruction=value["instruction"], label=True,
        cameras=tuple(name.strip() for name in value["cameras"].split(",") if name.strip()),
        params_file=value["params_file"], namespace=None if value["namespace"] == "auto" else value["namespace"],
        overrides={"label": {"known_pose": value["known_pose"]}})
    nodes = [Node(package="action_images_ros", executable=spec.node.executable, name=spec.node.name,
                  namespace=f"/{spec.namespace}", output="screen",
                  parameters=[*(str(path) for path in spec.parameter_files), spec.parameters],
                  on_exit=EmitEvent(event=Shutdown(reason=f"{spec.node.name} has ended")))
             for spec in processes(options)]
    if not value["bag"]:
        return nodes
    # The graph must be up when the first message comes.
    play = ["ros2", "bag", "play", value["bag"], "--rate", value["rate"], "--delay", "10"]
    return [*nodes, ExecuteProcess(cmd=play, output="screen")]


def generate_launch_description() -> LaunchDescription:
    """Arguments, the shared-memory profile, the nodes, the player."""
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=what)
          for name, (default, what) in ARGUMENTS.items()),
        SetEnvironmentVariable("FASTRTPS_DEFAULT_PROFILES_FILE", str(share_path("config/fastdds.xml"))),
        OpaqueFunction(function=_actions),
    ])
