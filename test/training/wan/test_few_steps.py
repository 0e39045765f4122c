import pytest
import torch
from wan_folder import tiny_denoiser

from action_images_ros.training.wan.few_steps import few_step_loss
from action_images_ros.training.wan.finetune import prepare
from action_images_ros.training.wan.settings import FinetuneSettings
from action_images_ros.world_model.canvas import build_canvas
from action_images_ros.world_model.wan.conventions import guide, timestep
from action_images_ros.world_model.wan.sampler import generate

GRID = {"few_steps": 2, "fine": 3, "shift": 5.0}


def test_the_straight_way_of_the_teacher_is_a_fixed_point():
    canvas = build_canvas("policy", 2, 5)
    clean, noise = torch.randn(1, canvas.length, 4, 2, 2), torch.randn(1, canvas.length, 4, 2, 2)

    def straight(x, level):
        return noise - clean

    for index in range(6):
        loss = few_step_loss(straight, straight, clean, canvas, noise, index, **GRID)
        assert float(loss) == pytest.approx(0, abs=1e-8)
    with pytest.raises(ValueError, match="index = 6"):
        few_step_loss(straight, straight, clean, canvas, noise, 6, **GRID)


def test_the_last_small_step_of_a_phase_is_the_teachers_alone():
    canvas = build_canvas("policy", 2, 5)
    clean, noise = torch.zeros(1, canvas.length, 4, 2, 2), torch.ones(1, canvas.length, 4, 2, 2)
    asked = []

    def student(x, level):
        asked.append(level)
        return torch.zeros_like(x)

    loss = few_step_loss(student, lambda x, level: torch.full_like(x, 2.0), clean, canvas, noise, 2, **GRID)
    assert len(asked) == 1 and float(loss) == pytest.approx(4.0)


def test_two_unguided_steps_come_nearer_to_the_guided_way_than_before():
    """A tiny denoiser with lively weights; the sample of its LoRA against 24 guided steps of itself."""
    settings = FinetuneSettings(objective="few_steps", rank=8, alpha=8, checkpointing=False)
    denoiser = tiny_denoiser()
    with torch.no_grad():
        denoiser.proj_out.weight.mul_(8)
    g = torch.Generator().manual_seed(0)
    canvas = build_canvas("policy", 2, 5)
    camera = torch.randn(canvas.length, 8, 2, 2, generator=g)
    text, without = torch.randn(1, 3, 16, generator=g), torch.zeros(1, 3, 16)
    known = torch.randn(len(canvas.conditioning), 4, 2, 2, generator=g)

    def sample(steps, guidance, seed):
        with torch.no_grad():
            return generate(
                denoiser, known, canvas, camera, text, without, steps=steps, shift=5.0, guidance=guidance, seed=seed
            )

    def distance():
        return float(sum((sample(2, 1, seed) - wanted[seed]).square().mean() for seed in range(4)))

    def velocity(x, level, states=text):
        now = torch.full((len(x),), timestep(level))
        told = states.expand(len(x), -1, -1), camera.expand(len(x), -1, -1, -1, -1)
        return denoiser(x.transpose(1, 2), now, *told).transpose(1, 2)

    def teacher(x, level):
        denoiser.disable_lora()
        guided = guide(velocity(x, level, without), velocity(x, level), 4.0)
        denoiser.enable_lora()
        return guided

    wanted = [sample(24, 4.0, seed) for seed in range(4)]
    before = distance()
    prepare(denoiser, settings)
    optimiser = torch.optim.Adam([p for p in denoiser.parameters() if p.requires_grad], lr=1e-2)
    ends = torch.stack(wanted)
    for step in range(90):
        clean = ends[torch.randint(4, (4,), generator=g)]  # the teacher's own samples stand for the data
        loss = few_step_loss(velocity, teacher, clean, canvas, torch.randn(clean.shape, generator=g), step % 6, **GRID)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert distance() < 0.7 * before
