import cv2
import numpy as np
from motions import SIZE, falling

from action_images_ros.evaluation.baselines import Estimate
from action_images_ros.evaluation.held_out import windows_of
from action_images_ros.evaluation.sheets import MARGIN, sheet, write_sheet

WINDOW = windows_of(falling(), 9, 0.2, SIZE)[0]


def row(picture, number, scale=1):
    """The frames of one row of the first window and view."""
    height = SIZE[0] * scale
    return picture[number * height : (number + 1) * height, MARGIN * scale :]


def test_rows_show_truth_painting_and_difference_frame_under_frame():
    predicted = WINDOW.images + np.uint8(10)
    picture = sheet([(WINDOW, Estimate(video=predicted, action_images=WINDOW.images))], scale=1)
    np.testing.assert_array_equal(row(picture, 0), np.concatenate(list(WINDOW.images[0]), axis=1))
    np.testing.assert_array_equal(row(picture, 1), np.concatenate(list(predicted[0]), axis=1))
    assert np.all(row(picture, 2) == 128 + 30)
    np.testing.assert_array_equal(row(picture, 4), row(picture, 0))


def test_what_a_mode_does_not_paint_has_no_row():
    whole = sheet([(WINDOW, Estimate(video=WINDOW.images, action_images=WINDOW.images))])
    actions = sheet([(WINDOW, Estimate(action_images=WINDOW.images))])
    assert len(whole) - len(actions) == 2 * 2 * 2 * SIZE[0]


def test_a_sheet_is_a_png_in_a_folder_made_for_it(tmp_path):
    write_sheet(tmp_path / "new" / "sheet.png", [(WINDOW, Estimate(video=WINDOW.images))])
    read = cv2.imread(str(tmp_path / "new" / "sheet.png"))
    np.testing.assert_array_equal(read[..., ::-1], sheet([(WINDOW, Estimate(video=WINDOW.images))]))
