"""Pickles of sentences are read; what would run code when unpickled is refused and does not run."""

import os
import pickle

import pytest

from action_images_ros.data.rlbench.string_pickle import read_strings

SENTENCES = ["pick up the red cup", "lift the cup", "größer", "lift the cup"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("sentences", [SENTENCES, ["one"], [], ["long " * 100]])
def test_lists_of_sentences_of_every_protocol_are_read(tmp_path, protocol, sentences):
    path = tmp_path / "d.pkl"
    path.write_bytes(pickle.dumps(sentences, protocol))
    assert read_strings(path) == sentences


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_in_a_pickle_is_executed(tmp_path, protocol):
    trap, path = tmp_path / "ran", tmp_path / "d.pkl"
    path.write_bytes(pickle.dumps(["harmless", Evil(str(trap))], protocol))
    with pytest.raises(ValueError, match="d.pkl.*instruction"):
        read_strings(path)
    assert not trap.exists()
    pickle.loads(path.read_bytes())
    assert trap.exists(), "the trap works"


@pytest.mark.parametrize(
    "content, words",
    [
        (pickle.dumps({"a": 1}), "instruction EMPTY_DICT"),
        (pickle.dumps("word"), "holds str, not a list"),
        (pickle.dumps([["nested"]]), "not a list of strings"),
        (pickle.dumps(["x", 3]), "instruction BININT1"),
        (pickle.dumps(SENTENCES)[:-8], "damaged|only a pickled list"),
        (b"", "only a pickled list|damaged"),
        (b"not a pickle", "only a pickled list|damaged"),
        (b"\x80\x04" + b" " * 2_000_000, "2000002 bytes"),
        (b"e.", "damaged"),
        (b"(h\x07e.", "damaged"),
    ],
)
def test_what_is_no_list_of_sentences_is_refused_by_name(tmp_path, content, words):
    path = tmp_path / "d.pkl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"d.pkl.*({words})"):
        read_strings(path)
