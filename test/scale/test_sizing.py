import numpy as np
import pytest

from action_images_ros.scale.sizing import Archive, Rates, rows, simulate, size


def test_workers_that_never_die_share_the_work():
    run = simulate(np.full(120, 3600.0), 10, Rates(hours_between_deaths=1e9))
    assert run.hours == pytest.approx(12.0) and run.deaths == 0 and run.busy == pytest.approx(1.0)


def test_the_last_bag_is_waited_for():
    assert simulate(np.array([3600.0, 3600.0, 3600.0]), 2, Rates(hours_between_deaths=1e9)).hours == pytest.approx(2.0)


def test_deaths_cost_what_was_done_of_a_bag():
    calm, harsh = (simulate(np.full(500, 3600.0), 10, Rates(hours_between_deaths=h)) for h in (1e9, 10.0))
    assert harsh.deaths == pytest.approx(53, abs=25)  # expected 1 / (exp(-1 / 10)) - 1 per bag
    assert harsh.hours > calm.hours and harsh.busy < 1.0 and 0 < harsh.lost_hours < harsh.deaths * 1.1


def test_the_workers_asked_for_make_the_time_and_few_fewer_do_not():
    archive, rates = Archive(hours=1000.0), Rates(pictures_per_second=4.0)
    result = size(archive, rates, days=7.0)
    assert result["days"] <= 7.0
    assert size(archive, rates, workers=int(0.95 * result["workers"]))["days"] > 7.0


def test_more_cameras_are_more_work():
    two, four = (size(Archive(hours=10.0, cameras=count), workers=1) for count in (2, 4))
    assert four["worker_hours"] == pytest.approx(2 * two["worker_hours"])
    assert two["worker_hours"] == pytest.approx(10 * 3600 / 0.2 * 2 / Rates().pictures_per_second / 3600)


def test_storage_follows_from_pictures_and_frames():
    result = size(
        Archive(1.0, 2, 10.0, 100, 200),
        Rates(jpeg_bytes_per_pixel=0.5, label_bytes_per_frame=10.0, label_bytes_per_picture=100.0, dt=0.5),
        workers=1,
    )
    assert result["raw_tb"] == pytest.approx(3600 * 10 * 2 * 60_000 / 1e12)
    assert result["jpeg_tb"] == pytest.approx(3600 * 10 * 2 * 10_000 / 1e12)
    assert result["labels_tb"] == pytest.approx(7200 * 210 / 1e12)
    assert {row["what"] for row in rows(result)} >= {"workers", "time", "labels"}


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Archive(hours=0), "hours is 0"),
        (lambda: Rates(pictures_per_second=-1), "pictures_per_second is -1"),
        (lambda: size(days=0), "days is 0"),
        (lambda: size(workers=0), "workers 0"),
        (lambda: size(Archive(hours=100, bag_minutes=6000), days=0.5), "longest bag alone"),
        (lambda: simulate(np.full(3, 1e6), 1, Rates(hours_between_deaths=1.0)), "give shorter bags"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
