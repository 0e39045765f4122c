"""The table of drivers: complete rows, types that exist or whose package is named."""

import pytest

from action_images_ros.drivers.message_types import MissingType, interface_type
from action_images_ros.drivers.table import GRIPPER_INTERFACES, POSE_INTERFACES

ROWS = [*POSE_INTERFACES.values(), *GRIPPER_INTERFACES.values()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_type_is_importable_or_its_package_is_named(row):
    try:
        assert interface_type(row.type).__name__ == row.type.rsplit("/", 1)[1]
    except MissingType as error:
        assert row.package and row.type.split("/")[0] in str(error)


@pytest.mark.parametrize("name", ["", "geometry_msgs", "geometry_msgs/PoseStamped", "a/b/c", "geometry_msgs/msg/"])
def test_what_is_no_type_is_refused(name):
    with pytest.raises(ValueError, match="PACKAGE/msg"):
        interface_type(name)


def test_a_type_that_its_package_lacks_is_named():
    with pytest.raises(MissingType, match="std_msgs/msg/Nothing"):
        interface_type("std_msgs/msg/Nothing")
