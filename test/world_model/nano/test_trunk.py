import torch


def test_padding_tokens_say_nothing(tiny):
    text = torch.zeros(1, 24, 384)
    text[:, :4] = torch.randn(1, 4, 384, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(tiny.instruction(text), tiny.instruction(text[:, :4]), atol=1e-6)


def test_rotary_embeddings_tell_times_and_places_apart(tiny):
    cosine, sine = tiny.rotary_grid(3, 2, 4, "cpu")
    assert cosine.shape == sine.shape == (3, 2, 4, tiny.config.width // tiny.config.heads)
    codes = torch.cat([cosine, sine], dim=-1).flatten(0, 2)
    assert (torch.cdist(codes, codes) + torch.eye(len(codes))).min() > 1e-3
