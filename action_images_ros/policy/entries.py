"""The policies there are: those of this package, and those that installed packages add.

A package adds one by an entry point in the group `action_images_ros.policies`; its target is called with
`PolicyOptions` and returns a `Policy` (see docs/tutorials/your_own_policy.md).
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

__all__ = ["GROUP", "find_entry", "policy_names"]

GROUP = "action_images_ros.policies"
_BUILT_IN = {
    "nano": "action_images_ros.world_model.load:load_nano",
    "onnx": "action_images_ros.world_model.load:load_onnx",
    "regression": "action_images_ros.world_model.load:load_regression",
    "wan": "action_images_ros.world_model.load:load_wan",
    "lerobot": "action_images_ros.lerobot_runtime.policy:load_lerobot",
    "oracle": "action_images_ros.ros.oracle:load_oracle",
}


def _entries() -> dict[str, EntryPoint]:
    """All entries by name; ValueError where two packages claim one name."""
    found = {name: EntryPoint(name, value, GROUP) for name, value in _BUILT_IN.items()}
    for entry in entry_points(group=GROUP):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise ValueError(
                f"{GROUP} is ambiguous: {entry.name} is both {other.value} and {entry.value}; uninstall one "
                "of the packages, or rename its policy"
            )
    return found


def policy_names() -> list[str]:
    """Names of all policies, those of this package first."""
    return list(_entries())


def find_entry(name: str) -> EntryPoint:
    """The entry of that name; ValueError listing the names."""
    entries = _entries()
    if name not in entries:
        raise ValueError(f"policy is {name!r}; give one of {', '.join(entries)}, or install the package that has it")
    return entries[name]
