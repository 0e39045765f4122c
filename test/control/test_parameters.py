import pytest

from action_images_ros.control.parameters import arm_parameters, make_executor

NODE_ONLY = {"rate", "require_approval", "approval_timeout", "pose_timeout", "node_timeout", "joints_timeout"}


def test_evaluation_executes_with_the_parameters_of_the_graph():
    parameters = arm_parameters()
    executor = make_executor(period_s=0.02)
    assert executor.limits.workspace_min == tuple(parameters["workspace_min"])
    assert executor.limits.max_linear_speed == parameters["max_linear_speed"]
    assert executor.settings.splice_seconds == parameters["splice_seconds"]
    assert executor.rules.max_chunk_age == parameters["max_chunk_age"]
    assert executor.rules.outside_workspace == parameters["outside_workspace"]


def test_every_parameter_of_the_file_reaches_the_executor():
    changed = {
        name: value * 0.95
        for name, value in arm_parameters().items()
        if isinstance(value, float) and name not in NODE_ONLY
    }
    assert len(changed) > 10
    for name, value in changed.items():
        parameters = {**arm_parameters(), name: value}
        executor = make_executor(parameters, period_s=0.02)
        reached = [executor.limits, executor.settings, executor.rules, executor.gripper]
        assert any(value in vars(part).values() for part in reached), name


def test_later_files_win(tmp_path):
    files = []
    for index, speed in enumerate((0.1, 0.2)):
        files.append(tmp_path / f"{index}.yaml")
        files[-1].write_text(f"/**/arm_command:\n  ros__parameters: {{max_linear_speed: {speed}, only_{index}: 1}}\n")
    assert arm_parameters(files) == {"max_linear_speed": 0.2, "only_0": 1, "only_1": 1}


def test_a_parameter_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="max_linear_speed"):
        make_executor({**arm_parameters(), "max_linear_speed": -1.0}, period_s=0.02)
