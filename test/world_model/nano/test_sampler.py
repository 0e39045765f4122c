import pytest
import torch

from action_images_ros.world_model.canvas import build_canvas
from action_images_ros.world_model.nano import pixel_latents
from action_images_ros.world_model.nano.sampler import generate


@pytest.mark.parametrize("steps", [1, 4])
def test_known_frames_come_back_untouched(tiny, inputs, steps):
    given = inputs("joint")
    video, action = generate(tiny, given["known"], given["canvas"], given["rays"], given["text"], steps=steps)
    canvas = given["canvas"]
    for view in range(2):
        assert torch.equal(video[:, view, 0], given["known"][:, canvas.conditioning.index(canvas.index(view, 0, 0))])
        assert torch.equal(action[:, view, 0], given["known"][:, canvas.conditioning.index(canvas.index(view, 1, 0))])
    assert video.shape == action.shape == (2, 2, 3, 12, 32, 48)


def test_a_model_that_knows_the_answer_is_sampled_exactly_in_any_number_of_steps():
    """With the true clean frames as prediction every Euler step must stay on the straight path to them."""
    canvas = build_canvas("policy", 1, 9)
    truth = torch.rand(1, 2, 12, 8, 8)
    seen = []

    def oracle(known, noised, level, canvas, rays, text):
        clean = pixel_latents.coarse(
            torch.nn.functional.interpolate((truth * 2 - 1).flatten(0, 1), scale_factor=2, mode="bilinear").unflatten(
                0, (1, 2)
            )
        )
        seen.append((noised - (1 - level[0, 0]) * clean) / level[0, 0])
        return None, torch.logit(truth)

    known = torch.zeros(1, 2, 12, 16, 16)
    generate(oracle, known, canvas, None, None, steps=5, seed=3)
    assert len(seen) == 5
    for noise in seen[1:]:
        assert torch.allclose(noise, seen[0], atol=1e-4)


def test_the_seed_decides_the_noise(tiny, inputs):
    given = inputs("policy")
    args = (given["known"], given["canvas"], given["rays"], given["text"])
    first, again, other = (generate(tiny, *args, seed=s)[1] for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
