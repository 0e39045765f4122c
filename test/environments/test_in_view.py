import numpy as np
import pytest
from point_mass import PointMass

from action_images_ros.environments.demonstrate import demonstrate
from action_images_ros.environments.in_view import ViewCheck, check_views, require_in_view
from action_images_ros.environments.metaworld import DT_S, MetaWorldEnvironment, View


def episode(fovy_deg=60.0, **options):
    view = View("corner2", (0.75, 0.075, 0.7), fovy_deg=fovy_deg)
    return demonstrate(MetaWorldEnvironment("push-v3", child=PointMass(**options), views=(view,)), 5, dt=DT_S)


def test_views_that_hold_every_point_pass():
    checks = check_views([episode()])
    assert [(c.task, c.camera, c.share) for c in checks] == [("push-v3", "corner2", 1.0)]
    assert checks[0].fovy_deg == pytest.approx(60) and 5 < checks[0].sufficient_fovy_deg < 60
    require_in_view(checks)


def test_the_field_of_view_that_is_said_to_do_does_and_a_smaller_one_does_not():
    needed = check_views([episode()])[0].sufficient_fovy_deg
    assert check_views([episode(needed + 0.5)])[0].share >= 0.99
    narrow = check_views([episode(needed - 2)])
    assert narrow[0].share < 0.99
    with pytest.raises(ValueError, match=f"corner2.*push-v3.*field of view of {np.ceil(needed):.0f}"):
        require_in_view(narrow)


def test_points_behind_a_camera_cannot_be_mended_by_its_field_of_view():
    with pytest.raises(ValueError, match="behind"):
        require_in_view([ViewCheck("push-v3", "corner", 10, 5, 60.0, float("nan"))])
    moved = episode(out_of_view=True)
    assert check_views([moved])[0].share < 0.99
