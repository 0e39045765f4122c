"""The report of `inspect` as one HTML page that needs nothing else: no scripts, no network, pictures inside."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["inspect_page"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; max-width: 1200px; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin-top: 2rem; }
h3 { font-size: 1rem; margin-bottom: .3rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem .2rem 0; text-align: left; border-bottom: 1px solid #e4e7eb; white-space: nowrap; }
td.n, th.n { text-align: right; }
.verdict { border-left: 6px solid #1a7f37; background: #eef8f0; padding: .6rem 1rem; font-weight: 600; }
.verdict.bad { border-color: #c62828; background: #fdeeee; }
li { margin: .25rem 0; overflow-wrap: anywhere; }
code { background: #f0f2f5; border-radius: 3px; padding: 0 .25em; }
img { max-width: 100%; height: auto; border: 1px solid #d0d7de; }
.r { color: #d32f2f; } .g { color: #2e7d32; } .b { color: #3158d6; }
small { color: #57606a; }
"""
_OPTION = re.compile(r"--[a-z][a-z-]*(?: (?:split|join|[A-Z_=]{4,}(?:\.\.[A-Z]+)?|-?[\d.]+\.\.-?[\d.]+))?")
_WIDTH = 240
_LEGEND = (
    'One row per camera, in time from left to right. <span class="r">Red</span>: the tool\'s position, '
    '<span class="g">green</span>: along the fingers\' opening, <span class="b">blue</span>: behind it.'
)


def inspect_page(report: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """The page. report: what `inspect` gives; pictures: jpeg by the name of the episode."""
    title = escape(str(report["path"]))
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>inspect: {title}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        f"<p>Format {escape(report['format'])}; {report['items']} items, {len(report['episodes'])} episodes shown.</p>",
        _verdict(report),
        _sentences("Problems", report["problems"]),
        _sentences("Notes", report["notes"]),
        *(_recording(entry) for entry in report["recordings"]),
        *(_episode(entry, pictures.get(entry["name"])) for entry in report["episodes"]),
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _verdict(report: Mapping[str, Any]) -> str:
    count = len(report["problems"])
    if not count:
        return '<p class="verdict">No problems found. Look at the pictures: the points must lie on the gripper.</p>'
    readable = f"{count} problem{'s' if count > 1 else ''} found" if report["readable"] else "Nothing could be read"
    return f'<p class="verdict bad">{readable}.</p>'


def _sentences(title: str, texts: Sequence[str]) -> str:
    if not texts:
        return ""
    return f"<h2>{title}</h2><ul>" + "".join(f"<li>{_marked(text)}</li>" for text in texts) + "</ul>"


def _marked(text: str) -> str:
    """The text with its options, which are the cures, marked."""
    return _OPTION.sub(lambda match: f"<code>{match[0]}</code>", escape(text, quote=False))


def _table(columns: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str]]) -> str:
    """columns: (title, whether numbers); cells are HTML."""
    head = "".join(f"<th{' class=n' if number else ''}>{title}</th>" for title, number in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td{' class=n' if columns[i][1] else ''}>{cell}</td>" for i, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _recording(entry: Mapping[str, Any]) -> str:
    seconds = float(entry["seconds"])
    columns = [
        ("topic", False),
        ("type", False),
        ("messages", True),
        ("rate, Hz", True),
        ("gaps", True),
        ("over time", False),
        ("delay, s", True),
        ("drift, ppm", True),
    ]
    rows = [
        [
            escape(topic["name"]),
            escape(topic["type"].rpartition("/")[2]),
            f"{topic['count']:,}",
            _number(topic["rate_hz"]),
            str(topic["gap_count"]),
            _bar(topic["gaps"], seconds),
            _number(topic["delay"]),
            _number(topic["drift_ppm"]),
        ]
        for topic in entry["topics"]
    ]
    found = "".join(
        f"<li>{escape(name)}: {escape(_joined(topic))}</li>" for name, topic in entry.get("found", {}).items()
    )
    cameras = "".join(
        f"<li>camera {escape(camera['name'])}: {escape(camera['image'])} "
        f"({'rectified, P' if camera['rectified'] else 'raw, K and D'})</li>"
        for camera in entry.get("cameras", [])
    )
    used = f"<h3>What is read</h3><ul>{cameras}{found}</ul>" if cameras or found else ""
    return (
        f"<h2>Recording {escape(entry['recording'])}</h2><p>{seconds:.1f} s, {entry['messages']:,} messages</p>"
        + _table(columns, rows)
        + used
    )


def _joined(topic: Any) -> str:
    if isinstance(topic, list | tuple):
        return ", ".join(map(str, topic)) or "not recorded"
    return str(topic) if topic else "not recorded"


def _bar(gaps: Sequence[Sequence[float]], seconds: float) -> str:
    """The recording's time as a bar, with its gaps in red."""
    if seconds <= 0:
        return ""
    scale = _WIDTH / seconds
    marks = "".join(
        f'<rect x="{max(0.0, start) * scale:.1f}" y="1" width="{max(1.5, length * scale):.1f}" height="10" '
        f'fill="#c62828"><title>{length:.2f} s after {start:.2f} s</title></rect>'
        for start, length in gaps
    )
    return (
        f'<svg width="{_WIDTH}" height="12" role="img" aria-label="{len(gaps)} gaps">'
        f'<rect y="1" width="{_WIDTH}" height="10" fill="#9fc5a8"/>{marks}</svg>'
    )


def _episode(entry: Mapping[str, Any], picture: bytes | None) -> str:
    low, high = entry["openness"]
    facts = [
        ("instruction", escape(entry["instruction"])),
        ("task, seed", f"{escape(entry['task'])}, {entry['seed']}"),
        ("outcome", "success" if entry["success"] else "failed"),
        ("frames", f"{entry['frames']} of {entry['size'][1]} x {entry['size'][0]} px, {entry['dt']:g} s apart"),
        ("tool's path", f"{entry['path_m']:.3f} m, fastest {entry['fastest_m_per_s']:.3f} m/s"),
        (
            "tool's place",
            ", ".join(f"{axis} {a:.3f} to {b:.3f} m" for axis, (a, b) in zip("xyz", entry["range_m"], strict=True)),
        ),
        (
            "gripper",
            f"openness {low:.2f} to {high:.2f}, {entry['gripper_changes']} changes between open and closed",
        ),
    ]
    columns = [
        ("camera", False),
        ("focal length, px", True),
        ("position, m", True),
        ("moves", False),
        ("tool in view", True),
        ("motion at tool", True),
        ("verdict", False),
    ]
    rows = [
        [
            escape(camera["camera"]),
            f"{camera['focal_px']:.1f}",
            ", ".join(f"{value:.3f}" for value in camera["position_m"]),
            "yes" if camera["moving"] else "no",
            f"{100 * camera['in_view']:.0f} %",
            _number(camera["motion_ratio"]),
            _marked(camera["suspicious"] or "nothing stands out"),
        ]
        for camera in entry["cameras"]
    ]
    shown = ""
    if picture is not None:
        data = base64.b64encode(picture).decode()
        words = f"Pictures of {escape(entry['name'])} with the tool points"
        shown = f'<p><img alt="{words}" src="data:image/jpeg;base64,{data}"><br><small>{_LEGEND}</small></p>'
    listed = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in facts)
    return f"<h2>Episode {escape(entry['name'])}</h2><table>{listed}</table>{_table(columns, rows)}{shown}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
