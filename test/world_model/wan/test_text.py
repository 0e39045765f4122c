import pytest
import torch
from wan_folder import tiny_text_encoder, tiny_tokenizer

from action_images_ros.world_model.wan.text import WanTextEncoder


@pytest.fixture
def encoder():
    return WanTextEncoder(tiny_text_encoder(), tiny_tokenizer(), length=16)


def test_states_are_those_of_the_padded_text_with_zeros_behind_its_end(encoder):
    states = encoder.encode("lift the red block")
    assert states.shape == (1, 16, 16)
    assert torch.all(states[:, 5:] == 0) and torch.all(states[:, :5].abs().sum(-1) > 0)
    padded = tiny_tokenizer()("lift the red block", padding="max_length", max_length=16, return_tensors="pt")
    with torch.no_grad():
        wanted = tiny_text_encoder()(padded.input_ids, padded.attention_mask).last_hidden_state
    assert torch.allclose(states[:, :5], wanted[:, :5], atol=1e-5)


def test_an_instruction_is_encoded_once_however_it_is_spaced(encoder):
    first = encoder.encode("lift the red block")
    encoder.model = None
    assert encoder.encode("  lift the  red block\n") is first


def test_only_the_latest_texts_are_remembered(encoder):
    for i in range(70):
        encoder.encode(f"push {i}")
    assert len(encoder._known) == 64


def test_no_text_is_a_text_too(encoder):
    assert torch.all(encoder.encode("")[:, 1:] == 0)


def test_too_long_a_text_is_refused(encoder):
    with pytest.raises(ValueError, match="17 tokens.*text_tokens = 16"):
        encoder.encode("red " * 16)
