import pytest
from recordings import record, small_episode


@pytest.fixture
def bags(tmp_path):
    """A folder of five tiny recordings, b0 .. b4."""
    for index in range(5):
        record(tmp_path / "bags" / f"b{index}", small_episode(index, frames=3, size=(16, 16)))
    return tmp_path / "bags"
