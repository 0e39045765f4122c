"""The formats of calibration files: how each is recognised and read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..geometry.pose import inverse
from .calibration_types import Calibration, Mount
from .calibration_values import first_of, info_from_values, pose_from_values

__all__ = ["READERS"]


def _same_frame(found: Any, base_frame: str) -> None:
    if found is not None and str(found).lstrip("/") != base_frame.lstrip("/"):
        raise ValueError(
            f"it is given in {str(found)!r}, base_frame is {base_frame!r}: calibrate in the base frame, "
            "or set base_frame"
        )


def _own(content: Mapping[str, Any], base_frame: str, name: str) -> Calibration:
    _same_frame(content.get("base_frame"), base_frame)
    result = Calibration()
    for camera, entry in content["cameras"].items():
        result.update(_camera(str(camera), entry))
    if not result.cameras:
        raise ValueError("it names no camera; it needs cameras: NAME: {position: [x, y, z], orientation: [x, y, z, w]}")
    return result


def _camera(name: str, entry: Any) -> Calibration:
    """One camera's entry: pose, intrinsics or both; a bare pose is one too."""
    result = Calibration()
    if not isinstance(entry, Mapping):
        result.mounts[name] = Mount(pose_from_values(entry))
        return result
    on = str(entry.get("mounted", "base"))
    if on not in ("base", "tool"):
        raise ValueError(f"camera {name} is mounted on {on!r}; give base or tool")
    pose = next(
        (
            entry[key]
            for key in ("extrinsics", "world_from_camera", "base_from_camera", "tool_from_camera", "pose", "T")
            if key in entry
        ),
        None,
    )
    if pose is None and {"position", "translation", "xyz"} & set(entry):
        pose = entry
    if pose is not None:
        result.mounts[name] = Mount(pose_from_values(pose), on == "tool" or "tool_from_camera" in entry)
    info = info_from_values(entry)
    if info is not None:
        result.infos[name] = info
    if not result.cameras:
        raise ValueError(f"camera {name} has neither a pose nor intrinsics; its names are {[str(k) for k in entry]}")
    return result


def _camera_info(content: Mapping[str, Any], base_frame: str, name: str) -> Calibration:
    info = info_from_values(content)
    if info is None:
        raise ValueError("its camera_matrix is missing")
    result = Calibration(infos={name: info})
    given = str(content.get("camera_name") or "")
    if given and given != name:
        result.infos[given] = info
    return result


def _handeye(content: Mapping[str, Any], base_frame: str, name: str) -> Calibration:
    facts = content.get("parameters") or {}
    value = first_of(content, "transformation", "transform")
    pose = [value[axis] for axis in ("x", "y", "z", "qx", "qy", "qz", "qw")] if "qx" in value else value
    kind = str(facts.get("calibration_type", ""))
    on_tool = bool(facts.get("eye_on_hand", "eye_in_hand" in kind or "eye_on_hand" in kind))
    if not on_tool:
        _same_frame(facts.get("robot_base_frame"), base_frame)
    frame = str(facts.get("tracking_base_frame", ""))
    if frame.endswith(("_link", "_base", "/base")):
        raise ValueError(
            f"tracking_base_frame is {frame!r}, which is no optical frame (x right, y down, z forward); "
            "calibrate with the camera's optical frame"
        )
    mount = Mount(pose_from_values(pose), on_tool, str(facts.get("robot_effector_frame", "")) if on_tool else "")
    return Calibration(mounts={name: mount})


def _kalibr(content: Mapping[str, Any], base_frame: str, name: str) -> Calibration:
    """Intrinsics of every camera; poses relative to cam0 where the file says where that is (`T_base_cam`)."""
    result, known = Calibration(), None
    for key in sorted(content):
        entry = content[key]
        topic = str(entry.get("rostopic", "")).removesuffix("/compressed").strip("/")
        camera = topic.rpartition("/")[0].rpartition("/")[2] or key
        if str(entry.get("camera_model", "pinhole")) != "pinhole":
            raise ValueError(f"{key} has the camera_model {entry['camera_model']!r}; pinhole is read")
        info = info_from_values(
            {
                **entry,
                "distortion_model": {"none": ""}.get(
                    str(entry.get("distortion_model", "")), entry.get("distortion_model", "")
                ),
            }
        )
        if info is not None:
            result.infos[camera] = result.infos[key] = info
        if "T_base_cam" in entry:
            known = pose_from_values(entry["T_base_cam"])
        elif known is not None and "T_cn_cnm1" in entry:
            known = known @ inverse(pose_from_values(entry["T_cn_cnm1"]))
        if known is not None:
            result.mounts[camera] = result.mounts[key] = Mount(known)
    return result


def _by_name(content: Mapping[str, Any], base_frame: str, name: str) -> Calibration:
    _same_frame(content.get("base_frame"), base_frame)
    result = Calibration()
    for camera, entry in content.items():
        if camera != "base_frame":
            result.update(_camera(str(camera), entry))
    return result


def _is_camera(entry: Any) -> bool:
    if isinstance(entry, Mapping):
        return bool(
            {
                "extrinsics",
                "world_from_camera",
                "base_from_camera",
                "tool_from_camera",
                "pose",
                "position",
                "translation",
                "K",
                "camera_matrix",
                "intrinsics",
                "fx",
            }
            & set(entry)
        )
    try:
        return np.asarray(entry, dtype=np.float64).size in (6, 7, 12, 16)
    except (TypeError, ValueError):
        return False


READERS: tuple[
    tuple[Callable[[Mapping[str, Any]], bool], Callable[[Mapping[str, Any], str, str], Calibration]], ...
] = (
    (lambda c: isinstance(c.get("cameras"), Mapping), _own),
    (lambda c: isinstance(c.get("transformation", c.get("transform")), Mapping), _handeye),
    (lambda c: "camera_matrix" in c or ("K" in c and "P" in c), _camera_info),
    (
        lambda c: (
            all(
                str(key).startswith("cam")
                and isinstance(entry, Mapping)
                and "intrinsics" in entry
                and "camera_model" in entry
                for key, entry in c.items()
            )
            and bool(c)
        ),
        _kalibr,
    ),
    (lambda c: bool(c) and all(_is_camera(entry) for key, entry in c.items() if key != "base_frame"), _by_name),
)
