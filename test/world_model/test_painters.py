import copy

import pytest
import torch

from action_images_ros.world_model.canvas import ACTION, VIDEO
from action_images_ros.world_model.painters import VideoPainter


@pytest.fixture
def reading(tiny):
    """The tiny denoiser with a reader that has learnt something."""
    model = copy.deepcopy(tiny)
    torch.manual_seed(1)
    torch.nn.init.normal_(model.reader.net.head.weight, std=0.5)
    return model


def action_of(model, given):
    with torch.no_grad():
        return model(**given)[1]


def test_an_untrained_reader_changes_nothing_and_a_trained_one_only_what_is_read_off_video(tiny, reading, inputs):
    for mode, known_pose in (("policy", True), ("joint", True), ("label", True), ("label", False)):
        given = inputs(mode, known_pose=known_pose)
        before, after = action_of(tiny, given), action_of(reading, given)
        assert torch.equal(before, after) == (mode != "label")


def test_the_reader_sees_each_image_by_itself(reading, tiny, inputs):
    """What it adds to an action image follows the video image of that very time, not its neighbours'."""
    given = inputs("label", views=1)
    canvas = given["canvas"]
    frame = canvas.given.index(canvas.index(0, VIDEO, 1))
    changed = dict(given, known=given["known"].clone())
    changed["known"][:, frame, 3:6] *= -1  # the second of the four images
    wanted = canvas.wanted(ACTION).index(canvas.index(0, ACTION, 1))

    def added(inputs):
        return (action_of(reading, inputs) - action_of(tiny, inputs))[:, wanted]

    difference = (added(given) - added(changed)).abs().unflatten(1, (4, 3)).amax(dim=(0, 2, 3, 4))
    assert difference[1] > 3 * max(difference[0], difference[2], difference[3])


def test_the_video_follows_the_action_images_of_its_time(tiny, inputs):
    given = inputs("world", views=1)
    canvas = given["canvas"]
    changed = dict(given, known=given["known"].clone())
    changed["known"][:, canvas.given.index(canvas.index(0, ACTION, 2)), 9:] *= -1  # the last of all images
    with torch.no_grad():
        before, after = tiny(**given)[0], tiny(**changed)[0]
    difference = (before - after).abs().unflatten(2, (4, 3)).amax(dim=(0, 3, 4, 5)).flatten()
    assert difference.argmax() == 7 and difference[7] > 2 * difference[:4].max()


def test_the_video_does_not_teach_the_action_images(tiny, inputs):
    model = copy.deepcopy(tiny)
    video, _ = model(**inputs("joint"))
    video.sum().backward()
    assert all(p.grad is None for p in model.decoders[ACTION].parameters())


def test_what_the_mask_leaves_out_stays_as_in_the_first_image():
    painter = VideoPainter(8, token=24, quarter=8, eighth=8, condition=16)
    torch.nn.init.zeros_(painter.net.head.weight)
    with torch.no_grad():
        painter.net.head.bias[:] = 0.0
        painter.net.head.bias[12:] = -30.0  # four masks of a quarter of the pixels each
    first = torch.rand(2, 3, 32, 48) * 2 - 1
    maps = [torch.randn(2, n, 32 // s, 48 // s) for n, s in ((24, 16), (16, 4), (16, 8))]
    painted = painter(first, torch.rand(2, 3, 16, 24), torch.rand(2, 4, 3, 16, 24), *maps, torch.randn(2, 16))
    assert painted.shape == (2, 12, 32, 48)
    torch.testing.assert_close(painted, first.repeat(1, 4, 1, 1))
