"""The graph on a ROS 2 host: ros2 launch action_images_ros policy.launch.py robot:=franka model:=nano ...

The nodes come from the table in action_images_ros/ros, as for `action-images up`. Without arguments: the cell.
"""

from launch.actions import DeclareLaunchArgument, EmitEvent, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.events import Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from action_images_ros.paths import share_path
from action_images_ros.ros.graph import GraphOptions, processes
from launch import LaunchDescription

ARGUMENTS = {
    "model": ("", "directory of a model or a name in models/; empty: as in the parameter files"),
    "cameras": ("", "camera names separated by commas; empty: as in config/robots"),
    "instruction": ("", "what to do; empty: wait for the topic instruction"),
    "robot": ("cell", "cell: the simulated one; else a name in config/robots or a YAML file, which excludes the cell"),
    "policy": ("model", "model, or oracle to test the graph (cell only)"),
    "use_sim_time": ("", "true or false; empty: true with the cell"),
    "params_file": ("", "one more parameter file, which wins over the others"),
    "namespace": ("auto", "namespace of all nodes; auto: cell for the cell, none for a robot"),
    "rviz": ("false", "true opens rviz2 with config/rviz/policy.rviz"),
}


def _truth(name: str, text: str) -> bool | None:
    if text == "":
        return None
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{name} is {text!r}; give true or false")
    return text.lower() == "true"


def _nodes(context):
    value = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    options = GraphOptions(
        robot=value["robot"], model=value["model"], instruction=value["instruction"], policy=value["policy"],
        cameras=tuple(name.strip() for name in value["cameras"].split(",") if name.strip()),
        use_sim_time=_truth("use_sim_time", value["use_sim_time"]), params_file=value["params_file"],
        namespace=None if value["namespace"] == "auto" else value["namespace"])
    return [Node(package="action_images_ros", executable=spec.node.executable, name=spec.node.name,
                 namespace=f"/{spec.namespace}", output="screen",
                 parameters=[*(str(path) for path in spec.parameter_files), spec.parameters],
                 on_exit=EmitEvent(event=Shutdown(reason=f"{spec.node.name} has ended")))
            for spec in processes(options)]


def _rviz(context):
    namespace = LaunchConfiguration("namespace").perform(context)
    if namespace == "auto":
        namespace = "cell" if LaunchConfiguration("robot").perform(context) == "cell" else ""
    return [Node(package="rviz2", executable="rviz2", name="rviz", namespace=f"/{namespace}",
                 arguments=["-d", str(share_path("config/rviz/policy.rviz"))],
                 condition=IfCondition(LaunchConfiguration("rviz")))]


def generate_launch_description() -> LaunchDescription:
    """Arguments, the shared-memory profile, the nodes, rviz if asked for."""
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=what)
          for name, (default, what) in ARGUMENTS.items()),
        SetEnvironmentVariable("FASTRTPS_DEFAULT_PROFILES_FILE", str(share_path("config/fastdds.xml"))),
        OpaqueFunction(function=_nodes),
        OpaqueFunction(function=_rviz),
    ])
