from dataclasses import replace

import pytest

from action_images_ros.benchmarks import wan_pipeline as pipeline
from action_images_ros.benchmarks.wan_pipeline import OPTIMISATIONS, STAGES, pipeline_table


@pytest.fixture(scope="module")
def table():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "TINY_CARD", replace(pipeline.TINY_CARD, image_size=(32, 32), frames=21))
        return pipeline_table(size="tiny", repeats=1, changes={"steps": 3, "device": "cpu"})


def test_every_stage_and_step_of_both_protocols_is_reported(table):
    published, fast = table["rows"]
    assert published["name"] == OPTIMISATIONS[0][0] and fast["name"] == OPTIMISATIONS[-1][0]
    assert (published["frames"], published["steps"], fast["frames"], fast["steps"]) == (21, 3, 17, 4)
    assert len(fast["step_seconds"]) == 4
    for row in table["rows"]:
        assert all(row[stage] >= 0 for stage in STAGES)
        assert row["first"] >= row["denoise"] + row["decode"] + row["lift"]
    assert "RANDOM" in table["what"] and "CPU" in table["device"]


def test_the_fast_path_is_faster_and_its_head_comes_before_its_rest(table):
    published, fast = table["rows"]
    assert fast["first"] < fast["all"] < published["all"]
    assert fast["first_ratio"] == pytest.approx(published["all"] / fast["first"])
    assert fast["video"] == 0 < published["video"]


def test_a_size_that_is_none_is_refused():
    with pytest.raises(ValueError, match="size = 'huge'"):
        pipeline_table(size="huge")
