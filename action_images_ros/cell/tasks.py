"""The table of tasks."""

from action_images_ros.cell.close_drawer import CloseDrawer, CloseDrawerExpert
from action_images_ros.cell.close_laptop import CloseLaptop, CloseLaptopExpert
from action_images_ros.cell.lift_block import BLOCK_HALF, LiftBlock, LiftExpert
from action_images_ros.cell.push_button import PushButton, PushExpert
from action_images_ros.cell.reach_target import ReachExpert, ReachTarget
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
        CloseDrawer(
            name="close_drawer",
            phrasings=(
                "close the {colour} drawer", "close the drawer", "shut the {colour} drawer", "push the drawer in",
                "push the {colour} drawer shut", "shut the drawer", "push the {colour} drawer closed",
                "slide the {colour} drawer back in", "push in the {colour} drawer", "close the open {colour} drawer",
            ),
            region=((0.35, -0.2, 0.0), (0.65, 0.2, 0.0)),
            initial_openness=0.0,
            expert=CloseDrawerExpert(),
        ),
        CloseLaptop(
            name="close_laptop",
            phrasings=(
                "close the laptop", "close the {colour} laptop", "shut the laptop", "shut the {colour} laptop",
                "close the lid of the {colour} laptop", "fold the {colour} laptop shut", "close the laptop lid",
                "push the {colour} laptop's lid down", "close the {colour} computer", "shut the lid of the laptop",
            ),
            region=((0.35, -0.2, 0.0), (0.65, 0.2, 0.0)),
            initial_openness=0.0,
            expert=CloseLaptopExpert(),
        ),
    )
}
"""Name of the task: the task."""


def find_task(name: str) -> Task:
    """The task of that name; ValueError that lists the names otherwise."""
    if name not in TASKS:
        raise ValueError(f"task is {name!r}; give one of {', '.join(TASKS)}")
    return TASKS[name]
