"""Videos keep frames, times and colours."""

from fractions import Fraction

import numpy as np
import pytest
from datasets_small import psnr
from recordings import smooth_pictures

from action_images_ros.data.video import frame_rate, read_video, write_video


@pytest.mark.parametrize("size", [(48, 64), (33, 47)])
@pytest.mark.parametrize("rate", [Fraction(5), Fraction(30000, 1001)])
def test_frames_come_back_at_their_times(tmp_path, size, rate):
    pictures = smooth_pictures(1, 9, *size)[0]
    write_video(tmp_path / "a.mp4", iter(pictures), rate)
    times, frames = zip(*read_video(tmp_path / "a.mp4"), strict=True)
    np.testing.assert_allclose(times, np.arange(9) / float(rate), atol=1e-3)
    assert psnr(np.stack(frames), pictures) > 32


def test_a_part_can_be_read(tmp_path):
    pictures = smooth_pictures(1, 20, 32, 32)[0]
    write_video(tmp_path / "a.mp4", pictures, Fraction(10))
    times = [time for time, _ in read_video(tmp_path / "a.mp4", 0.75, 1.25)]
    np.testing.assert_allclose(times, [0.8, 0.9, 1.0, 1.1, 1.2], atol=1e-3)


def test_an_error_leaves_no_half_video(tmp_path):
    def frames():
        yield np.zeros((16, 16, 3), np.uint8)
        raise RuntimeError("camera fell")

    with pytest.raises(RuntimeError):
        write_video(tmp_path / "a.mp4", frames(), Fraction(5))
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="crf is 70"):
        write_video(tmp_path / "a.mp4", [], Fraction(5), crf=70)


def test_a_damaged_video_is_named(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no film")
    with pytest.raises(ValueError, match="a.mp4 is no readable video"):
        list(read_video(tmp_path / "a.mp4"))


def test_rates_are_exact_fractions():
    assert frame_rate(0.2) == 5 and frame_rate(1 / 30) == 30 and frame_rate(0.15) == Fraction(20, 3)
