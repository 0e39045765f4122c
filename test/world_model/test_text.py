import numpy as np
import pytest

from action_images_ros.world_model.text import WIDTH, TextEncoder


@pytest.fixture(scope="module")
def encoder():
    return TextEncoder()


def test_an_instruction_becomes_one_vector_per_word_piece(encoder):
    tokens, mask = encoder.encode(["lift the red block", "push the button"])
    assert tokens.shape == (2, 24, WIDTH) and tokens.dtype == np.float32 and mask.shape == (2, 24)
    assert mask.sum(axis=1).tolist() == [6, 5]
    assert not tokens[~mask].any() and np.abs(tokens[mask]).sum(axis=1).min() > 1


def test_similar_instructions_lie_closer_than_different_ones(encoder):
    cup, mug, drawer = encoder.pooled(["pick up the cup", "grab the mug", "close the drawer"])
    assert cup @ mug == pytest.approx(0.70, abs=0.05)
    assert cup @ mug > cup @ drawer + 0.2


def test_the_result_does_not_depend_on_the_rest_of_the_batch(encoder):
    alone = TextEncoder().encode(["push the button"])[0][0]
    together = encoder.encode(["a much longer instruction about a red block", "push the button"])[0][1]
    np.testing.assert_array_equal(alone, together)


def test_case_and_spaces_do_not_matter(encoder):
    a, b = encoder.encode(["Lift  the red block ", "lift the red block"])[0]
    np.testing.assert_array_equal(a, b)


def test_colours_can_be_told_apart(encoder):
    tokens, _ = encoder.encode(["lift the red block", "lift the blue block"])
    assert np.linalg.norm(tokens[0, 3] - tokens[1, 3]) > 1


def test_an_instruction_is_encoded_once(encoder):
    encoder.encode(["reach the green ball"])
    before = encoder._remembered.cache_info()
    encoder.encode(["reach the green ball"])
    after = encoder._remembered.cache_info()
    assert after.hits == before.hits + 1 and after.misses == before.misses


@pytest.mark.parametrize("text", ["", "  \n", None])
def test_an_empty_instruction_is_refused_with_an_example(encoder, text):
    with pytest.raises(ValueError, match="say what to do"):
        encoder.encode([text])


def test_an_instruction_too_long_is_refused_not_cut(encoder):
    with pytest.raises(ValueError, match="more briefly"):
        encoder.encode(["push " * 30])


def test_a_single_string_is_not_taken_for_a_list_of_letters(encoder):
    with pytest.raises(ValueError, match="give a list"):
        encoder.encode("push the button")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="model.onnx"):
        TextEncoder(tmp_path)
