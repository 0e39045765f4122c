"""Kinematics read from a robot description: the simulator's poses, any link in any other, faults named."""

from pathlib import Path

import numpy as np
import pytest
from descriptions import READY, panda_like, robotiq_like

from action_images_ros import cell
from action_images_ros.drivers.description import RobotDescription

PANDA = Path(cell.__file__).parent / "assets" / "franka_emika_panda" / "panda.xml"


def test_the_chain_agrees_with_the_simulator_at_random_joints():
    mujoco = pytest.importorskip("mujoco")
    model = mujoco.MjModel.from_xml_path(str(PANDA))
    data = mujoco.MjData(model)
    chain = RobotDescription(panda_like()).chain("link0", "hand_tcp")
    rng = np.random.default_rng(1)
    for _ in range(20):
        q = rng.uniform(-1.0, 1.0, 7) + np.array(list(READY.values()))
        data.qpos[:7] = q
        mujoco.mj_kinematics(model, data)
        site = data.site("tcp")
        ours = chain.base_from_tip(dict(zip(READY, q, strict=True)))
        np.testing.assert_allclose(ours[:3, 3], site.xpos, atol=1e-5)
        np.testing.assert_allclose(ours[:3, :3], site.xmat.reshape(3, 3), atol=1e-5)


def test_a_chain_backwards_is_the_inverse():
    description = RobotDescription(panda_like())
    forth = description.chain("world", "rightfinger").base_from_tip({**READY, "finger_joint1": 0.02})
    back = description.chain("rightfinger", "world").base_from_tip({**READY, "finger_joint1": 0.02})
    np.testing.assert_allclose(forth @ back, np.eye(4), atol=1e-12)


def test_a_chain_between_two_fingers_has_no_arm_in_it():
    chain = RobotDescription(panda_like()).chain("leftfinger", "rightfinger")
    assert chain.moving == ("finger_joint1",)
    assert chain.base_from_tip({"finger_joint1": 0.04})[1, 3] == pytest.approx(-0.08)


def test_a_mimic_joint_follows_its_master_unless_it_is_given():
    chain = RobotDescription(robotiq_like()).chain("gripper_base", "right_tip")
    follows = chain.base_from_tip({"left_knuckle_joint": 0.8})
    given = chain.base_from_tip({"left_knuckle_joint": 0.8, "right_knuckle_joint": 0.8, "right_tip_joint": 0.8})
    np.testing.assert_allclose(follows, given)


def test_links_below_a_joint_are_nearest_first():
    assert RobotDescription(robotiq_like()).below("left_knuckle") == ("left_knuckle", "left_finger", "left_tip")


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "no XML"),
        ("<robot", "no XML"),
        ("<sdf/>", "root is <robot>"),
        ("<!DOCTYPE r [<!ENTITY a 'b'>]><robot/>", "entities"),
        ("<robot><link name='a'/><joint name='j' type='fixed'><parent link='a'/></joint></robot>", "joint 'j'"),
        (
            "<robot><joint name='j' type='revolute'><parent link='a'/>"
            "<child link='b'/><axis xyz='0 0 0'/></joint></robot>",
            "axis is zero",
        ),
        (
            "<robot><joint name='j' type='fixed'><parent link='a'/>"
            "<child link='b'/><origin xyz='1 2'/></joint></robot>",
            "three numbers",
        ),
        (
            "<robot><joint name='j' type='fixed'><parent link='a'/><child link='b'/></joint>"
            "<joint name='k' type='fixed'><parent link='c'/><child link='b'/></joint></robot>",
            "two parents",
        ),
        ("<robot>" + "<link name='x'/>" * 1500 + "</robot>", "1500 links"),
    ],
)
def test_what_is_no_description_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        RobotDescription(text)


def test_unknown_and_unconnected_links_are_named():
    description = RobotDescription(panda_like())
    with pytest.raises(ValueError, match="tip link is 'gripper'.*hand_tcp"):
        description.chain("link0", "gripper")
    with pytest.raises(ValueError, match="not connected"):
        RobotDescription("<robot><link name='a'/><link name='b'/></robot>").chain("a", "b")


def test_links_in_a_circle_are_refused():
    text = (
        "<robot><link name='a'/><link name='b'/>"
        + "".join(
            f"<joint name='{c}' type='fixed'><parent link='{p}'/><child link='{c}'/></joint>" for p, c in ("ab", "ba")
        )
        + "</robot>"
    )
    with pytest.raises(ValueError, match="circle"):
        RobotDescription(text).chain("a", "b")


@pytest.mark.parametrize("base, tip", [("link0", "hand_tcp"), ("hand_tcp", "world"), ("leftfinger", "rightfinger")])
def test_the_jacobian_is_the_derivative(base, tip):
    chain = RobotDescription(panda_like()).chain(base, tip)
    positions = {**READY, "finger_joint1": 0.03}
    matrix, jacobian = chain.jacobian(positions)
    for index, name in enumerate(chain.moving):
        moved = chain.base_from_tip({**positions, name: positions[name] + 1e-6})
        np.testing.assert_allclose((moved - matrix)[:3, 3] / 1e-6, jacobian[:3, index], atol=1e-5)
        spin = (moved[:3, :3] @ matrix[:3, :3].T - np.eye(3)) / 1e-6
        np.testing.assert_allclose([spin[2, 1], spin[0, 2], spin[1, 0]], jacobian[3:, index], atol=1e-5)
