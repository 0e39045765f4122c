"""The table of tasks."""

from .close_drawer import CloseDrawer, CloseDrawerExpert
from .close_laptop import CloseLaptop, CloseLaptopExpert
from .lift_block import BLOCK_HALF, LiftBlock, LiftExpert
from .pick_up_cup import CUP_HALF, PickUpCup, PickUpCupExpert
from .place_in_box import PlaceInBox, PlaceInBoxExpert
from .push_button import PushButton, PushExpert
from .reach_target import ReachExpert, ReachTarget
from .slide_block import BLOCK_HALF as SLID_HALF
from .slide_block import SlideBlock, SlideExpert
from .stack_blocks import BLOCK_HALF as STACKED_HALF
from .stack_blocks import StackBlocks, StackBlocksExpert
from .task import Task

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        ReachTarget(
            name="reach_target",
            phrasings=(
                "reach the {colour} ball",
                "move to the {colour} ball",
                "go to the {colour} target",
                "touch the {colour} ball",
                "move the gripper to the {colour} sphere",
                "reach the {colour} target",
                "bring the hand to the {colour} ball",
                "reach for the {colour} sphere",
            ),
            region=((0.35, -0.2, 0.05), (0.65, 0.2, 0.25)),
            initial_openness=1.0,
            expert=ReachExpert(),
            hold_seconds=0.5,
            unseen_phrasings=(
                "approach the {colour} ball",
                "put the gripper on the {colour} ball",
                "find the {colour} sphere",
                "could you get to the {colour} ball",
                "steer the arm to the {colour} one",
                "tap the {colour} sphere",
            ),
        ),
        PushButton(
            name="push_button",
            phrasings=(
                "push the button",
                "press the {colour} button",
                "push the {colour} button",
                "press the button",
                "push down the {colour} button",
                "press the {colour} button down",
                "hit the {colour} button",
                "push the round {colour} button",
            ),
            region=((0.35, -0.2, 0.0), (0.65, 0.2, 0.0)),
            initial_openness=0.0,
            expert=PushExpert(),
            unseen_phrasings=(
                "click the {colour} button",
                "activate the {colour} switch",
                "use the {colour} button",
                "give the {colour} button a push",
                "please press that {colour} button",
                "poke the {colour} knob",
            ),
        ),
        LiftBlock(
            name="lift_block",
            phrasings=(
                "lift the {colour} block",
                "pick up the {colour} block",
                "raise the {colour} block",
                "grasp the {colour} block and lift it",
                "pick up the {colour} cube",
                "lift up the {colour} cube",
                "take the {colour} block",
                "grab the {colour} cube and raise it",
            ),
            region=((0.38, -0.175, BLOCK_HALF), (0.63, 0.175, BLOCK_HALF)),
            initial_openness=1.0,
            expert=LiftExpert(),
            hold_seconds=0.5,
            unseen_phrasings=(
                "hoist the {colour} block",
                "get the {colour} cube off the table",
                "hold the {colour} block up",
                "seize the {colour} cube and bring it up",
                "fetch the {colour} block",
                "elevate the {colour} cube",
            ),
        ),
        CloseDrawer(
            name="close_drawer",
            phrasings=(
                "close the {colour} drawer",
                "close the drawer",
                "shut the {colour} drawer",
                "push the drawer in",
                "push the {colour} drawer shut",
                "shut the drawer",
                "push the {colour} drawer closed",
                "slide the {colour} drawer back in",
                "push in the {colour} drawer",
                "close the open {colour} drawer",
            ),
            region=((0.35, -0.2, 0.0), (0.65, 0.2, 0.0)),
            initial_openness=0.0,
            expert=CloseDrawerExpert(),
            unseen_phrasings=(
                "make sure the {colour} drawer is closed",
                "the {colour} drawer should be shut",
                "nudge the {colour} drawer home",
                "return the {colour} drawer to its place",
                "press the {colour} drawer all the way in",
            ),
        ),
        CloseLaptop(
            name="close_laptop",
            phrasings=(
                "close the laptop",
                "close the {colour} laptop",
                "shut the laptop",
                "shut the {colour} laptop",
                "close the lid of the {colour} laptop",
                "fold the {colour} laptop shut",
                "close the laptop lid",
                "push the {colour} laptop's lid down",
                "close the {colour} computer",
                "shut the lid of the laptop",
            ),
            region=((0.35, -0.2, 0.0), (0.65, 0.2, 0.0)),
            initial_openness=0.0,
            expert=CloseLaptopExpert(),
            unseen_phrasings=(
                "lower the screen of the {colour} laptop",
                "fold down the {colour} notebook",
                "the {colour} laptop should be shut",
                "bring the {colour} laptop's screen down",
                "make sure the {colour} laptop is closed",
            ),
        ),
        PlaceInBox(
            name="place_in_box",
            phrasings=(
                "put the {colour} block in the box",
                "place the {colour} block in the {other} box",
                "put the {colour} cube into the box",
                "drop the {colour} block into the {other} box",
                "place the {colour} cube inside the box",
                "put the {colour} block into the {other} box",
                "move the {colour} block into the box",
                "pick up the {colour} block and put it in the box",
                "put the {colour} cube in the {other} tray",
                "lay the {colour} block in the {other} box",
            ),
            region=((0.35, -0.2, BLOCK_HALF), (0.65, 0.2, BLOCK_HALF)),
            initial_openness=1.0,
            expert=PlaceInBoxExpert(),
            hold_seconds=0.5,
            unseen_phrasings=(
                "store the {colour} block in the {other} box",
                "bring the {colour} cube to the {other} box",
                "let the {colour} block end up in the {other} box",
                "leave the {colour} cube in the {other} container",
                "the {colour} block belongs in the {other} box",
            ),
        ),
        PickUpCup(
            name="pick_up_cup",
            phrasings=(
                "pick up the {colour} cup",
                "lift the {colour} cup",
                "grasp the {colour} cup and lift it",
                "pick up the {colour} mug",
                "take the {colour} cup",
                "raise the {colour} mug",
                "grab the {colour} mug and raise it",
                "lift up the {colour} cup",
                "lift the {colour} mug off the table",
            ),
            region=((0.38, -0.175, CUP_HALF), (0.62, 0.175, CUP_HALF)),
            initial_openness=1.0,
            expert=PickUpCupExpert(),
            hold_seconds=0.5,
            unseen_phrasings=(
                "hold the {colour} cup up",
                "get the {colour} mug off the table",
                "fetch the {colour} cup",
                "hoist the {colour} mug",
                "seize the {colour} cup and bring it up",
            ),
        ),
        StackBlocks(
            name="stack_blocks",
            phrasings=(
                "stack the {colour} block on the {other} block",
                "put the {colour} block on the {other} block",
                "place the {colour} block on top of the {other} block",
                "put the {colour} cube on the {other} cube",
                "stack the {colour} cube on top of the {other} cube",
                "set the {colour} block on the {other} block",
                "pick up the {colour} block and put it on the {other} one",
                "lay the {colour} cube on the {other} cube",
                "build a stack with the {colour} block on the {other} block",
            ),
            region=((0.38, -0.175, STACKED_HALF), (0.62, 0.175, STACKED_HALF)),
            initial_openness=1.0,
            expert=StackBlocksExpert(),
            hold_seconds=1.0,
            unseen_phrasings=(
                "make a tower, the {colour} block above the {other} one",
                "pile the {colour} cube onto the {other} one",
                "the {colour} block goes on top of the {other} block",
                "rest the {colour} cube on the {other} cube",
                "leave the {colour} block standing on the {other} block",
            ),
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
                "slide the block to the {colour} area",
                "push the block onto the {colour} area",
                "push the {other} block to the {colour} area",
                "slide the {other} block onto the {colour} disc",
                "move the block to the {colour} disc",
                "shove the block onto the {colour} disc",
                "push the block to the {colour} spot",
                "slide the {other} block to the {colour} spot",
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
