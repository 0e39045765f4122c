from action_images_ros.benchmarks.picture_health import false_alarms, film, picture_cost_ms, watch


def test_nominal_episodes_are_counted_and_not_doubted():
    result = false_alarms(2, 5)
    assert result["episodes"] == 2 and result["frames"] > 30 and result["doubted"] == 0


def test_a_doubted_frame_is_named():
    images, *rest = film("reach_target", 3, (72, 96))
    images[1, 12] = 0
    assert watch(images, *rest) == ["camera_1 frame 12: dark"]


def test_the_cost_of_a_picture_is_measured():
    assert picture_cost_ms((96, 128), 5) > 0
