"""Stand-ins for interface packages that the wheels lack: classes made from the lines of the public definitions."""

import sys
from types import ModuleType

DEFINITIONS = {
    "moveit_msgs/srv/ServoCommandType": "int8 command_type\n---\nbool success",
    "xarm_msgs/srv/MoveCartesian": "float32[] pose\nfloat32 speed 0\nfloat32 acc 0\nfloat32 mvtime 0\n"
    "bool wait false\nfloat32 timeout -1\nfloat32 radius -1\n"
    "bool is_tool_coord false\nbool relative false\n"
    "uint8 motion_type 0\n---\nint16 ret\nstring message",
    "xarm_msgs/srv/SetInt16": "int16 data\n---\nint16 ret\nstring message",
    "xarm_msgs/srv/GripperMove": "float32 pos\nbool wait false\nfloat32 timeout 10\n---\nint16 ret\nstring message",
    "franka_msgs/msg/GraspEpsilon": "float64 inner 0.005\nfloat64 outer 0.005",
    "franka_msgs/action/Grasp": "float64 width\nfranka_msgs/GraspEpsilon epsilon\nfloat64 speed\n"
    "float64 force\n---\nbool success\nstring error\n---\nfloat64 current_width",
    "franka_msgs/action/Move": "float64 width\nfloat64 speed\n---\nbool success\nstring error\n---\n"
    "float64 current_width",
    "control_msgs/msg/GripperCommand": "float64 position\nfloat64 max_effort",
    "control_msgs/action/GripperCommand": "control_msgs/GripperCommand command\n---\nbool stalled\n---\nbool stalled",
    "control_msgs/action/ParallelGripperCommand": "sensor_msgs/JointState command\n---\n"
    "bool stalled\n---\nbool stalled",
}
_DEFAULTS = {"bool": False, "string": ""}


def _default(kind, given, made):
    if kind.endswith("[]"):
        return []
    if "/" in kind:
        package, name = kind.split("/")
        if f"{package}/msg/{name}" in made:
            return made[f"{package}/msg/{name}"]()
        import importlib

        return getattr(importlib.import_module(f"{package}.msg"), name)()
    if given:
        return given == "true" if kind == "bool" else float(given[0]) if "float" in kind else int(given[0])
    return _DEFAULTS.get(kind, 0.0 if kind.startswith("float") else 0)


def _class(name, text, made):
    fields = [line.split() for line in text.strip().splitlines() if line.strip()]
    names = [field[1] for field in fields]

    def __init__(self, **values):
        unknown = set(values) - set(names)
        if unknown:
            raise AssertionError(f"{name} has no field {unknown}")
        for kind, field, *given in fields:
            setattr(self, field, values.get(field, _default(kind, given, made)))

    return type(name, (), {"__init__": __init__, "__slots__": names})


def install(monkeypatch):
    """Put the packages that cannot be imported where imports find them; what is installed stays."""
    made = {}
    for full, text in sorted(DEFINITIONS.items(), key=lambda item: "/msg/" not in item[0]):
        package, kind, name = full.split("/")
        parts = text.split("---\n") if "---" in text else [text]
        sections = {"msg": ("",), "srv": ("Request", "Response"), "action": ("Goal", "Result", "Feedback")}[kind]
        if kind == "msg":
            made[full] = _class(name, parts[0], made)
        else:
            made[full] = type(
                name,
                (),
                {
                    section: _class(f"{name}_{section}", part, made)
                    for section, part in zip(sections, parts, strict=True)
                },
            )
        for module in (package, f"{package}.{kind}"):
            if module not in sys.modules or not isinstance(sys.modules[module], ModuleType):
                monkeypatch.setitem(sys.modules, module, ModuleType(module))
        setattr(sys.modules[f"{package}.{kind}"], name, made[full])
    return made
