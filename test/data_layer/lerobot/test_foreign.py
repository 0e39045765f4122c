"""LeRobot datasets as others have them: any version, any column missing, any task form, any gripper."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets_small import folder_of
from recordings import small_episode
from scipy.spatial.transform import Rotation

from action_images_ros.data.convert import convert
from action_images_ros.data.format import Options, Remark, loaded
from action_images_ros.data.registry import recognise
from action_images_ros.data.rosbag2.topics import robot_setup
from action_images_ros.geometry.pose import matrix_from_pose7, to_robot_tool
from action_images_ros.interfaces.images import encode_picture

EPISODES = [small_episode(seed, frames=8, size=(32, 48)) for seed in (4, 5)]


@pytest.fixture(scope="module")
def v3(tmp_path_factory):
    """A dataset of two episodes without this project's own file."""
    folder = tmp_path_factory.mktemp("lerobot")
    convert(folder_of(folder / "cache", EPISODES), folder / "v3", "lerobot")
    (folder / "v3" / "meta" / "action_images.jsonl").unlink()
    return folder / "v3"


@pytest.fixture
def dataset(v3, tmp_path):
    shutil.copytree(v3, tmp_path / "dataset")
    return tmp_path / "dataset"


def as_v21(path):
    """The same dataset in the layout of v2.1."""
    info = json.loads((path / "meta" / "info.json").read_text())
    info |= {
        "codebase_version": "v2.1",
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
    }
    (path / "meta" / "info.json").write_text(json.dumps(info))
    for number in range(2):
        data = path / f"data/chunk-000/file-{number:03d}.parquet"
        data.rename(data.with_name(f"episode_{number:06d}.parquet"))
        for camera in ("left", "right"):
            key = f"observation.images.{camera}"
            video = path / f"videos/{key}/chunk-000/file-{number:03d}.mp4"
            target = path / f"videos/chunk-000/{key}/episode_{number:06d}.mp4"
            target.parent.mkdir(parents=True, exist_ok=True)
            video.rename(target)
    rows = [{"episode_index": n, "tasks": [EPISODES[n].instruction], "length": 8} for n in range(2)]
    (path / "meta" / "episodes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (path / "meta" / "tasks.jsonl").write_text(json.dumps({"task_index": 0, "task": EPISODES[0].instruction}) + "\n")
    shutil.rmtree(path / "meta" / "episodes")
    (path / "meta" / "tasks.parquet").unlink()
    return path


def change(path, edit, number=0, name="file-{:03d}"):
    """Edit an episode's rows: a list of dicts."""
    file = next(path.glob(f"data/*/{name.format(number)}.parquet"))
    rows = pq.read_table(file).to_pylist()
    edit(rows)
    pq.write_table(pa.Table.from_pylist(rows), file)


def names(path, key, value):
    info = json.loads((path / "meta" / "info.json").read_text())
    if value is None:
        info["features"].pop(key)
    else:
        info["features"].setdefault(key, {"dtype": "float32"}).update(value)
    (path / "meta" / "info.json").write_text(json.dumps(info))


def read(path, **setup):
    robot, dt = setup.pop("robot", ""), setup.pop("dt", None)
    options = Options(robot=robot, dt=dt, setup=setup)
    found = [entry for item in recognise(path).items(path, options) for entry in loaded(item, options)]
    return [e for e in found if not isinstance(e, Remark)], [e.text for e in found if isinstance(e, Remark)]


def same(found, wanted, exact=1e-6):
    np.testing.assert_allclose(matrix_from_pose7(found.poses), matrix_from_pose7(wanted.poses), atol=exact)
    np.testing.assert_allclose(found.openness, wanted.openness, atol=exact)
    np.testing.assert_allclose(found.world_from_camera, wanted.world_from_camera, atol=exact)
    assert found.instruction == wanted.instruction and found.dt == pytest.approx(wanted.dt)


@pytest.mark.parametrize("version", ["v3", "v2.1"])
def test_both_layouts_are_read(dataset, version):
    episodes, texts = read(dataset if version == "v3" else as_v21(dataset))
    assert not texts and len(episodes) == 2
    for found, wanted in zip(episodes, EPISODES, strict=True):
        same(found, wanted)


@pytest.mark.parametrize("column", ["timestamp", "frame_index", "episode_index", "index", "task_index", "action"])
def test_optional_columns_may_be_missing(dataset, column):
    for number in range(2):
        change(dataset, lambda rows: [row.pop(column) for row in rows], number)
    names(dataset, column, None)
    episodes, texts = read(dataset)
    assert not texts
    same(episodes[1], EPISODES[1])


@pytest.mark.parametrize("lack", ["tasks", "episodes", "both"])
def test_v21_without_side_files(dataset, lack):
    as_v21(dataset)
    if lack != "episodes":
        (dataset / "meta" / "tasks.jsonl").unlink()
    if lack != "tasks":
        (dataset / "meta" / "episodes.jsonl").unlink()
    if lack == "both":
        episodes, texts = read(dataset)
        assert not episodes and all("--instruction" in text for text in texts)
    episodes, texts = read(dataset, instruction_text=EPISODES[0].instruction)
    assert not texts
    same(episodes[0], EPISODES[0])


def test_tasks_of_frames_cut_the_episode(dataset):
    def edit(rows):
        for row in rows:
            row["task_index"] = 0 if row["frame_index"] < 5 else 7

    change(dataset, edit)
    tasks = dataset / "meta" / "tasks.parquet"
    tasks.unlink()
    (dataset / "meta" / "tasks.jsonl").write_text(
        '{"task_index": 0, "task": "reach the red ball"}\n{"task_index": 7, "task": "go home"}\n'
    )
    episodes, _ = read(dataset)
    assert [(e.instruction, e.frames) for e in episodes] == [
        ("reach the red ball", 5),
        ("go home", 3),
        ("reach the red ball", 8),
    ]
    np.testing.assert_allclose(episodes[1].poses, EPISODES[0].poses[5:], atol=1e-6)
    assert len({(e.task, e.seed) for e in episodes}) == 3


@pytest.mark.parametrize("form", ["task", "language_instruction", "pandas"])
def test_forms_of_the_task(dataset, form):
    if form == "pandas":
        table = pa.table({"task_index": [0], "__index_level_0__": ["open the door"]})
        pq.write_table(table, dataset / "meta" / "tasks.parquet")
    else:
        change(dataset, lambda rows: [row.update({form: "open the door"}) for row in rows])
    assert read(dataset)[0][0].instruction == "open the door"


@pytest.mark.parametrize("factor", [0.5, 1.25, 2])
def test_fps_that_contradicts_the_timestamps_is_named(dataset, factor):
    info = json.loads((dataset / "meta" / "info.json").read_text())
    info["fps"] = info["fps"] * factor
    (dataset / "meta" / "info.json").write_text(json.dumps(info))
    episodes, texts = read(dataset)
    assert not episodes and all("fps" in text and "timestamps" in text for text in texts)


def set_state(dataset, map_openness, name="openness", number=0):
    names(dataset, "observation.state", {"names": ["x", "y", "z", "qx", "qy", "qz", "qw", name]})
    names(dataset, "action", {"names": ["x", "y", "z", "qx", "qy", "qz", "qw", "none"]})

    def edit(rows):
        for row in rows:
            row["observation.state"] = [*row["observation.state"][:7], map_openness(row["observation.state"][7])]

    change(dataset, edit, number)


@pytest.mark.parametrize(
    "name, counted, declared",
    [
        ("openness", lambda o: o, ""),
        ("gripper", lambda o: 0.5 + 99.5 * o, "0.5..100"),
        ("gripper.pos", lambda o: 100 * o, ""),
        ("gripper_closed", lambda o: 1 - o, ""),
        ("gripper_open", lambda o: 2 * o - 1, ""),
        ("gripper_closedness", lambda o: 255 * (1 - o), ""),
        ("gripper", lambda o: 0.08 * o, "0..0.08"),
        ("gripper", lambda o: 1 - o, "1..0"),
        ("gripper", lambda o: 1 - 2 * o, "1..-1"),
        ("gripper_openness", lambda o: 0.08 * o, "0..0.08"),
        ("openness", lambda o: 1 - o, "1..0"),
    ],
)
def test_gripper_conventions_are_found_or_declared(dataset, name, counted, declared):
    set_state(dataset, counted, name)
    episodes, texts = read(dataset, gripper=declared)
    np.testing.assert_allclose(episodes[0].openness, EPISODES[0].openness, atol=1e-6)


@pytest.mark.parametrize(
    "name, counted",
    [
        ("gripper", lambda o: o),
        ("gripper", lambda o: 2 * o - 1),
        ("gripper", lambda o: 255.0 * o),
        ("gripper", lambda o: 850.0 * o),
        ("gripper", lambda o: 0.08 * o),
        ("gripper_width", lambda o: 0.08 * o),
        ("openness", lambda o: 0.08 * o),
        ("openness", lambda o: float("nan")),
    ],
)
def test_an_unsure_gripper_costs_its_episode_and_names_the_option(dataset, name, counted):
    set_state(dataset, counted, name)
    episodes, texts = read(dataset)
    assert len(episodes) <= 1 and "gripper" in texts[0] or "finite" in texts[0]


def test_a_width_has_the_range_of_the_robots_fingers(dataset):
    set_state(dataset, lambda o: 0.08 * o, "gripper_width")
    np.testing.assert_allclose(read(dataset, robot="franka")[0][0].openness, EPISODES[0].openness, atol=1e-6)


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda p: [np.nan, *p[1:]], "finite"),
        (lambda p: [*p[:3], 0, 0, 0, 0], "quaternion is zero"),
        (lambda p: [*p[:3], 170.0, 20.0, -5.0, 0.0], "degrees"),
        (lambda p: [1000 * v for v in p[:3]] + list(p[3:]), "millimetres"),
    ],
)
def test_a_bad_episode_is_named_and_the_other_one_read(dataset, spoil, words):
    def edit(rows):
        rows[3]["observation.tool_pose"] = [float(v) for v in spoil(rows[3]["observation.tool_pose"])]

    change(dataset, edit)
    episodes, texts = read(dataset)
    same(episodes[0], EPISODES[1])
    assert len(texts) == 1 and words in texts[0]


def test_lost_files_and_columns_cost_one_episode(dataset):
    next(dataset.glob("videos/observation.images.left/*/file-000.mp4")).unlink()
    assert len(read(dataset)[0]) == 1
    change(dataset, lambda rows: [row.pop("observation.tool_pose") for row in rows], 1)
    names(dataset, "observation.state", {"names": ["a"] * 8})
    episodes, texts = read(dataset)
    assert not episodes and "observation.tool_pose" in texts[1] and "file-000.mp4" in texts[0]


@pytest.mark.parametrize("version", ["v3", "v2.1"])
def test_episodes_that_info_tells_of_and_files_lack_are_said(dataset, version):
    path = dataset if version == "v3" else as_v21(dataset)
    names(path, "action", {})
    info = json.loads((path / "meta" / "info.json").read_text())
    (path / "meta" / "info.json").write_text(json.dumps(info | {"total_episodes": 4}))
    episodes, texts = read(path)
    assert len(episodes) == 2 and ["4 episodes, 2 are there (not 2, 3)" in text for text in texts] == [True]


@pytest.mark.parametrize("version", ["v3", "v2.1"])
def test_rows_cut_off_at_the_end_cost_the_episode(dataset, version):
    path = dataset if version == "v3" else as_v21(dataset)
    change(path, lambda rows: rows.pop(), 0, "file-{:03d}" if version == "v3" else "episode_{:06d}")
    episodes, texts = read(path)
    assert len(episodes) == 1 and len(texts) == 1 and "8" in texts[0]


def test_depth_pictures_are_passed_over(dataset):
    names(dataset, "observation.images.depth", {"dtype": "video", "info": {"video.is_depth_map": True}})
    assert read(dataset)[0][0].camera_names == ("left", "right")


def test_cameras_are_chosen(dataset):
    assert read(dataset, cameras=("right",))[0][0].camera_names == ("right",)
    assert "not there" in read(dataset, cameras=("top",))[1][0]


def test_every_second_frame(dataset):
    [found, _], _ = read(dataset, dt=0.4)
    np.testing.assert_allclose(found.poses, EPISODES[0].poses[::2], atol=1e-6)
    assert found.dt == pytest.approx(0.4) and "--dt" in read(dataset, dt=0.3)[1][0]


def test_droid_like_poses_and_extrinsics(dataset):
    """A robot's tool as xyz and roll pitch yaw, cameras as 6-vectors, intrinsics as fx fy cx cy."""
    turn = robot_setup("cell").robot_tool_from_model_tool

    def edit(rows):
        for row in rows:
            pose = to_robot_tool(np.array(row.pop("observation.tool_pose")), turn)
            rpy = Rotation.from_quat(pose[3:]).as_euler("xyz")
            row["observation.state.cartesian_position"] = [*pose[:3], *rpy]
            row["observation.state.gripper_position"] = 1 - row.pop("observation.state")[7]
            row.pop("action")
            for camera in ("left", "right"):
                E = np.reshape(row.pop(f"observation.world_from_camera.{camera}"), (4, 4))
                row[f"camera_extrinsics.{camera}"] = [*E[:3, 3], *Rotation.from_matrix(E[:3, :3]).as_euler("xyz")]
                K = row.pop(f"observation.intrinsics.{camera}")
                row[f"camera_intrinsics.{camera}"] = [K[0], K[4], K[2], K[5]]

    change(dataset, edit)
    for key in ("tool_pose", "state"):
        names(dataset, f"observation.{key}", None)
    names(dataset, "action", None)
    for key in ("state.cartesian_position", "state.gripper_position"):
        names(dataset, f"observation.{key}", {"names": None})
    assert "--robot" in read(dataset)[1][0]
    assert "--gripper" in read(dataset, robot="cell")[1][0]
    found = read(dataset, robot="cell", gripper="1..0")[0][0]
    same(found, EPISODES[0])
    change(dataset, lambda rows: [row.update({"camera_extrinsics.left": [0.0] * 6}) for row in rows])
    assert "all zero" in read(dataset, robot="cell", gripper="1..0")[1][0]


def test_paths_in_info_json_stay_inside(dataset):
    info = json.loads((dataset / "meta" / "info.json").read_text())
    info["data_path"] = "../../secret/file-{file_index:03d}.parquet"
    (dataset / "meta" / "info.json").write_text(json.dumps(info))
    episodes, texts = read(dataset)
    assert not episodes and all("outside" in text for text in texts)


def test_pictures_in_the_table(dataset):
    def edit(rows):
        for row in rows:
            picture = EPISODES[0].images[0, row["frame_index"]]
            row["observation.images.left"] = {"bytes": encode_picture(picture), "path": None}

    change(dataset, edit)
    names(dataset, "observation.images.left", {"dtype": "image"})
    found = read(dataset)[0][0]
    np.testing.assert_array_equal(found.images[0], EPISODES[0].images[0])
