"""metadata.yaml of a recording's folder: files, counts and QoS, believed as far as they are checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime

from ...safe_files import inside, load_yaml, parse_yaml
from .storage import BagError

__all__ = ["FolderMetadata", "qos_from", "read_metadata"]

_STORAGES = (".mcap", ".db3")
_KNOWN_VERSION = 9


@dataclass
class FolderMetadata:
    """files: storage files in their order. counts: messages by topic, None where the file says nothing. qos: by topic.
    compression: "", file or message. notes: what the user should know."""

    files: list[Path]
    counts: dict[str, int] | None = None
    qos: dict[str, tuple[Qos, ...]] = field(default_factory=dict)
    compression: str = ""
    notes: list[str] = field(default_factory=list)


def read_metadata(folder: Path) -> FolderMetadata:
    """What metadata.yaml says; BagError where it cannot be used and the files cannot be found without it."""
    path = folder / "metadata.yaml"
    try:
        content = load_yaml(path)
    except ValueError as error:
        raise BagError(f"{error}; or remove it, a single storage file is read without it") from None
    info = content.get("rosbag2_bagfile_information") if isinstance(content, dict) else None
    if not isinstance(info, dict):
        raise BagError(
            f"{path} does not describe a rosbag2 recording (rosbag2_bagfile_information is missing); run "
            f"`ros2 bag reindex {folder}`, or remove it: a single storage file is read without it"
        )
    result = FolderMetadata([])
    version = info.get("version")
    if isinstance(version, int) and version > _KNOWN_VERSION:
        result.notes.append(
            f"metadata.yaml has version {version}, {_KNOWN_VERSION} is the newest one known; what is "
            "understood of it is used"
        )
    if not info.get("storage_identifier"):
        result.notes.append("metadata.yaml has no storage_identifier; the storage is recognised by its content")
    result.compression = _compression(info, path)
    result.files = _files(folder, info, result)
    result.counts, result.qos = _topics(info)
    return result


def _compression(info: dict[str, Any], path: Path) -> str:
    mode = str(info.get("compression_mode") or "").lower()
    mode = "" if mode == "none" else mode
    form = str(info.get("compression_format") or "").lower()
    if mode and (mode not in ("file", "message") or form != "zstd"):
        raise BagError(
            f"{path}: compression is {form or 'unknown'} per {mode}; zstd per file or message is read: "
            "write it anew with `ros2 bag convert`"
        )
    return mode


def _files(folder: Path, info: dict[str, Any], result: FolderMetadata) -> list[Path]:
    named = info.get("relative_file_paths")
    named = [str(name) for name in named] if isinstance(named, list) else []
    files = []
    for name in named:
        try:
            file = inside(folder, name)
        except ValueError as error:
            raise BagError(str(error)) from None
        files.append(file if file.is_file() else folder / Path(name).name)  # before version 4: below the parent
    if files and all(file.is_file() for file in files):
        return files
    there = sorted(
        file
        for file in folder.iterdir()
        if file.is_file()
        and (file.suffix in _STORAGES or file.suffixes[-2:] in ([".mcap", ".zstd"], [".db3", ".zstd"]))
    )
    if len(there) == len(files) or (not files and len(there) == 1):
        result.notes.append(
            f"metadata.yaml names {[f.name for f in files]}, the folder holds {[f.name for f in there]}"
            ": renamed files are read as they are"
        )
        return there
    missing = [file.name for file in files if not file.is_file()]
    raise BagError(
        f"{folder}: metadata.yaml names {missing or 'no files'}, which are not there; the folder holds "
        f"{[f.name for f in there]}: copy the missing ones, or run `ros2 bag reindex {folder}`"
    )


def _topics(info: dict[str, Any]) -> tuple[dict[str, int] | None, dict[str, tuple[Qos, ...]]]:
    rows = info.get("topics_with_message_count")
    if not isinstance(rows, list):
        return None, {}
    counts: dict[str, int] = {}
    qos: dict[str, tuple[Qos, ...]] = {}
    for row in rows:
        topic = row.get("topic_metadata") if isinstance(row, dict) else None
        if isinstance(topic, dict) and isinstance(row.get("message_count"), int):
            name = str(topic.get("name"))
            counts[name] = counts.get(name, 0) + row["message_count"]
            qos[name] = (*qos.get(name, ()), *qos_from(topic.get("offered_qos_profiles")))
    return counts, qos


def qos_from(value: Any) -> tuple[Qos, ...]:
    """QoS profiles as YAML text or as plain values; what is not understood is left out: it changes no message."""
    if isinstance(value, str):
        try:
            value = parse_yaml(value, "offered_qos_profiles")
        except ValueError:
            return ()
    profiles = []
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            profiles.append(_profile(item))
    return tuple(profile for profile in profiles if profile is not None)


def _profile(item: dict[str, Any]) -> Qos | None:
    def member(kind: Any, name: str) -> Any:
        given = item.get(name)
        try:
            return kind(given) if isinstance(given, int) else kind.__members__[str(given).upper()]
        except (KeyError, ValueError):
            return kind.UNKNOWN

    def time(name: str) -> QosTime:
        given = item.get(name)
        given = given if isinstance(given, dict) else {}
        return QosTime(int(given.get("sec", 0)), int(given.get("nsec", 0)))

    try:
        return Qos(
            member(QosHistory, "history"),
            int(item.get("depth", 0)),
            member(QosReliability, "reliability"),
            member(QosDurability, "durability"),
            time("deadline"),
            time("lifespan"),
            member(QosLiveliness, "liveliness"),
            time("liveliness_lease_duration"),
            bool(item.get("avoid_ros_namespace_conventions", False)),
        )
    except (TypeError, ValueError):
        return None
