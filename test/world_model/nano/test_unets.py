import copy

import numpy as np
import pytest
import torch

from action_images_ros.training.batches import draw_points
from action_images_ros.world_model.canvas import ACTION, VIDEO
from action_images_ros.world_model.nano.unets import VideoUNet
from action_images_ros.world_model.nano.warp import moved_grid, sample


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
    frame = canvas.conditioning.index(canvas.index(0, VIDEO, 1))
    changed = dict(given, known=given["known"].clone())
    changed["known"][:, frame, 3:6] *= -1  # the second of the four images
    wanted = canvas.targets(ACTION).index(canvas.index(0, ACTION, 1))

    def added(inputs):
        return (action_of(reading, inputs) - action_of(tiny, inputs))[:, wanted]

    difference = (added(given) - added(changed)).abs().unflatten(1, (4, 3)).amax(dim=(0, 2, 3, 4))
    assert difference[1] > 3 * max(difference[0], difference[2], difference[3])


def test_the_video_follows_the_action_images_of_its_time(tiny, inputs):
    given = inputs("world", views=1)
    canvas = given["canvas"]
    changed = dict(given, known=given["known"].clone())
    changed["known"][:, canvas.conditioning.index(canvas.index(0, ACTION, 2)), 9:] *= -1  # the last of all images
    with torch.no_grad():
        before, after = tiny(**given)[0], tiny(**changed)[0]
    difference = (before - after).abs().unflatten(2, (4, 3)).amax(dim=(0, 3, 4, 5)).flatten()
    assert difference.argmax() == 7 and difference[7] > 2 * difference[:4].max()


def test_the_video_does_not_teach_the_action_images(tiny, inputs):
    model = copy.deepcopy(tiny)
    video, _ = model(**inputs("joint"))
    video.sum().backward()
    assert all(p.grad is None for p in model.decoders[ACTION].parameters())


def painter_choosing(choice):
    """An untrained unet that takes one of the first image, the moved one and its own paint everywhere."""
    unet = VideoUNet(8, token=24, quarter=8, eighth=8, condition=16)
    torch.nn.init.zeros_(unet.net.head.weight)
    with torch.no_grad():
        unet.net.head.bias[:] = 0.0
        unet.net.head.bias[4 * (3 + choice) : 4 * (4 + choice)] = 60.0  # of a quarter of the pixels each
    return unet


def paint(unet, first, told, actions):
    h, w = first.shape[-2:]
    maps = [torch.randn(len(first), n, h // s, w // s) for n, s in ((24, 16), (16, 4), (16, 8))]
    with torch.no_grad():
        return unet(first, told, actions, *maps, torch.randn(len(first), 16)).unflatten(1, (4, 3))


def test_where_the_first_image_is_chosen_it_stays_as_it_is():
    first = torch.rand(2, 3, 32, 48) * 2 - 1
    painted = paint(painter_choosing(0), first, torch.rand(2, 3, 16, 24), torch.rand(2, 4, 3, 16, 24))
    torch.testing.assert_close(painted, first[:, None].expand(-1, 4, -1, -1, -1))


SIZE = (64, 96)


def drawn(points, openness=0.0):
    """Action image [1, 3, h, w] at half of SIZE of points given in the pixels of SIZE."""
    uv = torch.tensor(points, dtype=torch.float64)[None]
    half = tuple(n // 2 for n in SIZE)
    return draw_points((uv + 0.5) / 2 - 0.5, torch.tensor([openness]), half).movedim(3, 1).float()


def blobs(points):
    """A smooth picture [1, 3, H, W] with something at each of the points."""
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in SIZE), indexing="ij")
    return torch.stack([torch.exp(-((x - u) ** 2 + (y - v) ** 2) / 60) for u, v in points])[None]


HERE = np.array([[40.0, 30.0], [52.0, 33.0], [37.0, 19.0]])


@pytest.mark.parametrize(("turn", "scale", "shift"), [(0, 1, (9, -4)), (20, 1, (0, 0)), (-15, 1.25, (6, 8))])
@pytest.mark.parametrize("openness", [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)])
def test_the_first_image_is_moved_as_the_three_points_moved(turn, scale, shift, openness):
    angle = np.deg2rad(turn)
    rotation = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = HERE.mean(0)
    there = (HERE - centre) @ rotation.T + centre + shift
    own = np.array([[44.0, 24.0], [35.0, 28.0], [48.0, 36.0]])  # things near the tool that move with it
    moved = (own - centre) @ rotation.T + centre + shift
    told, after = drawn(HERE, openness[0]), drawn(there, openness[1])
    painted = paint(painter_choosing(1), blobs(own), told, after[:, None].expand(-1, 4, -1, -1, -1))
    for channel, (u, v) in enumerate(moved):
        row, column = divmod(int(painted[0, 3, channel].argmax()), SIZE[1])
        assert np.hypot(column - u, row - v) < 1.2


def test_nothing_is_moved_without_points():
    """No action images (video mode), and those of a tool that is out of sight."""
    nothing = torch.zeros(2, 3, 32, 48)
    grid = moved_grid(nothing, torch.cat([nothing[:1], drawn(HERE)]), SIZE)
    image = torch.rand(2, 3, *SIZE)
    torch.testing.assert_close(sample(image, grid), image, atol=1e-4, rtol=0)


def test_points_on_one_spot_shift_the_image_and_do_not_turn_it():
    """A tool seen along its axis: three points that tell no angle."""
    spot = np.array([[40.0, 30.0], [40.2, 30.0], [40.0, 30.2]])
    around = spot.mean(0) + (spot - spot.mean(0))[[1, 2, 0]] + [10, 0]
    grid = moved_grid(drawn(spot), drawn(around), SIZE)
    image = blobs([[40, 30], [60, 40], [20, 20]])
    for before, after in zip(image[0], sample(image, grid)[0], strict=True):
        row, column = divmod(int(before.argmax()), SIZE[1])
        row_after, column_after = divmod(int(after.argmax()), SIZE[1])
        assert abs(column_after - column - 10) <= 2 and abs(row_after - row) <= 2
