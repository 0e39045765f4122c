"""Chunks that press the arm into things, or ask for what it cannot do, are refused before they are accepted."""

import mujoco
import numpy as np
import pytest
from control_rig import DOWN, make_chunk
from robot_rig import HOME, chunk_along, chunk_between

from action_images_ros.control.chunk_check import LimitExceeded
from action_images_ros.control.settings import RobotSettings
from action_images_ros.geometry.pose import interpolate
from action_images_ros.robot_model.capsules import hull_distance
from action_images_ros.robot_model.check import RobotCheck, slowed


def refused(check, chunk, q):
    with pytest.raises(LimitExceeded) as caught:
        check.checked(chunk, q, check.model.tool(q)[0] if q is not None else None)
    return caught.value


def test_a_chunk_within_the_limits_is_taken_as_it_is(panda, pose_of):
    start = pose_of(HOME)
    for step in ([0.1, 0, 0], [0, 0.2, 0], [0, 0, -0.2], [-0.05, -0.1, 0.1]):
        chunk = chunk_between(start, np.concatenate([start[:3] + step, start[3:]]))
        assert panda.checked(chunk, HOME, start) is chunk
        assert panda.checked(chunk, None, None) is chunk  # begun from home


def test_the_hand_into_the_table_is_refused(panda, pose_of):
    start = pose_of(HOME)
    tilted = np.array([0.45, 0.0, 0.06, *np.array([np.sin(0.3), 0, 0, np.cos(0.3)])])
    flat = np.concatenate([[0.5, 0.0, 0.045], [np.sin(np.pi / 4), 0, 0, np.cos(np.pi / 4)]])
    refusals = [refused(panda, chunk_between(start, end), HOME) for end in (tilted, flat)]
    assert {refusal.kind for refusal in refusals} == {"keep_out"}
    assert {refusal.other for refusal in refusals} == {"keep_out_planes[0]"}
    assert all(0 < refusal.frame <= 8 and refusal.distance < 0.01 for refusal in refusals)


def test_the_fingers_may_come_down_to_the_table_but_not_into_it(panda, pose_of):
    start = pose_of(HOME)
    at = np.concatenate([[0.5, 0.0, 0.010], DOWN])
    low = np.concatenate([[0.5, 0.0, 0.006], DOWN])
    assert panda.checked(chunk_between(start, at), HOME, start)
    refusal = refused(panda, chunk_between(start, low), HOME)
    assert refusal.kind == "keep_out" and refusal.link.endswith("finger") and refusal.frame == 8
    assert refusal.distance == pytest.approx(-0.003, abs=0.002)
    assert f"frame {refusal.frame}" in refusal.reason and refusal.link in refusal.reason and "mm" in refusal.reason


def test_link_6_into_the_table_is_refused(panda, pose_of):
    low = np.array([0.0, 1.2, 0.0, -1.6, 0.0, 0.2, 0.785])  # the wrist below, the hand pointing forward
    begin = np.array([0.0, 0.8, 0.0, -1.6, 0.0, 0.2, 0.785])
    refusal = refused(panda, chunk_along(pose_of, begin, low), begin)
    assert refusal.kind == "keep_out" and refusal.link == "link6" and refusal.distance < 0.01


def test_the_hand_into_link_5_is_refused(panda, pose_of):
    begin, folded = HOME.copy(), HOME.copy()
    begin[6] = folded[6] = 0.0  # the hand across
    folded[5] = 0.0
    chunk = chunk_along(pose_of, begin, folded, frames=25, dt=0.1)
    refusal = refused(panda, chunk, begin)
    assert refusal.kind == "contact"
    assert {refusal.link, refusal.other} & {"link5"} and {refusal.link, refusal.other} & {"hand", "link7"}
    at = panda.clearance.distances(folded[None])[0]
    assert at.min() < 0


def test_a_pose_out_of_reach_is_refused(panda, pose_of):
    start = pose_of(HOME)
    far = np.concatenate([[0.95, 0.0, 0.5], DOWN])
    refusal = refused(panda, chunk_between(start, far), HOME)
    assert refusal.kind in ("reach", "joint_limit", "singular") and 0 < refusal.frame <= 8
    refusal = refused(panda, make_chunk(start=(0.45, 0.0, 0.4), velocity=(0, 0, 0), turn=(0, 0, -2.2)), HOME)
    assert refusal.kind == "joint_limit" and refusal.link.startswith("joint") and refusal.distance is not None


def test_a_singular_pose_is_refused_though_it_can_be_reached(panda, pose_of):
    begin = np.array([0.0, 0.4, 1.57, -1.5, 1.57, 1.57, 0.0])
    singular = np.array([0.0, 0.0, 1.57, -1.5, 1.57, 1.57, 0.0])  # joint 2's axis through the wrist
    refusal = refused(panda, chunk_along(pose_of, begin, singular), begin)
    assert refusal.kind == "singular" and refusal.distance < 0.02


def test_too_fast_joints_slow_the_chunk_down_along_its_path(panda, pose_of):
    turned = HOME.copy()
    turned[6] = -1.5
    chunk = chunk_along(pose_of, HOME, turned, dt=0.05)  # 2.3 rad in 0.4 s: 2.2 times too fast
    result = panda.checked(chunk, HOME, pose_of(HOME))
    assert len(result) == pytest.approx(1 + 8 * 2.2, abs=2) and result.dt == chunk.dt
    np.testing.assert_allclose(result.poses[[0, -1]], chunk.poses[[0, -1]], atol=1e-9)
    assert panda.checked(result, HOME, pose_of(HOME)).end_ns == pytest.approx(result.end_ns, abs=0.1e9)
    fast = chunk_along(pose_of, HOME, turned, dt=0.01)
    refusal = refused(panda, fast, HOME)
    assert refusal.kind == "joint_speed" and refusal.link == "joint7"


def test_slowing_down_keeps_the_way_and_the_order_of_the_gripper():
    chunk = make_chunk(frames=5, velocity=(0.5, 0, 0))
    result = slowed(chunk, np.array([1.0, 3.0, 1.0, 1.0]))
    assert len(result) == 7
    np.testing.assert_allclose(result.poses[:, 0], [0.5, 0.6, 0.6333, 0.6667, 0.7, 0.8, 0.9], atol=1e-3)


def test_what_is_already_too_near_may_be_led_out_but_not_further_in(panda, pose_of):
    low = np.concatenate([[0.5, 0.0, 0.007], DOWN])  # the fingertips 2 mm in the table
    path = np.linspace(0, 1, 30)
    q = HOME
    from action_images_ros.robot_model.inverse import follow_poses

    q = follow_poses(
        panda.model, interpolate(pose_of(HOME), low, path), HOME, panda.model.lower, panda.model.upper, (1e-3, 1e-2)
    ).positions[-1]
    here = pose_of(q)
    up, down = here.copy(), here.copy()
    up[2] += 0.1
    down[2] -= 0.01
    assert panda.checked(chunk_between(here, up), q, here)
    assert refused(panda, chunk_between(here, down), q).kind == "keep_out"


def test_joints_that_do_not_fit_the_measured_pose_are_doubtful(panda, pose_of):
    flange = pose_of(HOME)
    flange[2] += 0.1034
    with pytest.raises(LimitExceeded) as caught:
        panda.checked(chunk_between(flange, flange), HOME, flange)
    assert caught.value.kind == "start" and caught.value.distance == pytest.approx(0.1034, abs=1e-3)
    for bad in (np.full(7, np.nan), np.zeros(3), HOME + [0, 0, 0, 3, 0, 0, 0]):
        with pytest.raises(LimitExceeded) as caught:
            panda.checked(chunk_between(flange, flange), np.asarray(bad), None)
        assert caught.value.kind == "start"


def test_boxes_keep_links_out(panda, pose_of):
    start = pose_of(HOME)
    above = [start[0] - 0.1, -0.3, start[2] - 0.25, start[0] + 0.1, 0.3, start[2] - 0.1]
    settings = RobotSettings(robot_description="panda", keep_out_boxes=above)
    check = RobotCheck(panda.model, settings)
    down = np.concatenate([start[:3] - [0, 0, 0.15], start[3:]])
    refusal = refused(check, chunk_between(start, down), HOME)
    assert refusal.kind == "keep_out" and refusal.other == "keep_out_boxes[0]"
    wrong = RobotCheck(panda.model, RobotSettings(robot_description="panda", keep_out_planes=(0, 0, 1, 0.6)))
    refusal = refused(wrong, chunk_between(start, start), HOME)  # the arm is deep inside: the plane is wrong
    assert refusal.kind == "keep_out" and refusal.frame == 0


def test_distances_agree_with_mujocos_own_on_the_hulls(panda):
    """A capsule holds its link: it is never further away than the link's hull. Refined it is the hull's."""
    model = panda.model._model
    data = mujoco.MjData(model)
    hand, link5 = (
        [g for g in range(model.ngeom) if model.geom(g).bodyid == model.body(name).id and model.geom(g).contype]
        for name in ("hand", "link5")
    )
    pairs = [index for index, pair in enumerate(panda.clearance.names) if set(pair) == {"hand", "link5"}]
    rng = np.random.default_rng(0)
    for _ in range(15):
        q = np.clip(HOME + rng.uniform(-0.6, 0.6, 7), panda.model.lower, panda.model.upper)
        data.qpos[:7], data.qpos[7:] = q, 0.04
        mujoco.mj_forward(model, data)
        exact = min(mujoco.mj_geomDistance(model, data, a, b, 1.0, None) for a in hand for b in link5)
        capsules = panda.clearance.distances(q[None])[0]
        assert exact - 0.05 < capsules[pairs].min() < exact + 1e-4
        refined = min(panda.clearance.refined(q, pair, capsules[pair], 1.0) for pair in pairs)
        assert exact - 2e-3 < refined < exact + 1e-4


def test_links_whose_capsules_meet_but_not_their_hulls_are_no_contact(panda, pose_of):
    bent = HOME.copy()
    bent[5] = 3.6  # link 7 comes close to link 5
    at = panda.clearance.distances(bent[None])[0]
    near = [index for index in np.flatnonzero(at < 0.02) if panda.clearance.names[index] == ("link5", "link7")]
    assert near and all(panda.clearance.refined(bent, i, at[i], 0.05) > at[i] + 1e-3 for i in near)


def test_hulls_apart_touching_and_inside():
    cube = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    assert hull_distance(cube, cube + [1.25, 0.5, 0.25], 1.0) == pytest.approx(0.25, abs=0.02)
    assert hull_distance(cube, cube + [2, 2, 0], 2.0) == pytest.approx(np.sqrt(2), abs=0.02)
    assert hull_distance(cube, cube + [0.5, 0.2, 0.1], 1.0) <= 0
    assert 0.1 <= hull_distance(cube, cube + [1.25, 0.5, 0.25], 0.1) <= 0.25 + 1e-9
