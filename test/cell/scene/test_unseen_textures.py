import colorsys

import numpy as np

from action_images_ros.cell.scene.palette import PALETTE
from action_images_ros.cell.scene.randomise import paint_room
from action_images_ros.cell.scene.scene import SURFACES, compile_scene, surface_texture
from action_images_ros.cell.scene.unseen_textures import UNSEEN_SURFACES, unseen_texture
from action_images_ros.gl import mujoco


def test_unseen_textures_are_fixed_and_unlike_each_other_and_the_training_bank():
    bank = [unseen_texture(index) for index in range(UNSEEN_SURFACES)]
    for index, texture in enumerate(bank):
        assert texture.shape == (128, 128, 3) and texture.dtype == np.uint8
        np.testing.assert_array_equal(texture, unseen_texture(index))
        assert all(not np.array_equal(texture, other) for other in bank[:index])
    strongest = max(surface_texture(index).std() for index in range(SURFACES))
    assert min(texture.std() for texture in bank) > strongest, "more contrast than any surface of training"


def test_no_surface_is_as_saturated_as_a_named_colour():
    least = min(saturation - 0.08 for _, saturation, _ in PALETTE.values())
    for index in range(UNSEEN_SURFACES):
        colours = np.unique(unseen_texture(index).reshape(-1, 3), axis=0) / 255
        assert max(colorsys.rgb_to_hsv(*colour)[1] for colour in colours[:: 1 + len(colours) // 500]) < least


def test_training_never_draws_an_unseen_texture():
    model, rng = compile_scene(lambda spec: None), np.random.default_rng(0)
    unseen = {model.material(f"unseen_{index}").id for index in range(UNSEEN_SURFACES)}
    assert len(unseen) == UNSEEN_SURFACES and model.ntex >= SURFACES + UNSEEN_SURFACES
    for _ in range(200):
        paint_room(model, rng)
        assert not unseen & set(model.geom_matid.tolist())
    assert mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_MATERIAL, min(unseen)).startswith("unseen")
