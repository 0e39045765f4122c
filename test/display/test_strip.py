"""The strip shows what it says, where it says it: judged by the pixels that matter."""

from dataclasses import replace

import numpy as np
import pytest

from action_images_ros.control.chunk import Chunk
from action_images_ros.display.colours import INVALID, MEASURED, PAPER, certainty_colour, state_colour
from action_images_ros.display.strip import HEIGHT, TILE, WIDTH, Strip, StripContent, tile_origin
from action_images_ros.display.text import fitted, text_width
from action_images_ros.geometry.camera import intrinsics_from_fovy, looking_at, project, resize_intrinsics

FRAMES, SIZE = 5, (96, 96)
K, E = intrinsics_from_fovy(50, *SIZE), looking_at([1.3, 0.3, 0.8], [0.5, 0.0, 0.2])


def chunk(sigma=0.002):
    poses = np.zeros((FRAMES, 7))
    poses[:, 0], poses[:, 6] = 0.5, 1.0
    poses[:, 1], poses[:, 2] = np.linspace(-0.15, 0.15, FRAMES), 0.2
    sigmas = np.broadcast_to(sigma, (FRAMES,))
    covariance = np.eye(6) * np.square(sigmas)[:, None, None]
    return Chunk(10**9, 0.2, poses, np.array([1, 1, 1, 0, 0.0]), covariance, np.ones(FRAMES, bool))


@pytest.fixture
def content():
    return StripContent(
        camera="left",
        state="proposed",
        instruction="push the button",
        observation=np.full((120, 160, 3), 90, np.uint8),
        video=np.full((*SIZE, 3), 120, np.uint8),
        action_image=np.full((*SIZE, 3), 200, np.uint8),
        K=K,
        world_from_camera=E,
        size=SIZE,
        chunk=chunk(),
        frame=1,
        hint="stop: action-images tell stop",
    )


def tile(strip, index):
    x, y = tile_origin(index)
    return strip[y : y + TILE, x : x + TILE - 1]


def near(picture, uv, colour, radius=3, within=60):
    """Whether some pixel around uv has about that colour."""
    x, y = (int(round(float(value))) for value in uv)
    patch = picture[y - radius : y + radius + 1, x - radius : x + radius + 1].reshape(-1, 3).astype(int)
    return bool((np.abs(patch - colour).sum(axis=1) < within).any())


def pixels(points):
    return project(points, resize_intrinsics(K, TILE / SIZE[1], TILE / SIZE[0]), E)[0]


def test_the_strip_is_wide_enough_and_every_tile_shows_its_picture(content):
    strip = Strip().draw(content)
    assert strip.shape == (HEIGHT, WIDTH, 3) and strip.dtype == np.uint8 and WIDTH >= 640
    assert [int(np.median(tile(strip, index))) for index in range(3)] == [90, 120, 200]


def test_plan_and_measured_path_lie_where_the_camera_sees_them(content):
    measured = content.chunk.poses[:, :3] + [0.0, 0.0, -0.1]
    picture = tile(Strip().draw(replace(content, measured=measured)), 3)
    between = (content.chunk.poses[:-1, :3] + content.chunk.poses[1:, :3]) / 2
    assert near(picture, pixels(between)[0], certainty_colour(0.002))
    for uv in pixels((measured[:-1] + measured[1:]) / 2):
        assert near(picture, uv, MEASURED)


def test_the_planned_path_turns_red_where_it_is_uncertain(content):
    picture = tile(Strip().draw(replace(content, chunk=chunk(np.array([0.002, 0.002, 0.03, 0.03, 0.03])))), 3)
    between = pixels((content.chunk.poses[:-1, :3] + content.chunk.poses[1:, :3]) / 2)
    first, last = (picture[int(round(v)), int(round(u))].astype(int) for u, v in (between[0], between[1]))
    assert first[1] > first[0] and last[0] > last[1]


def test_nothing_is_drawn_for_points_behind_the_camera(content):
    behind = looking_at([-1.0, 0.0, 0.5], [-2.0, 0.0, 0.4])
    strip = Strip().draw(replace(content, world_from_camera=behind, measured=content.chunk.poses[:, :3]))
    assert len(np.unique(tile(strip, 3))) == 1


def test_the_time_bar_shows_frames_that_could_not_be_decoded(content):
    valid = np.array([True, True, False, True, True])
    strip = Strip().draw(replace(content, chunk=replace(content.chunk, valid=valid)))
    row = tile_origin(0)[1] + TILE + 4 + 2
    assert tuple(strip[row, WIDTH * 2 // FRAMES + 40]) == INVALID
    assert tuple(strip[row, WIDTH * 3 // FRAMES + 40]) == certainty_colour(0.002)


def test_the_state_is_a_chip_of_its_colour(content):
    for state in ("proposed", "executing", "faulted", "stopped", "disabled"):
        assert tuple(Strip().draw(replace(content, state=state))[8, 6]) == state_colour(state)
    assert len({state_colour(state) for state in ("proposed", "executing", "stopped")}) == 3


def test_a_strip_drawn_after_others_is_the_one_drawn_first(content):
    used = Strip()
    contents = [
        content,
        replace(content, frame=3, state="executing", video=None, reason="limited: speed"),
        StripContent(camera="left", state=""),
        replace(content, video=np.full((*SIZE, 3), 33, np.uint8), agreement_m=0.02, age_s=0.4),
    ]
    for shown in [*contents, *reversed(contents)]:
        np.testing.assert_array_equal(used.draw(shown), Strip().draw(shown))


def test_a_picture_that_was_written_anew_in_its_place_is_shown(content):
    strip, video = Strip(), np.full((*SIZE, 3), 10, np.uint8)
    strip.draw(replace(content, video=video))
    video[50, 50] = 255
    assert tile(strip.draw(replace(content, video=video)), 1).max() > 100


def test_no_text_runs_into_another_however_long_it_is(content):
    long = Strip().draw(replace(content, instruction="word " * 200, reason="why " * 200, camera="camera_left"))
    at = WIDTH - 10 - text_width("camera_left", 0.52)
    assert (long[:38, at - 14 : at - 2] == PAPER).all()
    assert (long[:38, -8:] == PAPER).all()
    assert text_width(fitted("word " * 200, 300, 0.6), 0.6) <= 300


def test_missing_parts_are_said_and_break_nothing():
    strip = Strip().draw(StripContent(camera="left", state=""))
    for index in range(3):
        assert tile(strip, index).max() > 100  # the words
    invalid = replace(chunk(), valid=np.zeros(FRAMES, bool), poses=np.full((FRAMES, 7), np.nan))
    Strip().draw(
        StripContent(camera="left", state="holding", K=K, world_from_camera=E, size=SIZE, chunk=invalid, frame=2)
    )
