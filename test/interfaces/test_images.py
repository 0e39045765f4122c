"""Pictures of every understood encoding become the same RGB; the ROS messages' side is tested in test/ros."""

import cv2
import numpy as np
import pytest

from action_images_ros.interfaces.images import ENCODINGS, encode_picture, rgb_from_file, rgb_from_pixels

RGB = np.random.default_rng(3).integers(0, 256, (5, 7, 3)).astype(np.uint8)
TO = {"bgr8": cv2.COLOR_RGB2BGR, "8UC3": cv2.COLOR_RGB2BGR, "rgba8": cv2.COLOR_RGB2RGBA, "bgra8": cv2.COLOR_RGB2BGRA}


@pytest.mark.parametrize("encoding", [e for e in ENCODINGS if e not in ("mono8", "8UC1")])
@pytest.mark.parametrize("padding", [0, 3])
def test_every_colour_encoding_gives_the_same_picture(encoding, padding):
    pixels = (cv2.cvtColor(RGB, TO[encoding]) if encoding in TO else RGB).reshape(5, -1)
    rows = np.hstack([pixels, np.full((5, padding), 9, np.uint8)])
    np.testing.assert_array_equal(rgb_from_pixels(encoding, 5, 7, rows.shape[1], rows.tobytes()), RGB)


def test_the_result_is_a_copy_that_can_be_written_to():
    data = bytearray(RGB.tobytes())
    rgb_from_pixels("rgb8", 5, 7, 21, data)[:] = 0
    assert bytes(data) == RGB.tobytes()


def test_png_is_lossless_and_jpeg_close():
    np.testing.assert_array_equal(rgb_from_file(encode_picture(RGB), "png"), RGB)
    flat = np.full((16, 16, 3), (200, 40, 90), np.uint8)
    assert np.abs(rgb_from_file(encode_picture(flat, "jpeg"), "jpeg").astype(int) - flat).max() < 6


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("16UC1", 5, 7, 14, bytes(70)), "'16UC1'.*8 bits"),
        (("yuv422", 5, 7, 14, bytes(70)), "Understood: rgb8"),
        (("rgb8", 5, 7, 20, bytes(100)), "step is 20"),
        (("rgb8", 5, 7, 21, bytes(80)), "cut off"),
        (("rgb8", 0, 7, 21, b""), "empty"),
    ],
)
def test_pixels_that_cannot_be_right_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        rgb_from_pixels(*arguments)
    with pytest.raises(ValueError, match="no jpeg or png"):
        rgb_from_file(b"cat", "jpeg")
