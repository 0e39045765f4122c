"""Camera images of every common encoding arrive as the same RGB picture; what cannot is refused with its reason."""

import array

import cv2
import cv_bridge_like
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from action_images_ros.ros import images
from action_images_ros.ros.images import (
    compressed_from_rgb,
    image_from_rgb,
    rgb_from_compressed,
    rgb_from_image,
    rgb_from_message,
)

RGB = np.random.default_rng(3).integers(0, 256, (5, 7, 3)).astype(np.uint8)
ALPHA = np.full((5, 7, 1), 130, np.uint8)


def _message(pixels, encoding, padding=0, **changes):
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    rows = pixels.reshape(pixels.shape[0], -1)
    rows = np.hstack([rows, np.full((len(rows), padding), 77, np.uint8)])
    fields = {
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "encoding": encoding,
        "step": rows.shape[1],
        "data": array.array("B", rows.tobytes()),
    }
    return Image(**{**fields, **changes})


BRIDGES = {
    "numpy": None,
    "like": cv_bridge_like.CvBridge,
    "exchanged": cv_bridge_like.Exchanged,
    "broken": cv_bridge_like.Broken,
}


@pytest.fixture(params=[*BRIDGES, "genuine"], autouse=True)
def converter(request, monkeypatch):
    """Every way of converting; the genuine cv_bridge where it can be imported."""
    if request.param == "genuine":
        if not images.HAS_CV_BRIDGE:
            pytest.skip("cv_bridge is not installed, or agrees in no encoding")
        return images._BRIDGE
    make = BRIDGES[request.param]
    bridge = None if make is None else images.ProvedBridge(make())
    monkeypatch.setattr(images, "_BRIDGE", bridge)
    return bridge


def test_a_bridge_is_used_only_where_it_agrees(converter, request):
    name = request.node.callspec.params["converter"]
    proved = {
        "like": {"rgb8", "bgr8", "rgba8", "bgra8", "mono8"},
        "exchanged": {"rgb8", "rgba8", "bgra8"},
        "broken": set(),
    }
    if name in proved:
        assert converter.encodings == proved[name]


def test_a_proved_bridge_is_asked_for_plain_messages_only():
    asked = cv_bridge_like.CvBridge()
    bridge = images.ProvedBridge(asked)
    before = asked.asked
    for message in (
        _message(RGB, "rgb8", 5),
        _message(RGB, "rgb8", is_bigendian=1),
        _message(RGB, "rgb8", data=array.array("B", RGB.tobytes() + b"more")),
    ):
        assert bridge.rgb(message) is None
    assert asked.asked == before
    np.testing.assert_array_equal(bridge.rgb(_message(RGB, "rgb8")), RGB)


def test_a_bridge_that_fails_later_is_not_asked_again():
    broken = cv_bridge_like.CvBridge()
    bridge = images.ProvedBridge(broken)
    broken.imgmsg_to_cv2 = cv_bridge_like.Broken().imgmsg_to_cv2
    assert bridge.rgb(_message(RGB, "rgb8")) is None and "rgb8" not in bridge.encodings


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("bigendian", [0, 1])
@pytest.mark.parametrize(
    "encoding, pixels",
    [
        ("rgb8", RGB),
        ("bgr8", RGB[..., ::-1]),
        ("8UC3", RGB[..., ::-1]),
        ("rgba8", np.concatenate([RGB, ALPHA], -1)),
        ("bgra8", np.concatenate([RGB[..., ::-1], ALPHA], -1)),
    ],
)
def test_every_colour_encoding_gives_the_same_picture(converter, encoding, pixels, padding, bigendian):
    message = _message(pixels, encoding, padding, is_bigendian=bigendian)
    np.testing.assert_array_equal(rgb_from_image(message), RGB)


@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_a_grey_picture_becomes_three_equal_channels(converter, encoding):
    np.testing.assert_array_equal(rgb_from_image(_message(RGB[..., :1], encoding, 3)), RGB[..., [0, 0, 0]])


def test_the_last_row_may_come_without_its_padding():
    message = _message(RGB, "rgb8", 5)
    message.data = message.data[:-5]
    np.testing.assert_array_equal(rgb_from_image(message), RGB)


def test_the_picture_can_be_written_to_without_touching_the_message():
    message = image_from_rgb(RGB)
    rgb_from_image(message)[:] = 0
    np.testing.assert_array_equal(rgb_from_image(message), RGB)


@pytest.mark.parametrize("encoding", ["mono16", "16UC1", "rgb16", "bgra16", "32FC1"])
def test_deeper_pictures_are_refused_with_the_remedy(encoding):
    with pytest.raises(ValueError, match=f"{encoding}.*8 bits"):
        rgb_from_image(_message(RGB, encoding))


@pytest.mark.parametrize("encoding", ["bayer_rggb16", "nv21", "", "RGB8"])
def test_unknown_encodings_are_refused_with_the_known_ones(encoding):
    with pytest.raises(ValueError, match="Understood: rgb8, bgr8"):
        rgb_from_image(_message(RGB, encoding))


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"height": 0}, "empty"),
        ({"width": 0}, "empty"),
        ({"step": 20}, "step is 20"),
        ({"data": array.array("B", bytes(50))}, "cut off"),
    ],
)
def test_messages_that_contradict_themselves_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        rgb_from_image(_message(RGB, "rgb8", **changes))


def test_a_picture_survives_both_kinds_of_message():
    np.testing.assert_array_equal(rgb_from_message(image_from_rgb(RGB)), RGB)
    np.testing.assert_array_equal(rgb_from_message(compressed_from_rgb(RGB, "png")), RGB)


def test_jpeg_keeps_colours_in_their_places():
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    back = rgb_from_compressed(compressed_from_rgb(red, "jpeg"))
    assert np.abs(back.astype(int) - red).max() < 12


def test_grey_and_transparent_pngs_are_understood():
    for picture, expected in ((RGB[..., 0], RGB[..., [0, 0, 0]]), (np.concatenate([RGB[..., ::-1], ALPHA], -1), RGB)):
        data = array.array("B", cv2.imencode(".png", picture)[1].tobytes())
        np.testing.assert_array_equal(rgb_from_compressed(CompressedImage(format="png", data=data)), expected)


@pytest.mark.parametrize("data", [b"", b"not a picture"])
def test_broken_compressed_images_are_refused(data):
    with pytest.raises(ValueError, match="no jpeg or png|empty"):
        rgb_from_compressed(CompressedImage(format="jpeg", data=array.array("B", data)))


def test_compressed_depth_is_refused():
    data = array.array("B", cv2.imencode(".png", np.zeros((4, 4), np.uint16))[1].tobytes())
    with pytest.raises(ValueError, match="deeper than 8 bits"):
        rgb_from_compressed(CompressedImage(format="16UC1; png", data=data))


@pytest.mark.parametrize("rgb", [RGB.astype(float), RGB[..., 0], RGB[:0]])
def test_only_rgb_pictures_are_sent(rgb):
    with pytest.raises(ValueError, match="uint8 RGB"):
        image_from_rgb(rgb)
