"""The film and the contact sheet show what was recorded."""

import cv2
import numpy as np
import pytest

from action_images_ros.apps.film import contact_sheet, film_frames, write_animation, write_film
from action_images_ros.apps.scene_recorder import SceneRecord, ShownChunk

SECOND = 1_000_000_000


@pytest.fixture
def record():
    record = SceneRecord()
    for index in range(6):
        record.pictures.append((SECOND + index * SECOND // 10, np.full((2, 48, 64, 3), 100, np.uint8)))
    action = np.zeros((2, 9, 32, 32, 3), np.uint8)
    action[:, :, 16, 16] = 255
    video = np.full((2, 9, 32, 32, 3), 0, np.uint8)
    video[..., 0] = 10 * np.arange(9)[None, :, None, None]
    record.chunks[SECOND + 1] = ShownChunk(SECOND + 1, action, video, 4.0, 9)
    return record


def test_every_recorded_moment_is_one_picture_of_the_film(record):
    frames = list(film_frames(record, "reach the ball", 0.2, "done"))
    assert len(frames) == 6 and {frame.shape for frame in frames} == {(2 * 256 + 56, 3 * 256, 3)}
    before, after = frames[0][60:, 256:512], frames[-1][60:, 256:512]
    assert before.std() == 0  # no chunk yet: an empty tile
    assert abs(int(after[..., 0].max()) - 20) < 2  # 0.4 s after the chunk's first frame: its third


def test_the_film_can_be_read_again(record, tmp_path):
    import av

    path = tmp_path / "sub" / "film.mp4"
    assert write_film(path, film_frames(record, "reach", 0.2)) == 6
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 6


def test_the_animation_shows_every_second_frame_smaller_at_the_same_speed(record, tmp_path):
    path = tmp_path / "film.webp"
    assert write_animation(path, film_frames(record, "reach", 0.2), 10, every=2, width=192) == 3
    read, animation = cv2.imreadanimation(str(path))
    assert read and [frame.shape[:2] for frame in animation.frames] == [(142, 192)] * 3
    assert list(animation.durations) == [200, 200, 200]


def test_no_pictures_make_no_film(tmp_path):
    assert write_film(tmp_path / "film.mp4", iter(())) == 0
    assert not (tmp_path / "film.mp4").exists()


def test_the_contact_sheet_shows_every_scene(record, tmp_path):
    contact_sheet(tmp_path / "sheet.png", [("one", record), ("two", record)])
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (2 * (26 + 4 * 128), 6 * 128, 3)


def test_without_chunks_there_is_no_sheet(tmp_path):
    with pytest.raises(ValueError, match="no chunk"):
        contact_sheet(tmp_path / "sheet.png", [("one", SceneRecord())])


def test_the_way_is_measured_along_the_path():
    record = SceneRecord(positions=[np.array([0.0, 0, 0]), np.array([0.1, 0, 0]), np.array([0.0, 0, 0])])
    assert record.travelled() == pytest.approx(0.2)
    assert SceneRecord().travelled() == 0.0
