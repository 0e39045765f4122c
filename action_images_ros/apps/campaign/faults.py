"""The registry of faults: what is done to the live graph, when, and what must become of the arm.

A fault is one row. `messages` spoils messages of the cell on their way to the graph, `act` does anything else with a
`Bench` (processes, foreign chunks, services). Rows are added with `fault`.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .spoils import (
    antipode,
    clock,
    delayed,
    drift,
    each,
    frame,
    frozen,
    longer,
    moved,
    noise,
    once,
    pixels,
    random,
    silence,
    stamped,
    torn,
    turned,
    without_fingers,
)

if TYPE_CHECKING:
    from .bench import Bench
    from .tap import Spoil

__all__ = ["FAULTS", "Fault", "faults_named"]

HELD, REFUSED, GOES_ON = "held", "refused", "goes on"


@dataclass(frozen=True)
class Fault:
    """expect: "held" (the arm comes to rest and is not executing), "refused" (named, and the arm obeys its limits) or
    "goes on" (nothing has to stop). when: "motion" or "enable" (from before the arm is enabled on). seconds: the arm
    must be held after this long at the latest. words: a regular expression for what the user must be told."""

    name: str
    group: str
    expect: str = HELD
    when: str = "motion"
    messages: Mapping[str, Callable[[], Spoil]] = field(default_factory=dict)
    act: Callable[[Bench], None] | None = None
    undo: Callable[[Bench], None] | None = None
    seconds: float = 4.0
    words: str = ""


FAULTS: list[Fault] = []


def fault(name: str, group: str, **rest: Any) -> None:
    """Add a row."""
    FAULTS.append(Fault(name, group, **rest))


def faults_named(names: str) -> list[Fault]:
    """The rows of these names or groups, separated by commas; "all": every row. ValueError for one that is none."""
    if names == "all":
        return list(FAULTS)
    asked = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in asked if not any(name in (row.name, row.group) for row in FAULTS)]
    if unknown or not asked:
        known = sorted({row.group for row in FAULTS})
        raise ValueError(f"faults has {unknown or names!r}; give all, groups ({', '.join(known)}) or names of faults")
    return [row for row in FAULTS if row.name in asked or row.group in asked]


POSE = "the measured pose"
_POSE_WORDS = "current_pose|from its command"
for _name, _spoil, _expect in (
    ("offset of 15 cm", moved(y=0.15), HELD),
    ("one sample 0.3 m low", once(moved(z=-0.3)), HELD),
    ("in millimetres", moved(scale=1000.0), HELD),
    ("frozen with new stamps", frozen, HELD),
    ("NaN", moved(x=float("nan")), HELD),
    ("zero quaternion", turned(0.0, 0.0, 0.0, 0.0), HELD),
    ("half a turn off", turned(0.0, 1.0, 0.0, 0.0), HELD),
    ("in another frame", frame("flange"), HELD),
    ("silent", silence, HELD),
    ("1 s old", stamped(-1.0), HELD),
    ("1 s ahead", stamped(1.0), HELD),
    ("drifting by 2 mm per sample", drift(0.002), HELD),
    ("noise of 5 cm", noise(0.05), HELD),
    ("noise of 0.5 mm", noise(0.0005), GOES_ON),
    ("antipodal quaternion", each(antipode), GOES_ON),
    ("every message twice", each(lambda message: [message, message]), GOES_ON),
):
    fault(
        f"pose: {_name}",
        POSE,
        messages={"current_pose": _spoil},
        expect=_expect,
        words=_POSE_WORDS if _expect == HELD else "",
    )
fault(
    "enabled with the flange for the TCP",
    POSE,
    messages={"current_pose": moved(z=0.1034)},
    when="enable",
    words="current_pose",
)
fault(
    "enabled with a drifting pose",
    POSE,
    messages={"current_pose": drift(0.001)},
    when="enable",
    words="current_pose|still",
)
fault(
    "enabled with a pose in millimetres",
    POSE,
    messages={"current_pose": moved(scale=1000.0)},
    when="enable",
    words="current_pose|workspace",
)
fault(
    "enabled outside the workspace",
    POSE,
    messages={"current_pose": moved(y=2.0)},
    when="enable",
    words="workspace|current_pose",
)

CAMERAS = "cameras and gripper"


for _name, _spoil in (
    ("frozen with new stamps", frozen),
    ("black", pixels(np.zeros_like)),
    ("noise", pixels(random)),
    ("torn", pixels(torn)),
    ("colours exchanged", pixels(lambda picture: picture[..., ::-1])),
    ("1 s old but stamped new", delayed(10)),
    ("mirrored", pixels(lambda picture: picture[:, ::-1])),
    ("silent", silence),
):
    fault(f"camera_0: {_name}", CAMERAS, messages={"camera_0/image_raw": _spoil})
fault(
    "both cameras silent",
    CAMERAS,
    messages={"camera_0/image_raw": silence, "camera_1/image_raw": silence},
    seconds=6.0,
)
fault("cameras exchanged", CAMERAS, act=lambda b: b.exchange("camera_0/image_raw", "camera_1/image_raw"))
fault("camera_0: focal length + 30 %", CAMERAS, messages={"camera_0/camera_info": each(longer)})
fault("camera_0: moved by 5 cm", CAMERAS, act=lambda b: b.again("camera_0/pose", moved(x=0.05)()))
fault("fingers gone from joint_states", CAMERAS, messages={"joint_states": each(without_fingers)})

CLOCK = "the clock"


fault("clock: stands still", CLOCK, messages={"/clock": silence}, seconds=6.0)
fault("clock: jumps back by 1 s", CLOCK, messages={"/clock": clock(-1.0)})
fault("clock: jumps ahead by 10 s", CLOCK, messages={"/clock": clock(10.0)})

NODES = "nodes"


def _signal(node: str, sign: signal.Signals) -> Callable[[Bench], None]:
    return lambda bench: bench.send(node, sign)


for _node in ("policy", "decoder", "cell"):
    fault(
        f"{_node} is killed",
        NODES,
        act=_signal(_node, signal.SIGKILL),
        undo=lambda b, n=_node: b.restart(n),
        words=_node if _node != "cell" else "cell|current_pose",
    )
    fault(
        f"{_node} is stopped",
        NODES,
        act=_signal(_node, signal.SIGSTOP),
        undo=_signal(_node, signal.SIGCONT),
        words=_node if _node != "cell" else "cell|current_pose",
    )
fault(
    "arm_command is killed", NODES, act=_signal("arm_command", signal.SIGKILL), undo=lambda b: b.restart("arm_command")
)
fault(
    "arm_command is stopped",
    NODES,
    act=_signal("arm_command", signal.SIGSTOP),
    undo=_signal("arm_command", signal.SIGCONT),
)
fault("view is killed", NODES, act=_signal("view", signal.SIGKILL), undo=lambda b: b.restart("view"), expect=GOES_ON)
fault(
    "view is stopped", NODES, act=_signal("view", signal.SIGSTOP), undo=_signal("view", signal.SIGCONT), expect=GOES_ON
)

CHUNKS = "chunks"
for _kind, _words in (
    ("confidence of an absurd size", "confidence"),
    ("zero quaternion beside an invalid frame", "quaternion"),
    ("100000 frames", "refused unread"),
    ("NaN marked valid", "NaN"),
    ("begins 0.3 m away", "first pose"),
    ("through the table", "keep_out|workspace"),
    ("faster than an arm", "speed"),
    ("5 s old", "stale|not newer"),
    ("5 s ahead", "future"),
    ("in another frame", "frame"),
    ("uncertain", "certain"),
    ("openness of 7", "openness"),
    ("dt of 0", "spaced"),
):
    fault(f"chunk: {_kind}", CHUNKS, act=lambda b, kind=_kind: b.foreign_chunk(kind), expect=REFUSED, words=_words)

PERSON = "people"
fault("disabled in motion", PERSON, act=lambda b: b.ask("disable"))
fault("stopped in motion", PERSON, act=lambda b: b.ask("stop"))
fault("the instruction is taken back", PERSON, act=lambda b: b.client.say(""), seconds=8.0)
fault("an unknown chunk is approved", PERSON, act=lambda b: b.approve(12345), expect=GOES_ON)

FLOODS = "stop under a flood"
for _kind in ("huge chunks", "poses", "heartbeats", "huge checks", "huge joints"):
    fault(f"~/stop under a flood of {_kind}", FLOODS, act=lambda b, kind=_kind: b.stop_under_flood(kind))
