from dataclasses import replace

import pytest
import torch
from wan_folder import tiny_denoiser, tiny_vae

from action_images_ros.world_model.canvas import build_canvas
from action_images_ros.world_model.wan import acceleration
from action_images_ros.world_model.wan.sampler import generate
from action_images_ros.world_model.wan.settings import WanSettings

STEPS = 10


@pytest.fixture
def counted():
    """A tiny denoiser, its sampling run, and how often its last block computed."""
    denoiser = tiny_denoiser(num_layers=3).requires_grad_(False)
    calls = []
    attention = denoiser.blocks[1].attn1.forward
    denoiser.blocks[1].attn1.forward = lambda *args: calls.append(1) or attention(*args)
    canvas = build_canvas("policy", 2, 5)
    g = torch.Generator().manual_seed(0)
    inputs = {
        "known": torch.randn(len(canvas.conditioning), 4, 2, 4, generator=g),
        "canvas": canvas,
        "camera": torch.randn(canvas.length, 8, 2, 4, generator=g),
        "text": torch.randn(1, 5, 16, generator=g),
        "without_text": torch.zeros(1, 5, 16),
    }

    def run(settings, steps=STEPS):
        calls.clear()
        acceleration.start_run(denoiser, settings, steps)
        with torch.no_grad():
            out = generate(denoiser, **inputs, steps=steps, shift=5.0, guidance=settings.guidance)
        return out, len(calls)

    return denoiser, run


CACHES = [
    WanSettings(cache="first_block", cache_threshold=0.3),
    WanSettings(cache="taylorseer"),
    WanSettings(cache="mag", cache_threshold=1.0, mag_ratios=[1.0] * STEPS),
]


@pytest.mark.parametrize("settings", CACHES, ids=lambda s: s.cache)
@pytest.mark.parametrize("guidance", [1.0, 7.5])
def test_cached_steps_are_not_computed_and_change_little(counted, settings, guidance):
    _, run = counted
    settings = replace(settings, guidance=guidance)
    exact, all_calls = run(WanSettings(guidance=guidance))
    assert all_calls == STEPS * (2 if guidance != 1 else 1)
    cached, calls = run(settings)
    assert calls < all_calls
    assert (cached - exact).abs().mean() < 0.2 * exact.abs().mean()


@pytest.mark.parametrize("settings", CACHES, ids=lambda s: s.cache)
def test_a_run_knows_nothing_of_the_run_before(counted, settings):
    _, run = counted
    first, calls = run(settings)
    run(settings, steps=7)  # another number of steps, as a caller may ask
    again, calls_again = run(settings)
    assert torch.equal(first, again) and calls == calls_again


def test_a_cache_is_switched_off_where_the_settings_do_not_ask_for_it(counted):
    denoiser, run = counted
    exact, _ = run(WanSettings())
    run(CACHES[0])
    again, calls = run(WanSettings())
    assert torch.equal(exact, again) and not denoiser.is_cache_enabled and calls == 2 * STEPS


def test_calibration_prints_the_ratios_that_the_cache_needs(counted, capsys):
    _, run = counted
    run(WanSettings(cache="mag_calibrate", guidance=1.0))
    printed = capsys.readouterr().out
    assert "mag_ratios" in printed and printed.count(",") >= STEPS - 1


def test_int8_weights_change_the_velocity_a_little(counted):
    pytest.importorskip("torchao")
    denoiser, run = counted
    exact, _ = run(WanSettings())
    acceleration.quantise(denoiser, "int8", torch.device("cpu"))
    rounded, _ = run(WanSettings())
    assert not torch.equal(exact, rounded)
    assert (rounded - exact).abs().mean() < 0.1 * exact.abs().mean()


def test_fp8_says_that_it_needs_a_gpu(counted):
    pytest.importorskip("torchao")
    with pytest.raises(ValueError, match="fp8.*8.9.*int8"):
        acceleration.quantise(counted[0], "fp8", torch.device("cpu"))


def test_an_offloaded_denoiser_computes_the_same(counted):
    denoiser, run = counted
    exact, _ = run(WanSettings())
    acceleration.offload(denoiser, torch.device("cpu"))
    assert torch.equal(run(WanSettings())[0], exact)


def test_only_what_is_named_is_compiled(monkeypatch):
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **_: compiled.append(type(self).__name__))
    acceleration.compile_parts(tiny_denoiser(), tiny_vae(), "off")
    assert compiled == []
    acceleration.compile_parts(tiny_denoiser(), tiny_vae(), "denoiser")
    assert compiled == ["CameraBlock"] * 2
    acceleration.compile_parts(tiny_denoiser(), tiny_vae(), "vae")
    assert len(compiled) == 4
