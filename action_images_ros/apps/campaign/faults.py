"""The registry of faults: what is done to the live graph, when, and what must become of the arm.

A fault is one row. `messages` spoils messages of the cell on their way to the graph, `act` does anything else with a
`Bench` (processes, foreign chunks, services). Rows are added with `fault`.
"""

from __future__ import annotations

import copy
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .bench import Bench
    from .tap import Spoil

__all__ = ["FAULTS", "Fault", "faults_named"]

HELD, REFUSED, GOES_ON = "held", "refused", "goes on"


@dataclass(frozen=True)
class Fault:
    """expect: "held" (the arm comes to rest and is not executing), "refused" (named, and the arm obeys its limits) or
    "goes on" (nothing has to stop). when: "motion" or "enable" (from before the arm is enabled on). seconds: the arm
    must be held after this long at the latest."""

    name: str
    group: str
    expect: str = HELD
    when: str = "motion"
    messages: Mapping[str, Callable[[], Spoil]] = field(default_factory=dict)
    act: Callable[[Bench], None] | None = None
    undo: Callable[[Bench], None] | None = None
    seconds: float = 4.0


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


def _each(change: Callable[[Any], Any]) -> Callable[[], Spoil]:
    """Spoil every message by changing it in place; a result replaces it."""

    def spoil(message: Any) -> Any:
        changed = change(message)
        return message if changed is None else changed

    return lambda: spoil


def _silence() -> Spoil:
    return lambda _: None


def _frozen() -> Spoil:
    """The first message's content, with every later stamp."""
    first: list[Any] = []

    def spoil(message: Any) -> Any:
        first.append(copy.deepcopy(message)) if not first else None
        first[0].header.stamp = message.header.stamp
        return first[0]

    return spoil


def _stamped(seconds: float) -> Callable[[], Spoil]:
    def change(message: Any) -> None:
        ns = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec + round(seconds * 1e9)
        message.header.stamp.sec, message.header.stamp.nanosec = max(ns, 0) // 10**9, max(ns, 0) % 10**9

    return _each(change)


def _moved(x: float = 0.0, y: float = 0.0, z: float = 0.0, scale: float = 1.0) -> Callable[[], Spoil]:
    def change(message: Any) -> None:
        p = message.pose.position
        p.x, p.y, p.z = scale * p.x + x, scale * p.y + y, scale * p.z + z

    return _each(change)


def _turned(x: float, y: float, z: float, w: float) -> Callable[[], Spoil]:
    def change(message: Any) -> None:
        q = message.pose.orientation
        q.x, q.y, q.z, q.w = x, y, z, w

    return _each(change)


def _once(make: Callable[[], Spoil]) -> Callable[[], Spoil]:
    """Only the first message."""

    def begin() -> Spoil:
        inner, done = make(), False

        def spoil(message: Any) -> Any:
            nonlocal done
            first, done = not done, True
            return inner(message) if first else message

        return spoil

    return begin


def _noise(metres: float) -> Callable[[], Spoil]:
    """Independent noise of that standard deviation on every coordinate."""
    rng = np.random.default_rng(0)

    def change(message: Any) -> None:
        p = message.pose.position
        p.x, p.y, p.z = (float(value) for value in np.array([p.x, p.y, p.z]) + rng.normal(0, metres, 3))

    return _each(change)


def _drift(metres: float) -> Callable[[], Spoil]:
    total = [0.0]

    def change(message: Any) -> None:
        total[0] += metres
        message.pose.position.y += total[0]

    return _each(change)


def _frame(name: str) -> Callable[[], Spoil]:
    return _each(lambda message: setattr(message.header, "frame_id", name))


def _antipode(message: Any) -> None:
    q = message.pose.orientation
    q.x, q.y, q.z, q.w = -q.x, -q.y, -q.z, -q.w


POSE = "the measured pose"
for _name, _spoil, _expect in (
    ("offset of 15 cm", _moved(y=0.15), HELD),
    ("one sample 0.3 m low", _once(_moved(z=-0.3)), HELD),
    ("in millimetres", _moved(scale=1000.0), HELD),
    ("frozen with new stamps", _frozen, HELD),
    ("NaN", _moved(x=float("nan")), HELD),
    ("zero quaternion", _turned(0.0, 0.0, 0.0, 0.0), HELD),
    ("half a turn off", _turned(0.0, 1.0, 0.0, 0.0), HELD),
    ("in another frame", _frame("flange"), HELD),
    ("silent", _silence, HELD),
    ("1 s old", _stamped(-1.0), HELD),
    ("1 s ahead", _stamped(1.0), HELD),
    ("drifting by 2 mm per sample", _drift(0.002), HELD),
    ("noise of 5 cm", _noise(0.05), HELD),
    ("noise of 0.5 mm", _noise(0.0005), GOES_ON),
    ("antipodal quaternion", _each(_antipode), GOES_ON),
    ("every message twice", _each(lambda message: [message, message]), GOES_ON),
):
    fault(f"pose: {_name}", POSE, messages={"current_pose": _spoil}, expect=_expect)
fault("enabled with the flange for the TCP", POSE, messages={"current_pose": _moved(z=0.1034)}, when="enable")
fault("enabled with a drifting pose", POSE, messages={"current_pose": _drift(0.001)}, when="enable")
fault("enabled with a pose in millimetres", POSE, messages={"current_pose": _moved(scale=1000.0)}, when="enable")
fault("enabled outside the workspace", POSE, messages={"current_pose": _moved(y=2.0)}, when="enable")

CAMERAS = "cameras and gripper"


def _pixels(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[], Spoil]:
    """Change the picture `[H, W, 3]` of every message."""

    def spoil(message: Any) -> None:
        picture = np.frombuffer(bytes(message.data), np.uint8).reshape(message.height, message.width, 3)
        message.data = np.ascontiguousarray(change(picture)).tobytes()

    return _each(spoil)


def _random(picture: np.ndarray) -> np.ndarray:
    return np.random.default_rng().integers(0, 256, picture.shape).astype(np.uint8)


def _torn(picture: np.ndarray) -> np.ndarray:
    return np.concatenate([picture[: len(picture) // 2], np.roll(picture[len(picture) // 2 :], 30, axis=1)])


def _delayed(frames: int) -> Callable[[], Spoil]:
    """Old content with the stamps of now."""

    def begin() -> Spoil:
        past: list[Any] = []

        def spoil(message: Any) -> Any:
            past.append(copy.deepcopy(message))
            old = past.pop(0) if len(past) > frames else past[0]
            old.header.stamp = message.header.stamp
            return old

        return spoil

    return begin


def _longer(message: Any) -> None:
    k = list(message.k)
    k[0], k[4] = 1.3 * k[0], 1.3 * k[4]
    message.k = k


def _without_fingers(message: Any) -> None:
    kept = [index for index, name in enumerate(message.name) if "finger" not in name]
    message.position = [message.position[index] for index in kept]
    message.name = [message.name[index] for index in kept]


for _name, _spoil in (
    ("frozen with new stamps", _frozen),
    ("black", _pixels(np.zeros_like)),
    ("noise", _pixels(_random)),
    ("torn", _pixels(_torn)),
    ("colours exchanged", _pixels(lambda picture: picture[..., ::-1])),
    ("1 s old but stamped new", _delayed(10)),
    ("mirrored", _pixels(lambda picture: picture[:, ::-1])),
    ("silent", _silence),
):
    fault(f"camera_0: {_name}", CAMERAS, messages={"camera_0/image_raw": _spoil})
fault(
    "both cameras silent",
    CAMERAS,
    messages={"camera_0/image_raw": _silence, "camera_1/image_raw": _silence},
    seconds=6.0,
)
fault("cameras exchanged", CAMERAS, act=lambda b: b.exchange("camera_0/image_raw", "camera_1/image_raw"))
fault("camera_0: focal length + 30 %", CAMERAS, messages={"camera_0/camera_info": _each(_longer)})
fault("camera_0: moved by 5 cm", CAMERAS, act=lambda b: b.again("camera_0/pose", _moved(x=0.05)()))
fault("fingers gone from joint_states", CAMERAS, messages={"joint_states": _each(_without_fingers)})

CLOCK = "the clock"


def _clock(seconds: float) -> Callable[[], Spoil]:
    def change(message: Any) -> None:
        ns = message.clock.sec * 10**9 + message.clock.nanosec + round(seconds * 1e9)
        message.clock.sec, message.clock.nanosec = max(ns, 0) // 10**9, max(ns, 0) % 10**9

    return _each(change)


fault("clock: stands still", CLOCK, messages={"/clock": _silence}, seconds=6.0)
fault("clock: jumps back by 1 s", CLOCK, messages={"/clock": _clock(-1.0)})
fault("clock: jumps ahead by 10 s", CLOCK, messages={"/clock": _clock(10.0)})

NODES = "nodes"


def _signal(node: str, sign: signal.Signals) -> Callable[[Bench], None]:
    return lambda bench: bench.send(node, sign)


for _node in ("policy", "decoder", "cell"):
    fault(f"{_node} is killed", NODES, act=_signal(_node, signal.SIGKILL), undo=lambda b, n=_node: b.restart(n))
    fault(f"{_node} is stopped", NODES, act=_signal(_node, signal.SIGSTOP), undo=_signal(_node, signal.SIGCONT))
fault(
    "arm_command is killed", NODES, act=_signal("arm_command", signal.SIGKILL), undo=lambda b: b.restart("arm_command")
)
fault("view is killed", NODES, act=_signal("view", signal.SIGKILL), undo=lambda b: b.restart("view"), expect=GOES_ON)
fault(
    "view is stopped", NODES, act=_signal("view", signal.SIGSTOP), undo=_signal("view", signal.SIGCONT), expect=GOES_ON
)

CHUNKS = "chunks"
for _kind in (
    "confidence of an absurd size",
    "zero quaternion beside an invalid frame",
    "100000 frames",
    "NaN marked valid",
    "begins 0.3 m away",
    "through the table",
    "faster than an arm",
    "5 s old",
    "5 s ahead",
    "in another frame",
    "uncertain",
    "openness of 7",
    "dt of 0",
):
    fault(f"chunk: {_kind}", CHUNKS, act=lambda b, kind=_kind: b.foreign_chunk(kind), expect=REFUSED)

PERSON = "people"
fault("disabled in motion", PERSON, act=lambda b: b.ask("disable"))
fault("stopped in motion", PERSON, act=lambda b: b.ask("stop"))
fault("the instruction is taken back", PERSON, act=lambda b: b.client.say(""), seconds=8.0)
fault("an unknown chunk is approved", PERSON, act=lambda b: b.approve(12345), expect=GOES_ON)

FLOODS = "stop under a flood"
for _kind in ("huge chunks", "poses", "heartbeats", "huge checks"):
    fault(f"~/stop under a flood of {_kind}", FLOODS, act=lambda b, kind=_kind: b.stop_under_flood(kind))
