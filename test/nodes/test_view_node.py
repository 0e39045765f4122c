"""The viewer plays a chunk's frames in order as ordinary pictures."""

import numpy as np
from ros_rig import now_ns, picture

from action_images_ros.control.states import StateReport
from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.nodes.view_node import ViewNode
from action_images_ros.ros.chunk_messages import stack_frames
from action_images_ros.ros.conversions import camera_info_from_intrinsics, stamp_from_ns
from action_images_ros.ros.images import image_from_rgb, rgb_from_image
from action_images_ros.ros.state_messages import state_message

SIZE = (16, 16)


def _send(rig, stamp_ns, values, video=None, size=SIZE):
    def stack(numbers):
        message = image_from_rgb(stack_frames(np.stack([np.full((*SIZE, 3), n, np.uint8) for n in numbers])))
        message.header.stamp = stamp_from_ns(stamp_ns)
        return message

    if video is not None:
        rig.publish("chunk/<cam>/predicted_video", stack(video), "left")
    rig.publish("chunk/<cam>/action_images", stack(values), "left")
    rig.publish(
        "chunk/<cam>/camera_info",
        camera_info_from_intrinsics(intrinsics_from_fovy(50, *size), size, stamp_ns, "left_optical_frame"),
        "left",
    )


def _shown(messages):
    return [int(rgb_from_image(message).mean()) for message in messages]


def test_predicted_video_and_action_images_are_played_in_order(rig):
    assert rig.start(ViewNode, cameras=["left"], rate=50.0, loop=False).started
    actions, video = rig.listen("view/<cam>/action_images", "left"), rig.listen("view/<cam>/predicted_video", "left")
    _send(rig, 5, [1, 2, 3], [11, 12, 13])
    rig.spin_until(lambda: 3 in _shown(actions) and 13 in _shown(video), "the last frames")
    for shown, expected in ((_shown(actions), [1, 2, 3]), (_shown(video), [11, 12, 13])):
        assert shown == [value for value in expected if value in shown]  # best effort: one may be lost, none swapped
    assert actions[0].header.frame_id == "left_optical_frame"


def test_a_new_chunk_takes_over_when_the_last_one_is_over(rig):
    assert rig.start(ViewNode, cameras=["left"], rate=50.0, loop=True).started
    actions = rig.listen("view/<cam>/action_images", "left")
    _send(rig, 5, [1, 2])
    rig.spin_until(lambda: 2 in _shown(actions), "the first chunk")
    _send(rig, 6, [8, 9])
    rig.spin_until(lambda: 9 in _shown(actions), "the second chunk")
    shown = _shown(actions)
    assert set(shown[: shown.index(9)]) <= {1, 2, 8} and not {1, 2} & set(shown[shown.index(9) :])


def test_the_overlay_is_drawn_over_the_cameras_picture(rig):
    assert rig.start(ViewNode, cameras=["left"], rate=50.0).started
    overlays = rig.listen("view/<cam>/overlay", "left")
    rig.publish("<cam>/image_raw", picture(now_ns(rig), "left"), "left")
    _send(rig, 5, [0, 0])
    rig.spin_until(lambda: overlays, "an overlay")
    assert (overlays[0].height, overlays[0].width) == (48, 48) and _shown(overlays)[0] == 90


def test_a_chunk_that_cannot_be_shown_is_named_and_the_next_one_shown(rig):
    node = rig.start(ViewNode, cameras=["left"], rate=50.0)
    actions = rig.listen("view/<cam>/action_images", "left")
    _send(rig, 5, [1, 2], size=(16, 17))
    rig.spin_until(lambda: "chunk/left cannot be shown" in node.problems().get("left", ""), "a complaint")
    _send(rig, 6, [7, 7])
    rig.spin_until(lambda: actions, "the next chunk")
    assert set(_shown(actions)) == {7}


def test_the_chunk_that_waits_for_approval_is_played_until_it_is_answered(rig):
    assert rig.start(ViewNode, cameras=["left"], rate=50.0, loop=False).started
    actions = rig.listen("view/<cam>/action_images", "left")
    rig.publish("arm_command/state", state_message(StateReport("proposed", "", 6), "arm_command"))
    _send(rig, 6, [8, 9])
    rig.spin_until(lambda: 9 in _shown(actions), "the chunk that waits")
    _send(rig, 7, [20, 21])
    rig.spin_until(lambda: _shown(actions).count(9) > 4, "the chunk that waits, over and over")
    assert not {20, 21} & set(_shown(actions))
    rig.publish("arm_command/state", state_message(StateReport("executing", "", 6), "arm_command"))
    rig.spin_until(lambda: 21 in _shown(actions), "the newest chunk")
