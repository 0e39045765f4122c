"""Whatever the bytes of a recording or dataset say, reading ends in episodes or in a sentence, never in a traceback."""

import json
import shutil

import pytest
from datasets_small import folder_of
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from recordings import convert as stored_as
from recordings import record, small_episode
from rosbags.rosbag2 import StoragePlugin

from action_images_ros.data.convert import convert
from action_images_ros.data.episode import Episode
from action_images_ros.data.format import Options, loaded
from action_images_ros.data.registry import recognise
from action_images_ros.interfaces.calibration import read_calibration

EPISODE = small_episode(3, frames=5, size=(16, 16))
SOME = settings(
    max_examples=20, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 1 << 16),  # which file
        st.sampled_from(["cut", "flip", "overwrite", "empty", "remove", "repeat"]),
        st.floats(0, 1, exclude_max=True),  # where
        st.binary(min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A small one of every format, as {relative path: bytes}."""
    folder = tmp_path_factory.mktemp("sources")
    folder_of(folder / "cache", [EPISODE])
    for name in ("lerobot", "rlbench"):
        convert(folder / "cache", folder / name, name)
    record(folder / "mcap", EPISODE)
    stored_as(folder / "mcap", folder / "sqlite3", StoragePlugin.SQLITE3)
    return {
        kind.name: {p.relative_to(kind).as_posix(): p.read_bytes() for p in sorted(kind.rglob("*")) if p.is_file()}
        for kind in folder.iterdir()
    }


def spoilt(data, how, where, noise):
    at = int(where * max(len(data), 1))
    if how == "cut":
        return data[:at]
    if how == "flip":
        return data[:at] + bytes(b ^ 0xFF for b in data[at : at + len(noise)]) + data[at + len(noise) :]
    if how == "overwrite":
        return data[:at] + noise + data[at + len(noise) :]
    return b"" if how == "empty" else data[:at] + noise * 3 + data[at:]


def read(path):
    """What is read is an Episode or a Remark; what cannot be is a ValueError that names the path or file."""
    try:
        options = Options(min_frames=1)
        for item in recognise(path).items(path, options):
            for found in loaded(item, options):
                assert isinstance(found, Episode) or found.text
    except (ValueError, FileNotFoundError) as error:
        assert str(error)


@pytest.mark.parametrize("kind", ["cache", "lerobot", "rlbench", "mcap", "sqlite3"])
def test_spoilt_files_end_in_a_sentence(sources, tmp_path, kind):
    files, target = sources[kind], tmp_path / "spoilt"

    @SOME
    @example([(0, "empty", 0.0, b"x")])
    @example([(1, "cut", 0.5, b"x")])
    @example([(1, "overwrite", 0.0625, b"{")])
    @given(CHANGES)
    def spoil(changes):
        shutil.rmtree(target, ignore_errors=True)
        content = dict(files)
        for number, how, where, noise in changes:
            name = sorted(content)[number % len(content)] if content else None
            if name is None:
                break
            if how == "remove":
                del content[name]
            else:
                content[name] = spoilt(content[name], how, where, noise)
        target.mkdir()
        for name, data in content.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(data)
        read(target)

    spoil()


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "cameras",
                    "K",
                    "pose",
                    "position",
                    "orientation",
                    "camera_matrix",
                    "data",
                    "cam0",
                    "intrinsics",
                    "camera_model",
                    "transformation",
                    "base_frame",
                    "width",
                    "height",
                    "fx",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(JSON)
def test_any_calibration_file_ends_in_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(content))
    try:
        read_calibration(path, "base")
    except ValueError as error:
        assert "any.json" in str(error)


@pytest.mark.parametrize("name", ["info.json", "tasks.jsonl", "episodes.jsonl", "action_images.jsonl"])
@settings(max_examples=15, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(content=JSON)
def test_any_side_file_of_a_lerobot_dataset_ends_in_a_sentence(sources, tmp_path_factory, name, content):
    target = tmp_path_factory.getbasetemp() / "side"
    shutil.rmtree(target, ignore_errors=True)
    for relative, data in sources["lerobot"].items():
        (target / relative).parent.mkdir(parents=True, exist_ok=True)
        (target / relative).write_bytes(data)
    info = json.loads((target / "meta" / "info.json").read_text())
    if name == "info.json" and isinstance(content, dict):
        content = info | {"features": content, "fps": content.get("x", 5)}
    if name == "tasks.jsonl":
        (target / "meta" / "tasks.parquet").unlink()
    (target / "meta" / name).write_text(json.dumps(content))
    read(target)
