import pytest
import torch

from action_images_ros.world_model.canvas import ACTION, MODES, VIDEO


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("views", [1, 2, 3])
def test_every_mode_and_number_of_views_generates_exactly_the_unknown_frames(tiny, inputs, mode, views):
    given = inputs(mode, views)
    with torch.no_grad():
        video, action = tiny(**given)
    canvas = given["canvas"]
    assert (video is None) == (not canvas.targets(VIDEO))
    assert (action is None) == (not canvas.targets(ACTION))
    if video is not None:
        assert video.shape == (2, len(canvas.targets(VIDEO)), 12, 32, 48)
    if action is not None:
        assert action.shape == (2, len(canvas.targets(ACTION)), 12, 16, 24)


def test_swapping_the_cameras_swaps_the_output(tiny, inputs):
    """Views carry no index: only rays tell them apart, so any order means the same."""
    given = inputs("policy", 2)
    canvas = given["canvas"]
    order = {
        kind: sorted(range(n), key=lambda i: -canvas.view[frames[i]])
        for kind, frames, n in (
            ("known", canvas.conditioning, len(canvas.conditioning)),
            ("noised", canvas.targets(), len(canvas.targets())),
        )
    }
    swapped = dict(
        given,
        known=given["known"][:, order["known"]],
        noised=given["noised"][:, order["noised"]],
        rays=given["rays"].flip(1),
    )
    with torch.no_grad():
        _, action = tiny(**given)
        _, other = tiny(**swapped)
    assert torch.allclose(other, action[:, order["noised"]], atol=1e-4)


@pytest.mark.parametrize("name", ["known", "rays", "text", "noised", "noise_level"])
def test_every_input_reaches_the_output(tiny, inputs, name):
    given = inputs("joint")
    given["noise_level"] = given["noise_level"] * 0.5
    changed = dict(given, **{name: given[name] * 0.3})
    with torch.no_grad():
        before, after = tiny(**given), tiny(**changed)
    for a, b in zip(before, after, strict=True):
        assert (a - b).abs().max() > 1e-5


def test_samples_of_a_batch_do_not_touch_each_other(tiny, inputs):
    given = inputs("label")
    alone = {k: v[:1] if torch.is_tensor(v) else v for k, v in given.items()}
    with torch.no_grad():
        assert torch.allclose(tiny(**given)[1][:1], tiny(**alone)[1], atol=1e-5)


def test_label_mode_sees_the_frame_of_the_same_time(tiny, inputs):
    """Changing only the last known video frames changes the action images of that time through aligned features."""
    given = inputs("label", views=1)
    canvas = given["canvas"]
    changed = dict(given, known=given["known"].clone())
    changed["known"][:, canvas.conditioning.index(canvas.index(0, VIDEO, 2))] *= -1
    with torch.no_grad():
        difference = (tiny(**given)[1] - tiny(**changed)[1]).abs().amax(dim=(0, 2, 3, 4))
    by_time = dict(zip(canvas.time[canvas.targets(ACTION)].tolist(), difference.tolist(), strict=True))
    assert by_time[2] > 3 * by_time[1]
