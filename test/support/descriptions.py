"""Robot descriptions of tests: a seven-joint arm with a two-finger hand, a hand with revolute fingers."""

from xml.etree import ElementTree

ARM = (
    (0, 0, 0.333, 0, 0, 0),
    (0, 0, 0, -1.5707963, 0, 0),
    (0, -0.316, 0, 1.5707963, 0, 0),
    (0.0825, 0, 0, 1.5707963, 0, 0),
    (-0.0825, 0.384, 0, -1.5707963, 0, 0),
    (0, 0, 0, 1.5707963, 0, 0),
    (0.088, 0, 0, 1.5707963, 0, 0),
)
READY = {f"joint{i + 1}": q for i, q in enumerate((0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785))}


def _joint(robot, name, kind, parent, child, xyz="0 0 0", rpy="0 0 0", axis="0 0 1", limits=None, mimic=None):
    ElementTree.SubElement(robot, "link", name=child)
    joint = ElementTree.SubElement(robot, "joint", name=name, type=kind)
    ElementTree.SubElement(joint, "parent", link=parent)
    ElementTree.SubElement(joint, "child", link=child)
    ElementTree.SubElement(joint, "origin", xyz=xyz, rpy=rpy)
    if kind != "fixed":
        ElementTree.SubElement(joint, "axis", xyz=axis)
        lower, upper = limits or (-2.9, 2.9)
        ElementTree.SubElement(joint, "limit", lower=str(lower), upper=str(upper), velocity="2.0", effort="87")
    if mimic:
        ElementTree.SubElement(joint, "mimic", joint=mimic[0], multiplier=str(mimic[1]))


def _arm():
    robot = ElementTree.Element("robot", name="arm")
    ElementTree.SubElement(robot, "link", name="world")
    _joint(robot, "mount", "fixed", "world", "link0", xyz="0.2 0.1 0.7")
    for index, (x, y, z, r, p, w) in enumerate(ARM):
        _joint(
            robot,
            f"joint{index + 1}",
            "revolute",
            f"link{index}",
            f"link{index + 1}",
            f"{x} {y} {z}",
            f"{r} {p} {w}",
            limits=(-3.1, 0.0) if index == 3 else (-0.1, 3.8) if index == 5 else None,
        )
    _joint(robot, "flange_joint", "fixed", "link7", "flange", xyz="0 0 0.107")
    return robot


def panda_like():
    """URDF of an arm whose hand opens along y of its TCP; links link0..link7, flange, hand, hand_tcp."""
    robot = _arm()
    _joint(robot, "hand_joint", "fixed", "flange", "hand", rpy="0 0 -0.785398163")
    _joint(robot, "tcp_joint", "fixed", "hand", "hand_tcp", xyz="0 0 0.1034")
    _joint(robot, "finger_joint1", "prismatic", "hand", "leftfinger", xyz="0 0 0.0584", axis="0 1 0", limits=(0, 0.04))
    _joint(
        robot,
        "finger_joint2",
        "prismatic",
        "hand",
        "rightfinger",
        xyz="0 0 0.0584",
        axis="0 -1 0",
        limits=(0, 0.04),
        mimic=("finger_joint1", 1.0),
    )
    return ElementTree.tostring(robot, encoding="unicode")


def robotiq_like():
    """URDF of an arm whose gripper has revolute fingers that open along x, with mimic joints."""
    robot = _arm()
    _joint(robot, "gripper_joint", "fixed", "flange", "gripper_base")
    _joint(robot, "tcp_joint", "fixed", "gripper_base", "gripper_tcp", xyz="0 0 0.15")
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _joint(
            robot,
            f"{side}_knuckle_joint",
            "revolute",
            "gripper_base",
            f"{side}_knuckle",
            xyz=f"{0.03 * sign} 0 0.055",
            axis=f"0 {-sign} 0",
            limits=(0.0, 0.8),
            mimic=None if side == "left" else ("left_knuckle_joint", 1.0),
        )
        _joint(
            robot, f"{side}_finger_joint", "fixed", f"{side}_knuckle", f"{side}_finger", xyz=f"{0.03 * sign} 0 -0.004"
        )
        _joint(
            robot,
            f"{side}_tip_joint",
            "revolute",
            f"{side}_finger",
            f"{side}_tip",
            xyz=f"{0.005 * sign} 0 0.047",
            axis=f"0 {sign} 0",
            limits=(0.0, 0.8),
            mimic=("left_knuckle_joint", 1.0),
        )
    return ElementTree.tostring(robot, encoding="unicode")
