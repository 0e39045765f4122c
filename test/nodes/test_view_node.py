"""The viewer plays a chunk's frames in order as ordinary pictures."""

import numpy as np
import pytest
from rcl_interfaces.msg import ParameterValue
from rcl_interfaces.srv import GetParameters
from ros_rig import DOWN, extrinsic, now_ns, picture
from std_srvs.srv import Trigger
from visualization_msgs.msg import InteractiveMarkerFeedback
from visualization_msgs.srv import GetInteractiveMarkers

from action_images_ros.control.chunk import Chunk
from action_images_ros.control.states import StateReport
from action_images_ros.display.colours import MEASURED, certainty_colour, state_colour
from action_images_ros.display.strip import HEIGHT, TILE, WIDTH, tile_origin
from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.nodes.view_node import ViewNode
from action_images_ros.ros.chunk_messages import confidence_message, gripper_message, poses_message, stack_frames
from action_images_ros.ros.conversions import camera_info_from_intrinsics, pose_stamped, stamp_from_ns
from action_images_ros.ros.images import image_from_rgb, rgb_from_image
from action_images_ros.ros.playback import Playback
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
    rig.publish("arm_command/state", state_message(StateReport("executing", "", 7), "arm_command"))
    rig.spin_until(lambda: 21 in _shown(actions), "the next chunk")


def test_while_the_arm_moves_the_chunk_that_moves_it_is_played_not_a_newer_one():
    playback = Playback(loop=True)
    for stamp in (5, 6):
        for part, value in (("size", SIZE), ("action_images", image_from_rgb(np.full((32, 16, 3), stamp, np.uint8)))):
            playback.add(part, stamp, value)
    playback.run(5)
    assert [int(playback.advance()["action_images"].mean()) for _ in range(4)] == [5, 5, 5, 5]
    assert playback.playing == 5
    playback.run(None)
    assert [int(playback.advance()["action_images"].mean()) for _ in range(2)] == [6, 6]


def _plan(rig, stamp_ns):
    poses = np.zeros((2, 7))
    poses[:, :3], poses[:, 6] = [[0.5, 0.0, 0.2], [0.5, 0.1, 0.2]], 1.0
    chunk = Chunk(stamp_ns, 0.2, poses, np.ones(2), np.eye(6)[None] * 1e-6 * np.ones((2, 1, 1)), np.ones(2, bool))
    rig.publish("chunk/poses", poses_message(chunk, "base"))
    rig.publish("chunk/gripper", gripper_message(chunk, "base"))
    rig.publish("chunk/confidence", confidence_message(chunk, "base"))
    rig.publish("chunk/<cam>/pose", extrinsic(stamp_ns, "left"), "left")


def test_the_strip_shows_observation_prediction_plan_and_measured_path(rig):
    node = rig.start(ViewNode, cameras=["left"], rate=50.0)
    strips = rig.listen("view/<cam>", "left")
    rig.spin_until(lambda: strips, "a strip before anything is known")
    rig.publish("arm_command/state", state_message(StateReport("faulted", "pushed", None), "arm_command"))
    rig.spin_until(lambda: tuple(rgb_from_image(strips[-1])[8, 6]) == state_colour("faulted"), "the arm's state")
    stamp_ns = now_ns(rig)
    rig.publish("<cam>/image_raw", picture(stamp_ns, "left"), "left")
    rig.publish("current_pose", pose_stamped(DOWN, stamp_ns, "base"))
    _plan(rig, stamp_ns)
    _send(rig, stamp_ns, [150, 150], video=[210, 210])
    x, y = tile_origin(0)

    def tiles():
        strip = rgb_from_image(strips[-1])
        assert strip.shape == (HEIGHT, WIDTH, 3)
        return [int(np.median(strip[y : y + TILE, i * TILE : (i + 1) * TILE - 1])) for i in range(3)]

    rig.spin_until(lambda: tiles() == [90, 210, 150], "the tiles of observation, video and action images")

    def plan_tile():
        return rgb_from_image(strips[-1])[y : y + TILE, 3 * TILE : 4 * TILE - 1].reshape(-1, 3).astype(int)

    for colour in (certainty_colour(0.001), MEASURED):
        rig.spin_until(
            lambda c=colour: (np.abs(plan_tile() - c).sum(axis=1) < 40).any(), f"{colour} over the camera's picture"
        )
    assert node.problems() == {}


@pytest.fixture
def arm(rig):
    """Services of arm_command and what was called."""
    called = []

    def answer(name):
        def serve(request, response):
            called.append(name)
            response.success = True
            return response

        return serve

    for name in ("stop", "reject"):
        rig.probe.create_service(Trigger, f"arm_command/{name}", answer(name))
    return called


def _press(rig, name, event=InteractiveMarkerFeedback.BUTTON_CLICK):
    rig.publish("view/controls/feedback", InteractiveMarkerFeedback(marker_name=name, event_type=event))


def test_approve_reject_and_stop_are_buttons_and_approval_names_the_chunk_shown(rig, arm):
    rig.start(ViewNode, cameras=["left"], rate=50.0)
    updates, approved = rig.listen("view/controls/update"), rig.listen("arm_command/approve_id")
    service = (GetInteractiveMarkers, "view/controls/get_interactive_markers", GetInteractiveMarkers.Request())
    shown = rig.spin_until(lambda: rig.call(*service).markers, "buttons")
    _press(rig, "stop", InteractiveMarkerFeedback.MOUSE_DOWN)  # only a click counts
    _press(rig, "approve")  # nothing waits
    _press(rig, "reject")
    _press(rig, "stop")
    rig.spin_until(lambda: arm == ["stop"], "stop")
    stamp_ns = now_ns(rig)
    _plan(rig, stamp_ns)
    _send(rig, stamp_ns, [1, 2])
    rig.publish("arm_command/state", state_message(StateReport("proposed", "", stamp_ns), "arm_command"))
    rig.spin_until(
        lambda: updates and "#" in updates[-1].markers[0].controls[0].markers[1].text, "the chunk's name on the button"
    )
    _press(rig, "approve")
    rig.spin_until(lambda: approved, "the approval")
    assert approved[0].data == stamp_ns
    _press(rig, "reject")
    rig.spin_until(lambda: arm == ["stop", "reject"], "the rejection")
    assert [marker.name for marker in updates[-1].markers] == ["approve", "reject", "stop"]
    assert all(marker.header.frame_id == "base" for marker in [*shown, *updates[-1].markers])


def test_the_markers_show_the_plan_and_the_workspace_of_arm_command(rig):
    def values(request, response):
        known = {"workspace_min": [0.3, -0.3, 0.0], "workspace_max": [0.7, 0.3, 0.5], "keep_out_boxes": [0.0] * 6}
        response.values = [ParameterValue(type=8, double_array_value=known[name]) for name in request.names]
        return response

    rig.probe.create_service(GetParameters, "arm_command/get_parameters", values)
    markers = rig.listen("view/markers")
    rig.start(ViewNode, cameras=["left"], rate=50.0)
    stamp_ns = now_ns(rig)
    _plan(rig, stamp_ns)
    _send(rig, stamp_ns, [1, 2])
    expected = {"plan", "triads", "gripper", "certainty", "workspace", "keep-out", "cameras"}
    rig.spin_until(lambda: markers and expected <= {marker.ns for marker in markers[-1].markers}, "all of the scene")
