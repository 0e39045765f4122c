"""The launch files start the processes of the table and refuse wrong arguments whole; launch itself is a stand-in."""

import launch_standins
import pytest

from action_images_ros.graph import launching
from action_images_ros.graph.options import GraphOptions, processes


@pytest.fixture
def policy(monkeypatch):
    module = launch_standins.load(monkeypatch, "policy")
    return lambda **given: {
        node.kwargs["name"]: node.kwargs for node in module._nodes(launch_standins.context(**given))
    }


@pytest.fixture
def label(monkeypatch):
    module = launch_standins.load(monkeypatch, "label")
    return lambda **given: [(type(a).__name__, a.kwargs) for a in module._actions(launch_standins.context(**given))]


@pytest.mark.parametrize("name", ["policy", "label"])
def test_every_argument_is_declared_and_described_and_the_environment_is_set(monkeypatch, name):
    made = launch_standins.load(monkeypatch, name).generate_launch_description().args[0]
    arguments = {"policy": launching.POLICY_ARGUMENTS, "label": launching.LABEL_ARGUMENTS}[name]
    described = {a.args[0]: a.kwargs["description"] for a in made if type(a).__name__ == "DeclareLaunchArgument"}
    assert set(described) == set(arguments) and all(described.values())
    variables = {a.args[0] for a in made if type(a).__name__ == "SetEnvironmentVariable"}
    assert {"FASTRTPS_DEFAULT_PROFILES_FILE", "PYTHONSAFEPATH", "ACTION_IMAGES_PARENT"} <= variables


def test_the_processes_are_those_of_action_images_up(policy):
    nodes = policy(robot="cell", instruction="lift")
    specs = {spec.node.name: spec for spec in processes(GraphOptions(instruction="lift"))}
    assert set(nodes) == set(specs)
    for name, spec in specs.items():
        assert nodes[name]["executable"] == spec.node.executable and nodes[name]["namespace"] == "/cell"
        assert nodes[name]["parameters"][-1] == spec.parameters


def test_a_robots_name_excludes_the_cell(policy):
    nodes = policy(robot="franka", cameras="a, b", use_sim_time="true")
    assert "cell" not in nodes and "robot_bridge" in nodes and nodes["policy"]["namespace"] == "/"
    assert nodes["policy"]["parameters"][-1] == {"use_sim_time": True, "cameras": ["a", "b"], "policy": "model"}


def test_task_and_seed_reach_the_cell(policy):
    parameters = policy(task="lift_block", seed="7")["cell"]["parameters"][-1]
    assert parameters["task"] == "lift_block" and parameters["seed"] == 7


@pytest.mark.parametrize(
    "given, words",
    [
        ({"use_sim_time": "maybe"}, "use_sim_time is 'maybe'"),
        ({"rviz": "yes"}, "rviz is 'yes'"),
        ({"robto": "franka"}, "'robto' is unknown, perhaps meant is robot"),
        ({"seed": "-1"}, "seed is '-1'"),
        ({"task": "lift_block", "robot": "franka"}, "only the cell"),
        ({"robot": "nobody"}, "robot is 'nobody'"),
        ({"task": "knit"}, "task is 'knit'"),
        ({"namespace": "a b", "robot": "franka"}, "namespace is 'a b'"),
    ],
)
def test_a_wrong_argument_starts_nothing(policy, given, words):
    with pytest.raises(ValueError, match=words):
        policy(**given)


def test_rviz_that_is_not_installed_starts_nothing(policy, monkeypatch):
    monkeypatch.setenv("AMENT_PREFIX_PATH", "/nowhere")
    with pytest.raises(ValueError, match="rviz is 'true'"):
        policy(rviz="true")


def test_rviz_shows_the_robots_cameras_base_and_tool_when_labelling_too(label, policy, monkeypatch, tmp_path):
    written = {}

    def remember(path, cameras, base_frame, tool_frame):
        written.update(cameras=cameras, base=base_frame, tool=tool_frame)
        return path

    monkeypatch.setattr(launching, "write_rviz", remember)
    monkeypatch.setattr("ament_index_python.packages.get_package_prefix", lambda _: str(tmp_path))
    program = tmp_path / "lib" / "rviz2" / "rviz2"
    program.parent.mkdir(parents=True)
    program.touch()
    kind, rviz = label(robot="franka", rviz="true")[-1]
    assert kind == "Node" and rviz["executable"] == "rviz2" and rviz["arguments"][0] == "-d"
    assert written == {"cameras": ["left", "right"], "base": "fr3_link0", "tool": "tcp"}
    assert policy(robot="franka", rviz="true")["rviz"]["namespace"] == "/"
    assert written["tool"] == "fr3_hand_tcp"
    with pytest.raises(ValueError, match="rviz is 'please'"):
        label(rviz="please")


def test_names_of_the_command_line_must_be_known_where_the_file_itself_is_launched():
    with pytest.raises(ValueError, match="'fancy' is unknown"):
        launching.check_arguments({}, {"robot": 1}, ["ros2", "launch", "fancy:=1"])
    launching.check_arguments({"fancy": "1"}, {"robot": 1}, ["ros2", "launch", "fancy:=1"], top=False)


def test_the_viewers_end_is_not_the_graphs(policy):
    nodes = policy()
    ends = {name: type(kwargs["on_exit"]).__name__ for name, kwargs in nodes.items()}
    assert ends.pop("view") == "LogInfo" and set(ends.values()) == {"EmitEvent"}


def test_the_nodes_that_label_are_started_and_no_arm(label):
    nodes = {kwargs["name"]: kwargs for _, kwargs in label(robot="franka", known_pose="no", instruction="lift")}
    assert set(nodes) == {"decoder", "view", "label"}
    parameters = nodes["label"]["parameters"][-1]
    assert parameters["known_pose"] == "no" and parameters["instruction"] == "lift"
    assert parameters["robot"].endswith("franka.yaml") and nodes["label"]["namespace"] == "/"


def test_only_inputs_are_played_and_apart_from_a_live_graph(label, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: f"/opt/{name}")
    actions = label(bag=str(tmp_path), rate="0.5", robot="franka")
    kind, kwargs = actions[-1]
    command = kwargs["cmd"]
    assert kind == "ExecuteProcess" and command[:6] == ["ros2", "bag", "play", str(tmp_path), "--rate", "0.5"]
    topics = command[command.index("--topics") + 1 : command.index("--remap")]
    assert {"/left/image_raw", "/right/camera_info", "/gripper_command", "/current_pose"} <= set(topics)
    assert not [name for name in topics if "chunk" in name or name == "/target_pose" or "view/" in name]
    assert set(command[command.index("--remap") + 1 :]) == {f"{name}:=/replay{name}" for name in topics}
    assert {kwargs["namespace"] for kind, kwargs in actions[:-1]} == {"/replay"}


def test_a_recording_of_the_cell_is_played_below_replay(label, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: f"/opt/{name}")
    actions = label(bag=str(tmp_path))
    assert {kwargs["namespace"] for kind, kwargs in actions[:-1]} == {"/replay/cell"}
    assert "/cell/camera_0/image_raw:=/replay/cell/camera_0/image_raw" in actions[-1][1]["cmd"]


@pytest.mark.parametrize(
    "given, words",
    [({"bag": "/nowhere"}, "bag is '/nowhere'"), ({"rate": "fast"}, "rate is 'fast'"), ({"rate": "0"}, "rate is '0'")],
)
def test_what_cannot_be_played_starts_nothing(label, given, words):
    with pytest.raises(ValueError, match=words):
        label(**given)
