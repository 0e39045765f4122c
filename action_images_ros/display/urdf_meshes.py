"""The meshes that a URDF shows: files and colours by link."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

__all__ = ["Meshes", "meshes_of"]

Meshes = Mapping[str, list[tuple[Path, tuple[float, ...]]]]
_GREY = (0.8, 0.8, 0.8, 1.0)


def meshes_of(urdf: str) -> Meshes:
    """Mesh files that exist on this machine, with their colours RGBA 0..1, by link.

    Only visuals that lie in their link's frame; `package://` is looked for in the ament index. Raises ValueError
    where the text is no XML.
    """
    try:
        robot = ElementTree.fromstring(urdf)
    except ElementTree.ParseError as error:
        raise ValueError(f"robot_description is no URDF: {error}; publish the text of the URDF") from None
    found: dict[str, list[tuple[Path, tuple[float, ...]]]] = {}
    for link in robot.findall("link"):
        for visual in link.findall("visual"):
            mesh, origin, colour = visual.find("geometry/mesh"), visual.find("origin"), visual.find("material/color")
            path = None if mesh is None else _path(mesh.get("filename", ""))
            moved = origin is not None and any(float(v) for key in ("xyz", "rpy") for v in origin.get(key, "0").split())
            if path is not None and path.is_file() and not moved:
                rgba = _GREY if colour is None else tuple(float(part) for part in colour.get("rgba", "").split())
                found.setdefault(str(link.get("name")), []).append((path, rgba))
    return found


def _path(name: str) -> Path | None:
    parts = urlparse(name)
    if parts.scheme == "package":
        try:
            from ament_index_python.packages import get_package_share_directory

            return Path(get_package_share_directory(parts.netloc)) / unquote(parts.path).lstrip("/")
        except (ImportError, LookupError, ValueError, OSError):  # no package of that name, no ament index
            return None
    return Path(unquote(parts.path)) if parts.scheme in ("", "file") else None
