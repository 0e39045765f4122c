import pytest
import torch
from wan_folder import tiny_denoiser

from action_images_ros.world_model.wan.denoiser import WanDenoiser


@pytest.fixture
def inputs():
    g = torch.Generator().manual_seed(0)
    return {
        "hidden_states": torch.randn(1, 4, 6, 4, 8, generator=g),
        "timestep": torch.tensor([437.0]),
        "encoder_hidden_states": torch.randn(1, 5, 16, generator=g),
        "camera": torch.randn(1, 6, 8, 4, 8, generator=g),
    }


def test_the_published_configuration_has_the_published_number_of_parameters():
    with torch.device("meta"):
        model = WanDenoiser()
    assert sum(p.numel() for p in model.parameters()) == 6_415_549_632
    assert len(model.state_dict()) == 945


def test_without_cameras_it_is_the_transformer_of_diffusers(inputs):
    """With silent camera layers and a projector that changes nothing, diffusers' own forward gives the same."""
    from diffusers import WanTransformer3DModel

    model = tiny_denoiser()
    with torch.no_grad():
        for block in model.blocks:
            block.cam_encoder.weight.zero_(), block.cam_encoder.bias.zero_()
            block.projector.weight.copy_(torch.eye(24)), block.projector.bias.zero_()
        plain = WanTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=4,
            out_channels=4,
            text_dim=16,
            freq_dim=16,
            ffn_dim=32,
            num_layers=2,
        )
        plain.load_state_dict({n: t for n, t in model.state_dict().items() if "cam_" not in n and "projector" not in n})
        wanted = plain.eval()(inputs["hidden_states"], inputs["timestep"], inputs["encoder_hidden_states"])[0]
        assert torch.allclose(model(**inputs), wanted, atol=1e-5)


@pytest.mark.parametrize("name", ["hidden_states", "timestep", "encoder_hidden_states", "camera"])
def test_every_input_reaches_the_velocity(inputs, name):
    model = tiny_denoiser()
    with torch.no_grad():
        before, after = model(**inputs), model(**(inputs | {name: inputs[name] * 0.3}))
    assert before.shape == inputs["hidden_states"].shape
    assert (before - after).abs().max() > 1e-6


def test_a_camera_is_added_to_every_token_of_its_own_latent_frame_and_no_other(inputs):
    block = tiny_denoiser(num_layers=1).blocks[0]
    seen = {}
    block.attn1.forward = lambda x, *_: seen.update(x=x) or x
    camera = torch.randn(1, 3, 16)
    moved = camera.clone()
    moved[:, 1] += 1
    tokens, text, modulation = torch.randn(1, 3 * 8, 24), torch.randn(1, 5, 24), torch.randn(1, 6, 24)
    with torch.no_grad():
        block(tokens, text, modulation, None, camera)
        before = seen["x"]
        block(tokens, text, modulation, None, moved)
    change = (seen["x"] - before).unflatten(1, (3, 8))
    assert change[:, [0, 2]].abs().max() == 0
    assert torch.allclose(change[0, 1], (block.cam_encoder.weight @ torch.ones(16)).expand(8, -1), atol=1e-5)


def test_gradients_reach_every_weight_with_checkpointing_and_are_the_same_without(inputs):
    gradients = []
    for checkpointing in (False, True):
        model = tiny_denoiser().train()
        if checkpointing:
            model.enable_gradient_checkpointing()
        model(**inputs).square().mean().backward()
        assert all(p.grad is not None for p in model.parameters())
        gradients.append(model.blocks[0].cam_encoder.weight.grad)
    assert torch.allclose(*gradients, atol=1e-7)


def test_a_saved_denoiser_comes_back_with_its_configuration(tmp_path, inputs):
    model = tiny_denoiser()
    model.save_pretrained(tmp_path)
    again = WanDenoiser.from_pretrained(tmp_path, local_files_only=True)
    assert len(again.blocks) == 2 and tuple(again.config.camera_grid) == (4, 2, 2)
    with torch.no_grad():
        assert torch.equal(model(**inputs), again.eval()(**inputs))
