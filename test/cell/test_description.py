"""The URDF of the cell's arm is the arm that is simulated."""

from pathlib import Path
from urllib.parse import urlparse
from xml.etree import ElementTree

import numpy as np
import pytest

from action_images_ros.cell.cell import Cell
from action_images_ros.cell.description import LinkPoses, cell_urdf, tool_link
from action_images_ros.cell.scene.scene import JOINT_NAMES
from action_images_ros.drivers.description import RobotDescription
from action_images_ros.geometry.pose import matrix_from_pose7

POSTURE = dict(zip(JOINT_NAMES, (0.2, -0.3, 0.1, -2.3, 0.2, 2.0, 0.7, 0.03, 0.03), strict=True))


@pytest.fixture(scope="module")
def urdf():
    return cell_urdf("world")


def test_every_link_is_where_the_simulation_has_it(urdf):
    description, links = RobotDescription(urdf), LinkPoses()
    poses = links.at(POSTURE)
    assert set(poses) >= {"link0", "link7", "hand", "left_finger", "right_finger"}
    for link, pose in poses.items():
        np.testing.assert_allclose(description.chain("world", link).base_from_tip(POSTURE), pose, atol=1e-6)


def test_the_tool_is_the_one_whose_pose_the_cell_publishes(urdf):
    with Cell("reach_target", 3, image_size=(16, 16)) as cell:
        joints = dict(zip(cell.joint_names, cell.joint_positions, strict=True))
        tool = RobotDescription(urdf).chain("world", tool_link()).base_from_tip(joints)
        np.testing.assert_allclose(tool, matrix_from_pose7(cell.tcp_pose), atol=1e-5)


def test_every_mesh_is_a_file_and_every_joint_of_joint_states_is_there(urdf):
    robot = ElementTree.fromstring(urdf)
    meshes = [Path(urlparse(mesh.get("filename")).path) for mesh in robot.iter("mesh")]
    assert len(meshes) > 10 and all(mesh.is_file() for mesh in meshes)
    assert set(JOINT_NAMES) <= {joint.get("name") for joint in robot.findall("joint")}
