"""Pictures of every understood encoding become the same RGB; the ROS messages' side is tested in test/ros."""

import cv2
import numpy as np
import pytest

from action_images_ros.interfaces.images import ENCODINGS, TornPicture, encode_picture, rgb_from_file, rgb_from_pixels

RGB = np.random.default_rng(3).integers(0, 256, (5, 7, 3)).astype(np.uint8)
_YUV = ((0.299, 0.587, 0.114), (-0.148, -0.291, 0.439), (0.439, -0.368, -0.071))
TO = {"bgr8": cv2.COLOR_RGB2BGR, "8UC3": cv2.COLOR_RGB2BGR, "rgba8": cv2.COLOR_RGB2RGBA, "bgra8": cv2.COLOR_RGB2BGRA}


@pytest.mark.parametrize("encoding", [e for e, size in ENCODINGS.items() if size >= 3])
@pytest.mark.parametrize("padding", [0, 3])
def test_every_colour_encoding_gives_the_same_picture(encoding, padding):
    pixels = (cv2.cvtColor(RGB, TO[encoding]) if encoding in TO else RGB).reshape(5, -1)
    rows = np.hstack([pixels, np.full((5, padding), 9, np.uint8)])
    np.testing.assert_array_equal(rgb_from_pixels(encoding, 5, 7, rows.shape[1], rows.tobytes()), RGB)


@pytest.mark.parametrize(
    "encoding, order", [("yuv422", "uyvy"), ("uyvy", "uyvy"), ("yuv422_yuy2", "yuyv"), ("yuyv", "yuyv")]
)
def test_pairs_of_yuv_become_colours(encoding, order):
    """Every pair of pixels has one colour here, so nothing is lost but the rounding."""
    flat = np.repeat(RGB[:, :4], 2, axis=1)
    luma, u, v = (127 + (flat.astype(float) - 127) @ np.array(row) for row in _YUV)
    rows = np.zeros((5, 8, 2))
    rows[..., order.index("y")] = (luma - 127) * 219 / 255 + 126
    rows[:, 0::2, 1 - order.index("y")] = u[:, 0::2]
    rows[:, 1::2, 1 - order.index("y")] = v[:, 0::2]
    found = rgb_from_pixels(encoding, 5, 8, 16, rows.clip(0, 255).round().astype(np.uint8).tobytes())
    assert np.abs(found.astype(int) - flat).max() <= 6


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
        (("nv21", 5, 7, 14, bytes(70)), "Understood: rgb8"),
        (("yuv422", 5, 7, 14, bytes(70)), "width is 7"),
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


COLOUR = np.array([200, 40, 90], np.uint8)


def mosaic(pattern, size=(16, 16)):
    """What a sensor with that pattern sees of a wall of one colour."""
    wall = np.zeros(size, np.uint8)
    for index, letter in enumerate(pattern):
        wall[index // 2 :: 2, index % 2 :: 2] = COLOUR["rgb".index(letter)]
    return wall


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
@pytest.mark.parametrize("packed", ["", "png", "jpeg"])
def test_a_bayer_mosaic_becomes_colours(pattern, packed):
    wall, name = mosaic(pattern), f"bayer_{pattern}8"
    if packed:
        data = cv2.imencode(f".{packed}", wall, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
        picture = rgb_from_file(data, f"{name}; {packed} compressed ")
    else:
        picture = rgb_from_pixels(name, 16, 16, 16, wall.tobytes())
    assert np.abs(picture.astype(int) - COLOUR).max() <= 4


@pytest.mark.parametrize(
    "words, swapped",
    [
        ("rgb8; png compressed rgb8", True),
        ("rgb8; png compressed bgr8", False),
        ("png", False),
        ("bgr8; png compressed rgb8", True),
        ("rgb8; png compressed", False),
        ("bayer_rggb8; png compressed bgr8", False),
    ],
)
def test_the_order_of_the_colours_is_the_one_the_format_names(words, swapped):
    data = cv2.imencode(".png", RGB if swapped else RGB[..., ::-1])[1].tobytes()
    np.testing.assert_array_equal(rgb_from_file(data, words), RGB)


def _png_header(width, height):
    whole = encode_picture(RGB)
    return whole[:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + whole[24:]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        encode_picture(RGB)[:-20],
        encode_picture(np.repeat(RGB, 9, 0), "jpeg")[:-30],
        encode_picture(RGB, "jpeg")[:12],
        _png_header(100_000, 100_000),
    ],
)
def test_a_torn_picture_is_told_from_one_that_is_not_understood(data):
    with pytest.raises(TornPicture):
        rgb_from_file(data, "jpeg")


def test_a_raw_picture_that_is_cut_off_is_torn():
    with pytest.raises(TornPicture):
        rgb_from_pixels("rgb8", 5, 7, 21, bytes(80))
    with pytest.raises(ValueError, match="megapixels"):
        rgb_from_pixels("rgb8", 100_000, 100_000, 300_000, bytes(80))
