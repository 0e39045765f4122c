import pytest

from action_images_ros.benchmarks.ros_latency import Ages, summary, transport


class Wall:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def watched():
    """Ages under a cell that runs at half the real time, two clock messages in."""
    wall = Wall()
    ages = Ages(wall)
    ages.clock(10_000_000_000)
    wall.now = 0.1
    ages.clock(10_050_000_000)
    return ages, wall


def test_ages_are_simulated_time_read_between_the_clocks_messages(watched):
    ages, wall = watched
    wall.now = 0.14  # 40 ms on the wall, 20 ms in the cell
    ages.chunk(9_970_000_000)
    assert ages.ages["decoded"] == [pytest.approx(100.0)]


def test_only_the_first_command_after_a_chunk_counts(watched):
    ages, wall = watched
    ages.command()
    assert ages.ages["commanded"] == []
    ages.chunk(10_000_000_000)
    wall.now = 0.12
    ages.command()
    wall.now = 0.2
    ages.command()
    assert ages.ages["commanded"] == [pytest.approx(60.0)]


def test_nothing_is_measured_before_the_clock_is_known():
    ages = Ages(Wall())
    ages.chunk(5)
    ages.command()
    assert ages.ages == {"decoded": [], "commanded": []}


def test_a_summary_of_nothing_says_so():
    assert summary([])["count"] == 0
    assert summary([1.0, 3.0])["median_ms"] == 2.0


def test_images_of_another_process_arrive_with_their_age():
    row = transport(rate=20, size=(48, 64), seconds=0.5)
    assert 5 <= row["count"] <= row["sent"] and row["sent"] <= 11
    assert 0 < row["median_ms"] < 2000 and 0 <= row["lost_share"] < 1
