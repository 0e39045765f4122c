"""The markers lie where the plan is and say how certain it is."""

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from ros_rig import camera_pose
from visualization_msgs.msg import Marker

from action_images_ros.control.chunk import Chunk
from action_images_ros.display.colours import certainty_colour
from action_images_ros.display.shapes import box_edges, frustum, plan_shapes
from action_images_ros.geometry.camera import intrinsics_from_fovy, project
from action_images_ros.ros import tf_output
from action_images_ros.ros.markers import Box, Scene, scene_markers

SIGMAS = np.array([0.002, 0.004, 0.03, 0.03])


@pytest.fixture(scope="module")
def chunk():
    poses = np.zeros((4, 7))
    poses[:, 0], poses[:, 1], poses[:, 2], poses[:, 3] = 0.5, [0, 0.1, 0.2, 0.3], 0.2, 1.0  # z points down
    covariance = np.zeros((4, 6, 6))
    covariance[:] = np.eye(6)
    covariance[:, :3, :3] = np.square(SIGMAS)[:, None, None] * np.diag([1.0, 0.25, 0.04])
    return Chunk(7, 0.2, poses, np.array([1, 1, 0, 0.0]), covariance, np.array([True, True, True, False]))


@pytest.fixture(scope="module")
def markers(chunk):
    scene = Scene(
        base_frame="fr3_link0",
        opening_axis=np.array([0.0, 1.0, 0.0]),
        chunk=chunk,
        measured=chunk.poses[:2, :3],
        commanded=chunk.poses[:2, :3],
        boxes=(Box((0.3, -0.3, 0.0), (0.7, 0.3, 0.5)), Box((0.4, 0.0, 0.0), (0.5, 0.1, 0.1), keep_out=True)),
        cameras={"left": (intrinsics_from_fovy(50, 48, 64), camera_pose([1.4, 0.5, 0.8]), (48, 64))},
        state="proposed",
    )
    return scene_markers(scene).markers


def named(markers, name):
    return [marker for marker in markers if marker.ns == name]


def test_everything_is_in_the_base_frame_and_replaces_what_was_shown(markers):
    assert {marker.header.frame_id for marker in markers} == {"fr3_link0"}
    assert markers[0].action == Marker.DELETEALL
    assert len({(marker.ns, marker.id) for marker in markers}) == len(markers)
    for marker in markers[1:]:
        assert marker.colors or marker.color.a > 0
        assert len(marker.colors) in (0, len(marker.points))


def test_frames_that_are_not_valid_are_not_drawn(markers, chunk):
    (path,) = named(markers, "plan")
    np.testing.assert_allclose([[p.x, p.y, p.z] for p in path.points], chunk.poses[:3, :3])
    assert len(named(markers, "certainty")) == 3
    assert len(named(markers, "triads")[0].points) == 3 * 3 * 2


def test_colour_is_certainty_and_fades_into_the_future(markers):
    (path,) = named(markers, "plan")
    for colour, sigma in zip(path.colors, SIGMAS, strict=False):
        np.testing.assert_allclose(np.array([colour.r, colour.g, colour.b]) * 255, certainty_colour(sigma), atol=1)
    alphas = [colour.a for colour in path.colors]
    assert alphas == sorted(alphas, reverse=True) and alphas[0] > alphas[-1]


def test_ellipsoids_have_the_size_of_the_covariance(markers):
    ellipsoid = named(markers, "certainty")[2]
    sizes = sorted([ellipsoid.scale.x, ellipsoid.scale.y, ellipsoid.scale.z])
    np.testing.assert_allclose(sizes, 2 * 0.03 * np.array([0.2, 0.5, 1.0]), rtol=1e-6)


def test_the_gripper_opens_along_its_axis_and_its_fingers_point_along_the_tool(chunk):
    shapes = plan_shapes(chunk, np.array([0.0, 1.0, 0.0]))
    opened, closed = shapes.grippers[0], shapes.grippers[2]
    assert np.linalg.norm(opened[0, 1] - opened[0, 0]) == pytest.approx(0.08)
    assert np.linalg.norm(closed[0, 1] - closed[0, 0]) < 0.01
    finger = opened[1, 1] - opened[1, 0]
    assert finger[2] < 0 and abs(finger[0]) + abs(finger[1]) < 1e-9


def test_workspace_and_keep_out_are_told_apart(markers):
    (workspace,), (keep_out,) = named(markers, "workspace"), named(markers, "keep-out")
    assert keep_out.color.r > 0.8 > workspace.color.r + 0.1
    corners = np.array([[p.x, p.y, p.z] for p in workspace.points])
    np.testing.assert_allclose([corners.min(axis=0), corners.max(axis=0)], [[0.3, -0.3, 0.0], [0.7, 0.3, 0.5]])
    assert len(box_edges([0, 0, 0], [1, 1, 1])) == 12


def test_a_frustum_ends_at_the_corners_of_the_picture():
    K, E = intrinsics_from_fovy(50, 48, 64), camera_pose([1.4, 0.5, 0.8])
    uv, depth = project(frustum(K, E, (48, 64))[:4, 1], K, E)
    np.testing.assert_allclose(uv, [[-0.5, -0.5], [63.5, -0.5], [63.5, 47.5], [-0.5, 47.5]], atol=1e-6)
    assert (depth > 0).all()


def test_a_plan_without_one_valid_frame_draws_nothing_of_it(chunk):
    lost = Chunk(7, 0.2, np.full((4, 7), np.nan), np.full(4, np.nan), np.full((4, 6, 6), np.nan), np.zeros(4, bool))
    markers = scene_markers(Scene(base_frame="base", opening_axis=np.array([1.0, 0, 0]), chunk=lost)).markers
    assert len(markers) == 1


def test_frames_are_published_where_tf_has_its_messages(monkeypatch):
    import sys
    from types import ModuleType, SimpleNamespace

    sent = {}
    package = ModuleType("tf2_msgs.msg")
    package.TFMessage = lambda transforms: transforms
    monkeypatch.setitem(sys.modules, "tf2_msgs", ModuleType("tf2_msgs"))
    monkeypatch.setitem(sys.modules, "tf2_msgs.msg", package)
    node = SimpleNamespace(
        create_publisher=lambda kind, name, _: SimpleNamespace(publish=lambda message: sent.update({name: message}))
    )
    frames = tf_output.TfOutput(node, "base")
    assert frames.on
    frames.fixed({"left_optical_frame": np.array([1.0, 0, 0, 0, 0, 0, 1])}, 5)
    frames.moving({"tcp": np.array([0.0, 2, 0, 0, 0, 0, 1])}, 6)
    (fixed,), (moving,) = sent["/tf_static"], sent["/tf"]
    assert isinstance(fixed, TransformStamped) and fixed.header.frame_id == "base"
    assert (fixed.child_frame_id, fixed.transform.translation.x) == ("left_optical_frame", 1.0)
    assert (moving.child_frame_id, moving.header.stamp.nanosec) == ("tcp", 6)
