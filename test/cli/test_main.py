import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from action_images_ros.cli import main as cli

COMMANDS = [
    "encode",
    "decode",
    "collect",
    "train",
    "evaluate",
    "evaluate-open-loop",
    "export",
    "up",
    "demo",
    "benchmark",
    "compare",
    "import-checkpoint",
    "verify-denoiser",
]


def run(*arguments, monkeypatch, capsys):
    """Exit code, stdout and stderr of `action-images` with these arguments."""
    monkeypatch.setattr(sys, "argv", ["action-images", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    captured = capsys.readouterr()
    return end.value.code, captured.out, captured.err


def test_every_command_explains_itself():
    runner = CliRunner()
    overview = runner.invoke(cli.app, ["--help"])
    assert overview.exit_code == 0
    for command in COMMANDS:
        assert command in overview.output
        assert runner.invoke(cli.app, [command, "--help"]).exit_code == 0


def test_the_command_line_loads_nothing_heavy_before_it_is_needed():
    code = (
        "import sys, action_images_ros.cli.main; "
        "print([name for name in ('torch', 'mujoco', 'rclpy', 'onnxruntime', 'cv2') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["evaluate", "--tasks", "fly"], ["task is 'fly'", "reach_target"]),
        (["evaluate", "--tasks", ""], ["tasks is ''"]),
        (["evaluate", "--condition", "fog"], ["condition is 'fog'", "cameras"]),
        (["compare", "no-such.json", "other.json"], ["no-such.json"]),
        (["evaluate", "--replay", "--blind"], ["--replay and --blind exclude each other"]),
        (["evaluate", "--mode", "replay", "--blind"], ["--mode replay and --blind exclude each other"]),
        (["evaluate", "--mode", "dream"], ["mode is 'dream'", "replay-codec"]),
        (["evaluate", "--mode", "label", "--episodes", "8"], ["evaluate-open-loop --mode label"]),
        (["evaluate", "--mode", "label", "--corrupt", "drop=0.1"], ["benchmark label-robustness"]),
        (["evaluate", "--mode", "video", "--data", "folder"], ["evaluate-open-loop"]),
        (["evaluate", "--mode", "joint", "--batch", "4"], ["--batch is 4", "evaluate-open-loop"]),
        (["evaluate", "--sheets", "out"], ["--sheets is out", "mode 'policy' does not use"]),
        (["evaluate-open-loop", "--mode", "dream"], ["mode is 'dream'", "label-unknown"]),
        (["evaluate-open-loop", "--mode", "policy"], ["action-images evaluate --mode policy"]),
        (["evaluate-open-loop", "--tasks", "reach_target", "--model", "no-such-model"], ["no-such-model"]),
        (["evaluate-open-loop", "--mode", "video", "--data", "no-such-folder"], ["no-such-folder", "collect"]),
        (["benchmark", "label-robustness", "--corrupt", "fog=1"], ["fog=1", "no-pose"]),
        (["evaluate", "--model", "no-such-model", "--tasks", "reach_target"], ["no-such-model"]),
        (["evaluate", "--replay", "--tasks", "reach_target", "--execute-steps", "0"], ["execute_steps is 0"]),
        (["collect", "somewhere", "--tasks", "fly"], ["task is 'fly'"]),
        (["up", "--robot", "no-such-robot"], ["no-such-robot"]),
        (["export", "no-such-model"], ["no-such-model"]),
        (["export", "nano", "--views", "two"], ["views is 'two'", "2,3"]),
        (["export", "nano", "--views", "9"], ["views is 9", "2 to 4"]),
        (["benchmark", "model", "--backends", "tflite:1"], ["tflite:1", "onnx:1"]),
        (["benchmark", "model", "--random", "no-such.yaml", "--backends", "torch:1"], ["no-such.yaml"]),
        (["evaluate", "--runtime", "tflite", "--tasks", "reach_target"], ["runtime is 'tflite'"]),
        (["import-checkpoint", "no-such.ckpt", "out"], ["no-such.ckpt is no file"]),
        (["verify-denoiser", "no-such-file"], ["no-such-file is no file"]),
        (["train", "none.yaml", "--data", "d", "--out", "o"], ["none.yaml does not exist"]),
        (["train", "none.yaml", "--data", "d", "--out", "o", "--share", "half"], ["share is 'half'"]),
        (["benchmark", "loader", "none.yaml", "--data", "d"], ["none.yaml does not exist"]),
    ],
)
def test_a_user_error_is_one_line_and_exit_code_2(arguments, words, monkeypatch, capsys):
    code, out, err = run(*arguments, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 2 and out == ""
    assert err.startswith("action-images: ") and "Traceback" not in err
    for word in words:
        assert word in err


def test_encode_and_decode_are_inverse_on_files(tmp_path, monkeypatch, capsys):
    pytest.importorskip("action_images_ros.codec.files")
    from action_images_ros.codec.synthetic import generate
    from action_images_ros.geometry.pose import action_from_matrix

    frames = generate("clean_128" if "clean_128" in _kinds() else _kinds()[0], 4, np.random.default_rng(0))
    source, drawn, read = tmp_path / "in.npz", tmp_path / "drawn.npz", tmp_path / "read.npz"
    K, E = np.asarray(frames.K), np.asarray(frames.E)
    if K.ndim == 4:
        K, E = K[0], E[0]
    actions = action_from_matrix(np.asarray(frames.world_from_tool)[:4], np.asarray(frames.openness)[:4])
    np.savez(source, actions=actions, K=K, E=E, size=np.array([128, 128]))
    assert run("encode", source, drawn, monkeypatch=monkeypatch, capsys=capsys)[0] == 0
    with np.load(drawn) as content:
        np.savez(tmp_path / "images.npz", images=content["images"], K=K, E=E)
        assert content["images"].dtype == np.uint8 and content["uv"].shape == (len(K), 4, 3, 2)
    assert run("decode", tmp_path / "images.npz", read, monkeypatch=monkeypatch, capsys=capsys)[0] == 0
    with np.load(read) as content:
        assert content["poses"].shape == (4, 7) and content["covariance"].shape == (4, 6, 6)
        assert content["valid"].all()
        np.testing.assert_allclose(content["poses"][:, :3], actions[:, :3], atol=1e-3)


def _kinds():
    from action_images_ros.codec.synthetic import KINDS

    return list(KINDS)


def test_a_missing_file_is_a_user_error(tmp_path, monkeypatch, capsys):
    pytest.importorskip("action_images_ros.codec.files")
    code, _, err = run("decode", tmp_path / "none.npz", tmp_path / "out.npz", monkeypatch=monkeypatch, capsys=capsys)
    assert code == 2 and "none.npz" in err


def test_evaluate_writes_the_file_it_is_asked_for(tmp_path, monkeypatch, capsys):
    path = tmp_path / "ceiling.json"
    code, out, _ = run(
        "evaluate",
        "--replay",
        "--tasks",
        "reach_target",
        "--episodes",
        "1",
        "--seed",
        "4",
        "--json",
        path,
        monkeypatch=monkeypatch,
        capsys=capsys,
    )
    assert code == 0 and "reach_target" in out
    written = json.loads(path.read_text())
    assert written["settings"]["mode"] == "replay" and written["rows"][0]["seed"] == 4


def test_a_mode_by_its_flag_and_by_its_name_is_the_same(monkeypatch):
    import action_images_ros.evaluation.closed_loop as closed
    import action_images_ros.evaluation.open_loop as held_out

    asked = []
    monkeypatch.setattr(closed, "evaluate", lambda *_, mode, **__: asked.append(mode))
    monkeypatch.setattr(held_out, "evaluate_mode", lambda _, mode, *__, **___: asked.append(f"open loop {mode}"))
    runner = CliRunner()
    for arguments in (
        ["evaluate"],
        ["evaluate", "--blind"],
        ["evaluate", "--mode", "blind"],
        ["evaluate", "--mode", "replay-codec"],
        ["evaluate-open-loop"],
        ["evaluate-open-loop", "--mode", "label-unknown"],
    ):
        assert runner.invoke(cli.app, arguments, catch_exceptions=False).exit_code == 0
    assert asked == ["policy", "blind", "blind", "replay-codec", "open loop joint", "open loop label-unknown"]


def test_the_memory_plan_needs_no_checkout(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(
        "finetune-wan", "--plan", "--json", tmp_path / "plan.json", monkeypatch=monkeypatch, capsys=capsys
    )
    assert code in (0, None) and "GiB per GPU" in out, err
    assert {"run", "weights", "fits"} <= set(json.loads((tmp_path / "plan.json").read_text())[0])


def test_the_exit_code_of_the_graph_is_passed_on(monkeypatch, capsys):
    import action_images_ros.graph.supervisor as module

    seen = []
    monkeypatch.setattr(module, "up", lambda options: seen.append(options) or 1)
    code, _, _ = run(
        "up", "--cameras", "left,right", "--instruction", "push the button", monkeypatch=monkeypatch, capsys=capsys
    )
    assert code == 1
    assert seen[0].cameras == ("left", "right") and seen[0].robot == "cell"
