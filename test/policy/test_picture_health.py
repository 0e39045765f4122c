"""Every kind of wrong picture is doubted within a few frames, rendered nominal sequences never."""

import numpy as np
import pytest

from action_images_ros.cell.cell import Cell
from action_images_ros.geometry.camera import project
from action_images_ros.policy.picture_health import PictureHealth, ToolSight
from action_images_ros.policy.sensor_health import PATIENCE_S, SensorHealth, combined
from action_images_ros.policy.thumbnails import thumbnail

FRAMES, BAD_FROM, LATE = 22, 8, 6


class Film:
    """What two cameras of the cell saw of a moving arm, ten times a second."""

    def __init__(self):
        with Cell("lift_block", 7, image_size=(144, 192), cameras=2) as cell:
            expert = cell.expert()
            images, self.tools = [], []
            for number in range(FRAMES):
                if number == FRAMES - 1:
                    cell.condition = _bumped(cell.condition)
                    cell.bump_camera(0)
                images.append(cell.render())
                self.tools.append(cell.tcp_pose[:3])
                for _ in range(5):
                    cell.step(*expert.target(cell), cell.control_period)
            self.images = np.stack(images, axis=1)
            self.bumped, self.images = self.images[0, -1], self.images[:, :-1]
            self.K, self.E = cell.K, cell.calibration

    def sight(self, view, frame):
        return ToolSight(self.tools[frame], project(self.tools[frame], self.K[view], self.E[view])[0])


def _bumped(condition):
    from dataclasses import replace

    return replace(condition, bump_metres=0.03, bump_radians=float(np.deg2rad(2)))


@pytest.fixture(scope="module")
def film():
    return Film()


def _noise(film, frame):
    return np.random.default_rng(frame).integers(0, 256, film.images[0, 0].shape, dtype=np.uint8)


def _torn(film, frame):
    image = film.images[0, frame].copy()
    image[:60] = np.roll(image[:60], 50, axis=1)
    return image


def _noisy(image, frame):
    return np.clip(image + np.random.default_rng(frame).normal(0, 3, image.shape), 0, 255).astype(np.uint8)


FAULTS = {
    "frozen": (lambda film, frame: film.images[0, BAD_FROM - 1], {"frozen", "late"}),
    "frozen under fresh noise": (lambda film, frame: _noisy(film.images[0, BAD_FROM - 1], frame), {"late"}),
    "old under a new stamp": (lambda film, frame: film.images[0, frame - LATE], {"frozen", "late"}),
    "black": (lambda film, frame: np.zeros_like(film.images[0, 0]), {"dark"}),
    "lens cap": (lambda film, frame: np.full_like(film.images[0, 0], 9), {"dark"}),
    "one grey": (lambda film, frame: np.full_like(film.images[0, 0], 128), {"flat"}),
    "noise": (_noise, {"noise"}),
    "torn": (_torn, {"torn", "moved", "late"}),
    "colours exchanged": (lambda film, frame: film.images[0, frame][..., ::-1], {"colours"}),
    "no colours": (lambda film, frame: np.repeat(film.images[0, frame][..., 1:2], 3, axis=-1), {"colours"}),
    "another camera's": (lambda film, frame: film.images[1, frame], {"exchanged"}),
    "bumped by 3 cm and 2 deg": (lambda film, frame: film.bumped, {"moved"}),
}


def _kinds(film, change=None):
    """Kinds told from BAD_FROM on, frame by frame."""
    health = {view: PictureHealth(f"camera_{view}") for view in (0, 1)}
    kinds = []
    for frame in range(film.images.shape[1]):
        for view in (0, 1):
            image = film.images[view, frame]
            if change is not None and view == 0 and frame >= BAD_FROM:
                image = change(film, frame)
            others = {"other": health[1 - view]}
            health[view].add(thumbnail(np.ascontiguousarray(image)), film.sight(view, frame), others)
        if frame < BAD_FROM:
            assert not health[0].kind and not health[1].kind, frame
        else:
            kinds.append(health[0].kind)
        assert not health[1].kind
    return kinds


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_picture_is_doubted_within_half_a_second(film, fault):
    change, expected = FAULTS[fault]
    kinds = _kinds(film, change)
    assert set(kinds[:5]) & expected, kinds
    assert set(kinds) - {""} <= expected, kinds


def test_good_pictures_are_not_doubted(film):
    assert set(_kinds(film)) == {""}


def test_light_and_sensor_noise_are_not_doubted(film):
    def dimmed(film, frame):
        return _noisy(0.7 * film.images[0, frame], frame)

    assert set(_kinds(film, dimmed)) == {""}


def test_what_was_seen_before_a_camera_or_the_arm_was_set_elsewhere_says_nothing_about_the_gripper(film):
    """An equal picture of a resting arm, which lies elsewhere in it only because the camera's place is told anew."""
    health, K, tool = PictureHealth("camera_0"), film.K[0], film.tools[0]
    told = np.array(film.E[0])
    told[:3, 3] += 0.3 * told[:3, 0]
    places = [told] * 8 + [np.array(film.E[0])] * 4
    for frame, place in enumerate(places):
        sight = ToolSight(tool, project(tool, K, place)[0], place=int(frame >= 8))
        assert not health.add(thumbnail(film.images[0, 0]), sight)
    assert health.add(thumbnail(film.images[0, 0]), ToolSight(tool, project(tool, K, told)[0], place=1))  # not told


def test_a_camera_is_believed_again_when_its_picture_is_back(film):
    health = PictureHealth("camera_0")
    for frame in range(10):
        health.add(thumbnail(film.images[0, frame]))
    assert health.add(thumbnail(film.bumped)) and health.kind == "moved"
    assert not health.add(thumbnail(film.images[0, 10]))


def test_a_frozen_camera_that_is_never_without_noise_is_seen_while_the_arm_rests(film):
    health = PictureHealth("camera_0")
    for frame in range(30):
        health.add(thumbnail(_noisy(film.images[0, 0], frame)), film.sight(0, 0))
    frozen = thumbnail(_noisy(film.images[0, 0], 30))
    assert "frozen" in [(health.add(frozen, film.sight(0, 0)), health.kind)[1] for _ in range(8)]


def test_a_noiseless_camera_whose_arm_creeps_and_then_rests_is_not_frozen():
    """Equal pictures of a renderer; the slow arm changed little of them."""
    health = PictureHealth("camera_0")
    still = np.random.default_rng(0).integers(60, 200, (9, 12, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    for frame in range(60):
        image = still.copy()
        image[30:40, 40 + min(frame, 30) : 50 + min(frame, 30)] = 250
        assert not health.add(thumbnail(image), ToolSight(np.array([1e-4 * min(frame, 30), 0.0, 0.0]))), frame


# Time, places and fingers.


def _sensors(**changes):
    return SensorHealth(("left", "right"), **changes)


def _place(x=1.0, focal=100.0):
    K = np.array([[focal, 0.0, 50.0], [0.0, focal, 40.0], [0.0, 0.0, 1.0]])
    E = np.eye(4)
    E[0, 3] = x
    return K, E


def test_a_sensor_that_falls_silent_is_doubted_then_a_fault():
    sensors = _sensors()
    for step in range(10):
        sensors.heard("left", 0.1 * step)
        sensors.heard("joint_states", 0.1 * step, "joint_states lacks the finger joints")
    assert not sensors.doubts(1.0)
    doubts = sensors.doubts(1.3)
    assert set(doubts) == {"left", "joint_states"} and not combined(doubts)[0]
    assert combined(sensors.doubts(1.31 + PATIENCE_S))[0]
    sensors.heard("left", 2.4)
    assert set(sensors.doubts(2.4)) == {"joint_states"}


def test_a_listener_that_was_held_up_does_not_take_its_own_silence_for_a_sensors():
    health = _sensors()
    for number in range(10):
        health.heard("left", 0.1 * number)
    assert not health.doubts(3.0, 1.0) and health.doubts(3.0, 3.0)["left"].kind == "silent"


def test_a_slow_sensor_may_be_slow():
    sensors = _sensors()
    for step in range(10):
        sensors.heard("left", 0.5 * step)
    assert not sensors.doubts(5.5)


@pytest.mark.parametrize("changed", [_place(focal=130.0), _place(x=1.05)], ids=["focal length", "pose"])
def test_a_camera_whose_place_or_intrinsics_change_is_a_fault_for_a_moment(changed):
    sensors = _sensors()
    assert not sensors.place("left", *_place(), None, 1.0)
    assert not sensors.place("left", *_place(), None, 1.1)
    assert not sensors.place("left", *changed, None, 1.2)  # seen once
    assert "left" in sensors.place("left", *changed, None, 1.25)
    assert sensors.doubts(1.3)["left"].fault
    assert not sensors.place("left", *changed, None, 1.3)
    assert not sensors.doubts(2.0)


def test_a_camera_that_the_arm_carries_moves_with_it():
    sensors = _sensors()
    K, E = _place()
    for step in range(5):
        tool = np.eye(4)
        tool[1, 3] = 0.05 * step
        assert not sensors.place("left", K, tool @ E, tool, 0.1 * step)
    assert not sensors.cameras["left"].fixed
