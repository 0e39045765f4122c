from action_images_ros.training.model_readme import model_readme
from action_images_ros.world_model.nano.checkpoints import ModelCard


def test_it_tells_what_a_stranger_needs():
    text = model_readme(
        ModelCard(
            name="mine",
            image_size=(96, 128),
            frames=9,
            dt=0.2,
            tasks=("slide_block", "push_button"),
            data={
                "episodes": 45,
                "frames": 900,
                "held_out": 5,
                "sources": [{"folder": "demos", "episodes": 45, "tasks": ["slide_block"], "share": 0.7}],
            },
            recipe={"trained_steps": 800, "samples": 12800, "init": "nano", "device": "cpu", "views": {2: 1.0}},
            figures={"step": 800, "validation": {"policy/far_mm": 21.234, "label/openness": 0.99}},
        )
    )
    for words in (
        "# mine",
        "96 x 128 px",
        "9 frames, 0.2 s apart: 1.6 s ahead",
        "slide_block, push_button",
        "demos: 45 episodes (slide_block), 70 % of the training",
        "samples: 12800",
        "started from: nano",
        "policy, far: 21.2 mm",
        "label, openness: 0.99",
    ):
        assert words in text, words


def test_what_is_not_known_is_said_to_be_unknown():
    text = model_readme(ModelCard(name="bare", image_size=(96, 96), frames=9, dt=0.2))
    assert text.count("ot stated") >= 3 and "None yet" in text
