"""The complete pictures of one id become poses of the robot's tool, incomplete ones become nothing."""

import numpy as np
import pytest
from ros_rig import CAMERAS, DOWN, EYES, camera_pose

from action_images_ros.codec.encode import encode, to_uint8
from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.geometry.pose import matrix_from_pose7, pose7_from_matrix, to_model_tool
from action_images_ros.nodes.decoder_node import DecoderNode
from action_images_ros.ros.chunk_messages import chunk_from_messages, stack_frames
from action_images_ros.ros.conversions import camera_info_from_intrinsics, ns_from_stamp, pose_stamped, stamp_from_ns
from action_images_ros.ros.images import compressed_from_rgb, image_from_rgb

TURN = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
SIZE = (96, 96)
POSES = np.tile(DOWN, (5, 1)) + np.outer(np.arange(5), [0.02, 0, -0.01, 0, 0, 0, 0])
OPENNESS = np.array([1.0, 1, 1, 0, 0])
K = intrinsics_from_fovy(50, *SIZE)


class Pictures:
    """Publishes the action images of a chunk, part by part."""

    def __init__(self, rig, png=False):
        self.rig, self.png = rig, png
        self.heard = [rig.listen(f"chunk/{part}") for part in ("poses", "gripper", "confidence")]
        E = np.stack([camera_pose(EYES[camera]) for camera in CAMERAS])
        drawn = encode(matrix_from_pose7(to_model_tool(POSES, TURN)), OPENNESS, np.stack([K, K]), E, SIZE)
        self.images, self.E = np.array(to_uint8(drawn.images)), E

    def send(self, stamp_ns, without=(), images=None, size=SIZE):
        images = self.images if images is None else images
        for view, camera in enumerate(CAMERAS):
            stack = stack_frames(images[view])
            parts = {
                "action_images": compressed_from_rgb(stack) if self.png else image_from_rgb(stack),
                "camera_info": camera_info_from_intrinsics(K, size, stamp_ns, f"{camera}_optical_frame"),
                "pose": pose_stamped(pose7_from_matrix(self.E[view]), stamp_ns, "base"),
            }
            for part, message in parts.items():
                if (camera, part) not in without:
                    message.header.stamp = stamp_from_ns(stamp_ns)
                    suffix = "/compressed" if self.png and part == "action_images" else ""
                    self.rig.publish(f"chunk/<cam>/{part}{suffix}", message, camera)

    def chunk(self):
        self.rig.spin_until(lambda: all(self.heard), "a decoded chunk")
        return chunk_from_messages(*(messages[0] for messages in self.heard), "base")


def _start(rig, **parameters):
    node = rig.start(
        DecoderNode,
        cameras=list(CAMERAS),
        dt=0.2,
        robot_tool_from_model_tool=[0.0, 0.0, 0.7071067811865476, 0.7071067811865476],
        **parameters,
    )
    assert node.started
    return node


@pytest.mark.parametrize("png", [False, True])
def test_action_images_become_poses_of_the_robots_tool(rig, png):
    _start(rig, chunk_encoding="png" if png else "raw")
    pictures = Pictures(rig, png)
    pictures.send(1_000_000_007)
    chunk = pictures.chunk()
    assert chunk.stamp_ns == 1_000_000_007 and chunk.dt == pytest.approx(0.2) and chunk.valid.all()
    np.testing.assert_allclose(chunk.poses[:, :3], POSES[:, :3], atol=1e-3)
    assert np.abs(np.abs(chunk.poses[:, 3:] @ DOWN[3:]) - 1).max() < 1e-4
    np.testing.assert_array_equal(chunk.openness > 0.5, OPENNESS > 0.5)


@pytest.mark.parametrize("part", ["action_images", "camera_info", "pose"])
def test_an_incomplete_chunk_is_not_decoded(rig, part):
    _start(rig)
    pictures = Pictures(rig)
    pictures.send(1, without=[("right", part)])
    pictures.send(2)
    assert pictures.chunk().stamp_ns == 2
    assert [ns_from_stamp(m.header.stamp) for m in pictures.heard[0]] == [2]


def test_garbage_is_marked_invalid(rig):
    node = _start(rig)
    pictures = Pictures(rig)
    pictures.send(1, images=np.random.default_rng(0).integers(0, 256, pictures.images.shape).astype(np.uint8))
    assert not pictures.chunk().valid.any()
    assert "could not be decoded" in node.problems()["valid"]


def test_pictures_of_another_size_than_said_are_refused_and_named(rig):
    node = _start(rig)
    pictures = Pictures(rig)
    pictures.send(1, size=(70, 96))
    rig.spin_until(lambda: "chunk/left" in node.problems().get("chunk", ""), "a complaint")
    pictures.send(2)
    assert pictures.chunk().stamp_ns == 2
