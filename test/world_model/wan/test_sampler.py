import pytest
import torch

from action_images_ros.world_model.canvas import build_canvas
from action_images_ros.world_model.wan.sampler import generate


@pytest.fixture
def setting():
    canvas = build_canvas("joint", 2, 9)
    g = torch.Generator().manual_seed(3)
    return {
        "known": torch.randn(4, 4, 2, 4, generator=g),
        "canvas": canvas,
        "camera": torch.randn(12, 8, 2, 4, generator=g),
        "text": torch.ones(1, 3, 5),
        "without_text": torch.zeros(1, 3, 5),
    }


def straight_to(clean, noise):
    """A denoiser that knows the way: the velocity of the straight line from this noise to these clean latents."""
    return lambda x, now, text, camera: (noise - clean).transpose(0, 1)[None]


@pytest.mark.parametrize("steps", [1, 3, 50])
def test_the_straight_way_is_followed_exactly_in_any_number_of_steps(setting, steps):
    clean = torch.randn(12, 4, 2, 4)
    noise = torch.randn(12, 4, 2, 4, generator=torch.Generator().manual_seed(5))
    wanted = clean.clone()
    wanted[setting["canvas"].conditioning] = setting["known"]
    got = generate(straight_to(clean, noise), **setting, steps=steps, shift=5, guidance=1, seed=5)
    assert torch.allclose(got, wanted, atol=1e-5)


def test_known_latents_are_clean_at_every_step_and_the_timestep_follows_the_schedule(setting):
    seen = []

    def spy(x, now, text, camera):
        seen.append((x[0].transpose(0, 1)[setting["canvas"].conditioning], float(now)))
        return torch.ones_like(x)

    generate(spy, **setting, steps=4, shift=5, guidance=1)
    assert all(torch.equal(known, setting["known"]) for known, _ in seen)
    assert [now for _, now in seen] == pytest.approx([1000, 937.5, 833.333, 625], abs=1e-2)


def test_guidance_asks_twice_per_step_and_one_asks_once(setting):
    asked = []

    def by_text(x, now, text, camera):
        asked.append(float(text.mean()))
        return torch.full_like(x, text.mean())

    start = generate(by_text, **setting, steps=1, shift=5, guidance=1, seed=2) + 1.0  # velocity 1 over one whole step
    assert asked == [1.0]
    guided = generate(by_text, **setting, steps=1, shift=5, guidance=7.5, seed=2)
    assert asked == [1.0, 1.0, 0.0]
    free = setting["canvas"].targets()
    assert torch.allclose(guided[free], start[free] - 7.5, atol=1e-5)


def test_seeds_differ_and_repeat(setting):
    still = lambda x, *_: torch.zeros_like(x)  # noqa: E731
    first, again, other = (generate(still, **setting, steps=2, shift=5, guidance=1, seed=s) for s in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
