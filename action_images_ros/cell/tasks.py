"""The table of tasks."""

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
            unseen_phrasings=(
                "approach the {colour} ball", "put the gripper on the {colour} ball", "find the {colour} sphere",
                "could you get to the {colour} ball", "steer the arm to the {colour} one", "tap the {colour} sphere",
            ),
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
            unseen_phrasings=(
                "click the {colour} button", "activate the {colour} switch", "use the {colour} button",
                "give the {colour} button a push", "please press that {colour} button", "poke the {colour} knob",
            ),
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
            unseen_phrasings=(
                "hoist the {colour} block", "get the {colour} cube off the table", "hold the {colour} block up",
                "seize the {colour} cube and bring it up", "fetch the {colour} block", "elevate the {colour} cube",
            ),
        ),
    )
}
"""Name of the task: the task."""


def find_task(name: str) -> Task:
    """The task of that name; ValueError that lists the names otherwise."""
    if name not in TASKS:
        raise ValueError(f"task is {name!r}; give one of {', '.join(TASKS)}")
    return TASKS[name]
