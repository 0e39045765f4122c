"""The table of tasks."""

from action_images_ros.cell.lift_block import BLOCK_HALF, LiftBlock, LiftExpert
from action_images_ros.cell.push_button import PushButton, PushExpert
from action_images_ros.cell.reach_target import ReachExpert, ReachTarget
from action_images_ros.cell.slide_block import BLOCK_HALF as SLID_HALF
from action_images_ros.cell.slide_block import SlideBlock, SlideExpert
from action_images_ros.cell.task import Task

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        ReachTarget(
            name="reach_target",
            phrasings=(
                "reach the {colour} ball", "move to the {colour} ball", "go to the {colour} target",
                "touch the {colour} ball", "move the gripper to the {colour} sphere", "reach the {colour} target",
                "bring the hand to the {colour} ball", "reach for the {colour} sphere",
            ),
            region=((0.35, -0.2, 0.05), (0.65, 0.2, 0.25)),
            initial_openness=1.0,
            expert=ReachExpert(),
            hold_seconds=0.5,
        ),
        PushButton(
            name="push_button",
            phrasings=(
                "push the button", "press the {colour} button", "push the {colour} button", "press the button",
                "push down the {colour} button", "press the {colour} button down", "hit the {colour} button",
                "push the round {colour} button",
            ),
            region=((0.35, -0.2, 0.0), (0.65, 0.2, 0.0)),
            initial_openness=0.0,
            expert=PushExpert(),
        ),
        LiftBlock(
            name="lift_block",
            phrasings=(
                "lift the {colour} block", "pick up the {colour} block", "raise the {colour} block",
                "grasp the {colour} block and lift it", "pick up the {colour} cube", "lift up the {colour} cube",
                "take the {colour} block", "grab the {colour} cube and raise it",
            ),
            region=((0.38, -0.175, BLOCK_HALF), (0.63, 0.175, BLOCK_HALF)),
            initial_openness=1.0,
            expert=LiftExpert(),
            hold_seconds=0.5,
        ),
    )
}
"""Name of the task: the task."""


UNSHIPPED: dict[str, Task] = {
    task.name: task
    for task in (
        SlideBlock(
            name="slide_block",
            phrasings=(
                "slide the block to the {colour} area", "push the block onto the {colour} area",
                "push the {other} block to the {colour} area", "slide the {other} block onto the {colour} disc",
                "move the block to the {colour} disc", "shove the block onto the {colour} disc",
                "push the block to the {colour} spot", "slide the {other} block to the {colour} spot",
            ),
            region=((0.4, -0.12, SLID_HALF), (0.5, 0.12, SLID_HALF)),
            initial_openness=0.0,
            expert=SlideExpert(),
            hold_seconds=0.5,
        ),
    )
}
"""Tasks that no shipped model was trained on and that "all" does not mean; for fine-tuning."""


def find_task(name: str) -> Task:
    """The task of that name, shipped or not; ValueError that lists the names otherwise."""
    task = TASKS.get(name) or UNSHIPPED.get(name)
    if task is None:
        raise ValueError(f"task is {name!r}; give one of {', '.join(TASKS)} or, to fine-tune, {', '.join(UNSHIPPED)}")
    return task
