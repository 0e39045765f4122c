"""Small pieces without a graph: pairing by id, approval of exactly what was shown, playing a chunk back."""

import numpy as np
import pytest

from action_images_ros.control.approval import Approval
from action_images_ros.control.chunk import Chunk
from action_images_ros.interfaces.pairing import Pairing
from action_images_ros.ros.chunk_messages import stack_frames
from action_images_ros.ros.images import image_from_rgb
from action_images_ros.ros.playback import Playback, overlay


def test_parts_of_one_id_come_together_whatever_their_order():
    pairing = Pairing(["a", "b"])
    assert pairing.add("b", 1, "b1") is None
    assert pairing.add("a", 2, "a2") is None
    assert pairing.add("a", 1, "a1") == {"a": "a1", "b": "b1"}
    assert pairing.incomplete() == {2: ["b"]}


def test_an_id_is_completed_once():
    pairing = Pairing(["a"])
    assert pairing.add("a", 1, "x") == {"a": "x"}
    assert pairing.add("a", 1, "x") is None


def test_old_incomplete_ids_are_forgotten():
    pairing = Pairing(["a", "b"], depth=2)
    for stamp in range(5):
        pairing.add("a", stamp, None)
    assert sorted(pairing.incomplete()) == [3, 4]


def test_an_unknown_part_is_refused():
    with pytest.raises(KeyError, match="'c'"):
        Pairing(["a"]).add("c", 1, None)


def _chunk(stamp_ns):
    poses = np.tile([0.4, 0.0, 0.3, 1.0, 0.0, 0.0, 0.0], (3, 1))
    return Chunk(stamp_ns, 0.2, poses, np.ones(3), np.zeros((3, 6, 6)), np.ones(3, dtype=bool))


SECOND = 1_000_000_000


def test_what_is_approved_is_what_was_shown_first():
    approval = Approval(timeout_s=10.0)
    assert approval.propose(_chunk(1), 0.0)
    assert not approval.propose(_chunk(2), 1.0)
    approved = approval.approve(2.0, 7 * SECOND)
    assert approved.stamp_ns == 7 * SECOND


def test_nothing_is_proposed_while_an_approved_chunk_is_executed():
    approval = Approval(timeout_s=10.0)
    approval.propose(_chunk(1), 0.0)
    end_ns = approval.approve(1.0, 5 * SECOND).end_ns
    assert not approval.propose(_chunk(end_ns - 1), 1.1)
    assert approval.propose(_chunk(end_ns), 1.5)


def test_a_proposal_lapses():
    approval = Approval(timeout_s=10.0)
    approval.propose(_chunk(1), 0.0)
    assert approval.approve(10.0, SECOND) is None


def test_an_approval_that_names_another_chunk_approves_nothing():
    approval = Approval(timeout_s=10.0)
    approval.propose(_chunk(1), 0.0)
    assert "does not wait" in approval.refusal(0.1, 2)
    assert approval.approve(0.1, SECOND, 2) is None and approval.waiting(0.1) == 1
    assert approval.approve(0.1, SECOND, 1) is not None and approval.approve(0.2, SECOND, 1) is None
    assert approval.id_of(SECOND) == 1 and approval.id_of(5) == 5


def test_a_call_without_an_id_does_not_approve_what_took_the_place_of_a_lapsed_chunk():
    approval = Approval(timeout_s=10.0)
    approval.propose(_chunk(1), 0.0)
    assert approval.propose(_chunk(2), 10.5)
    assert "1 has lapsed and 2 waits" in approval.refusal(10.6)
    assert approval.approve(10.6, SECOND) is None
    assert approval.approve(10.7, SECOND) is not None  # the refusal has named it


def test_a_call_without_an_id_is_not_taken_for_a_chunk_that_has_only_just_come_up():
    approval = Approval(timeout_s=10.0)
    approval.propose(_chunk(1), 0.0)
    end_ns = approval.approve(1.0, SECOND).end_ns
    for later, refused in ((2.1, True), (2.6, False)):
        approval.propose(_chunk(end_ns), 2.0)
        assert bool(approval.refusal(later)) == refused


def test_a_rejected_proposal_cannot_be_approved():
    approval = Approval(timeout_s=10.0)
    assert not approval.clear()
    approval.propose(_chunk(1), 0.0)
    assert approval.clear()
    assert approval.approve(0.1, SECOND) is None


def _message(values, size=(4, 6)):
    return image_from_rgb(stack_frames(np.stack([np.full((*size, 3), value, np.uint8) for value in values])))


def _filled(loop, values=(1, 2, 3)):
    playback = Playback(loop)
    playback.add("size", 5, (4, 6))
    playback.add("action_images", 5, _message(values))
    return playback


def test_a_chunk_is_played_once_or_over_again():
    once, again = _filled(False), _filled(True)
    shown = [frames["action_images"].mean() if frames else None for frames in (once.advance() for _ in range(4))]
    assert shown == [1, 2, 3, None]
    assert [again.advance()["action_images"].mean() for _ in range(4)] == [1, 2, 3, 1]


def _add(playback, stamp, values, video=None):
    playback.add("size", stamp, (4, 6))
    playback.add("action_images", stamp, _message(values))
    if video is not None:
        playback.add("predicted_video", stamp, _message(video))


def test_a_chunk_is_played_to_its_end_and_then_the_newest():
    playback = _filled(True)
    playback.advance()
    _add(playback, 6, [4, 5])
    _add(playback, 7, [7, 8])
    assert [playback.advance()["action_images"].mean() for _ in range(4)] == [2, 3, 7, 8]


def test_chunks_with_a_video_are_preferred():
    playback = _filled(True)
    _add(playback, 6, [4, 5], video=[14, 15])
    _add(playback, 7, [7, 8])
    shown = [playback.advance() for _ in range(3)]
    assert shown[0]["predicted_video"].mean() == 14 and shown[2]["action_images"].mean() == 4


def test_a_video_that_comes_late_joins_in():
    playback = _filled(True)
    assert set(playback.advance()) == {"action_images"}
    playback.add("predicted_video", 5, _message([11, 12, 13]))
    assert playback.advance()["predicted_video"].mean() == 12


def test_time_set_back_begins_anew():
    playback = Playback(False)
    _add(playback, 100 * SECOND, [1, 2])
    playback.advance()
    _add(playback, SECOND, [7, 8])
    assert playback.advance()["action_images"].mean() == 7


def test_parts_of_different_chunks_are_not_mixed():
    playback = Playback(True)
    playback.add("size", 5, (4, 6))
    playback.add("action_images", 6, _message([1, 2]))
    assert playback.advance() == {}


def test_the_overlay_shows_blobs_and_leaves_the_rest_of_the_picture():
    picture = np.full((40, 60, 3), 90, np.uint8)
    action = np.zeros((8, 8, 3), np.uint8)
    action[..., 2] = 64  # the pedestal alone
    np.testing.assert_array_equal(overlay(picture, action), np.full((40, 40, 3), 90))
    action[4, 4, 0] = 255
    assert overlay(picture, action)[22, 22, 0] > 150


def test_a_pinned_chunk_is_played_over_and_over_and_no_other():
    playback = _filled(False)
    playback.pin(7)
    assert playback.advance()["action_images"].mean() == 1  # not there yet: the newest goes on
    for stamp in (6, 7, 8):
        _add(playback, stamp, [10 * stamp, 10 * stamp + 1])
    assert [playback.advance()["action_images"].mean() for _ in range(5)] == [70, 71, 70, 71, 70]
    for stamp in range(9, 40):
        _add(playback, stamp, [3, 4])
    assert [playback.advance()["action_images"].mean() for _ in range(2)] == [71, 70]
    playback.pin(None)
    assert [playback.advance()["action_images"].mean() for _ in range(2)] == [3, 4]
