"""The benchmark of recordings runs its stages over a small synthetic recording and leaves nothing behind."""

import tempfile

from action_images_ros.benchmarks.recordings import measure_recordings


def test_every_stage_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    result = measure_recordings(0.06)
    assert [row["stage"] for row in result["rows"]] == ["read", "inspect (topics)", "convert to 96x96"]
    assert all(row["seconds_per_gb"] > 0 for row in result["rows"]) and 0.05 < result["gigabytes"] < 0.07
    assert not list(tmp_path.iterdir())
