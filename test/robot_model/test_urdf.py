"""The same arm by MJCF and by URDF is the same arm; a description that cannot be read is named."""

import numpy as np
import pytest
from robot_rig import HOME, chunk_between

from action_images_ros.cell.description import cell_urdf
from action_images_ros.control.chunk_check import LimitExceeded
from action_images_ros.control.settings import RobotSettings
from action_images_ros.robot_model.load import load_check, load_model

TWO_JOINTS = """
<robot name="r"><link name="world"/><link name="base"/>
  <joint name="mount" type="fixed"><parent link="world"/><child link="base"/>
    <origin xyz="0 0 0.5" rpy="0 0 1.5707963"/></joint>
  <link name="upper"><collision><origin xyz="0 0 0.2"/><geometry><cylinder radius="0.05" length="0.4"/></geometry>
    </collision></link>
  <joint name="shoulder" type="continuous"><parent link="base"/><child link="upper"/><axis xyz="0 1 0"/>
    <limit effort="1" velocity="1.5"/></joint>
  <link name="lower"><collision><origin xyz="0 0 0.15"/><geometry><box size="0.1 0.1 0.3"/></geometry>
    </collision></link>
  <joint name="slide" type="prismatic"><parent link="upper"/><child link="lower"/><origin xyz="0 0 0.4"/>
    <axis xyz="0 0 1"/><limit lower="0" upper="0.2" effort="1" velocity="0.1"/></joint>
  <link name="tool"/><joint name="end" type="fixed"><parent link="lower"/><child link="tool"/>
    <origin xyz="0 0 0.3"/></joint>
</robot>
"""
FREE = "<freejoint/><geom size='1'/>"


@pytest.fixture(scope="module")
def urdf(tmp_path_factory):
    path = tmp_path_factory.mktemp("panda") / "panda.urdf"
    path.write_text(cell_urdf("base"))
    settings = RobotSettings(robot_description=str(path), robot_home=tuple(HOME))
    return load_check(settings, "base")


def test_the_cells_arm_by_urdf_is_the_one_by_mjcf(panda, urdf):
    a, b = panda.model, urdf.model
    assert a.joints == b.joints
    np.testing.assert_allclose([b.lower, b.upper], [a.lower, a.upper], atol=1e-5)
    np.testing.assert_allclose(b.speed, 3.0)
    rng = np.random.default_rng(1)
    names = [link.name for link in a.links]
    for q in rng.uniform(a.lower, a.upper, (20, 7)):
        (pose, jacobian), (other, other_jacobian) = a.tool(q), b.tool(q)
        np.testing.assert_allclose(pose[:3], other[:3], atol=1e-6)
        assert abs(pose[3:] @ other[3:]) == pytest.approx(1, abs=1e-9)
        np.testing.assert_allclose(jacobian, other_jacobian, atol=1e-6)
        rotations, positions = b.placements(q)
        at = [[link.name for link in b.links].index(name) for name in names[:9]]  # the fingers stand open in the MJCF
        np.testing.assert_allclose(positions[at], a.placements(q)[1][:9], atol=1e-6)
        np.testing.assert_allclose(rotations[at], a.placements(q)[0][:9], atol=1e-6)


def test_a_chunk_is_checked_by_a_urdf_alike(panda, urdf, pose_of):
    start = pose_of(HOME)
    good = np.concatenate([start[:3] + [0.1, 0.05, -0.1], start[3:]])
    chunk = chunk_between(start, good)
    assert urdf.checked(chunk, HOME, start) is chunk
    low = np.concatenate([[0.5, 0.0, 0.0], start[3:]])
    with pytest.raises(LimitExceeded) as caught:
        urdf.checked(chunk_between(start, low), HOME, start)
    assert caught.value.kind == "keep_out" and caught.value.link.endswith("finger")


def test_continuous_and_prismatic_joints_and_a_base_that_is_not_the_root(tmp_path):
    path = tmp_path / "two.urdf"
    path.write_text(TWO_JOINTS)
    model = load_model(str(path), "tool", "base")
    assert model.joints == ("shoulder", "slide")
    np.testing.assert_array_equal(model.lower, [-np.inf, 0.0])
    np.testing.assert_array_equal(model.speed, [1.5, 0.1])
    pose, jacobian = model.tool(np.array([np.pi / 2, 0.1]))
    np.testing.assert_allclose(pose[:3], [0.8, 0.0, 0.0], atol=1e-9)  # in base, not in the root
    for joint in range(2):
        step = np.zeros(2)
        step[joint] = 1e-6
        moved = model.tool(np.array([np.pi / 2, 0.1]) + step)[0]
        np.testing.assert_allclose(jacobian[:3, joint], (moved[:3] - pose[:3]) / 1e-6, atol=1e-4)
    shapes = {model.links[shape.link].name: shape for shape in model.shapes}
    assert shapes["upper"].radius == pytest.approx(0.05, rel=0.05)
    assert len(shapes["lower"].points) == 8
    in_root = load_model(str(path), "tool", "world").tool(np.array([np.pi / 2, 0.1]))[0]
    np.testing.assert_allclose(in_root[:3], [0.0, 0.8, 0.5], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("<robot", "robot_description"),
        ("", "robot_description"),
        ("<sdf/>", "sdf"),
        ("<robot name='r'/>", "robot_description"),
        (TWO_JOINTS.replace('"tool"', '"hook"'), "robot_tool"),
        (TWO_JOINTS.replace('<box size="0.1 0.1 0.3"/>', '<mesh filename="package://none/x.stl"/>'), "mesh"),
        (
            "<mujoco><worldbody><body><freejoint/><geom size='1'/><site name='tool'/></body></worldbody></mujoco>",
            "joint",
        ),
        ("<mujoco><worldbody><site name='tool'/></worldbody></mujoco>", "robot_tool"),
        ("<mujoco><nonsense/></mujoco>", "robot_description"),
    ],
)
def test_a_description_that_cannot_be_read_is_refused_in_one_line(tmp_path, text, word):
    path = tmp_path / "robot.xml"
    path.write_text(text)
    with pytest.raises(ValueError, match=word) as caught:
        load_model(str(path), "tool", "base")
    assert "\n" not in str(caught.value)


def test_a_base_that_moves_or_is_missing_is_refused(tmp_path):
    path = tmp_path / "two.urdf"
    path.write_text(TWO_JOINTS)
    for base in ("upper", "elsewhere"):
        with pytest.raises(ValueError, match="base_frame"):
            load_model(str(path), "tool", base)
    with pytest.raises(ValueError, match="robot_description"):
        load_model("package://no_such_package/robot.urdf", "tool")
