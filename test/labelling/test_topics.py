"""Labels lie beside the cameras."""

import pytest

from action_images_ros.data.rosbag2.topics import CameraTopics, RecordedTopics
from action_images_ros.labelling.topics import labels_prefix


@pytest.mark.parametrize(
    "images, prefix",
    [
        (["/cell/left/image_raw", "/cell/right/image_raw"], "/cell/label/"),
        (["/cell/left/image_raw/compressed", "/cell/right/image_raw"], "/cell/label/"),
        (["/left/image_raw", "/right/image_raw"], "/label/"),
        (["/a/left/image_raw", "/b/right/image_raw"], "/label/"),
    ],
)
def test_labels_lie_in_the_cameras_namespace(images, prefix):
    cameras = tuple(CameraTopics(str(i), image, False, "", None) for i, image in enumerate(images))
    assert labels_prefix(RecordedTopics(cameras, None, None, None, None, None), "label") == prefix
