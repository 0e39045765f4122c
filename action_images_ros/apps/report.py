"""The demo as one HTML file without links to anything: strips, the path in two views, timings, what came of it."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..display.colours import COMMANDED, MEASURED, Colour
from ..geometry.arrays import Floats
from ..safe_files import write_text
from .scene_recorder import SceneRecord
from .trials import Trial

__all__ = ["write_report"]

_STYLE = """body{background:#181a1e;color:#eee;font:16px/1.5 system-ui,sans-serif}
body{max-width:1060px;margin:24px auto;padding:0 12px}
[hidden]{display:none!important}
h2{margin-top:40px}
img{width:100%;display:block}table{border-collapse:collapse}td,th{padding:4px 14px 4px 0}
td,th{text-align:left}
th{color:#a0aab4;font-weight:400}.done{color:#3cd25a}.failed{color:#f5aa32}input{width:100%}
svg,canvas{background:#22252a}canvas{touch-action:none;cursor:grab}
figure{display:inline-block;margin:16px 12px 0 0;width:336px;vertical-align:top}figcaption{color:#a0aab4}"""
_SCRIPT = """for(const scene of document.querySelectorAll(".scene")){const bar=scene.querySelector("input"),
views=scene.querySelectorAll(".view");let timer=null;const show=()=>views.forEach(v=>[...v.children].forEach((p,i)=>
p.hidden=i!=Math.min(+bar.value,v.children.length-1)));bar.oninput=()=>{clearInterval(timer);show()};show();
timer=setInterval(()=>{bar.value=(+bar.value+1)%(+bar.max+1);show()},500)}"""
_SPACE_SCRIPT = """for(const canvas of document.querySelectorAll("canvas.space")){
const {lines,centre,span}=JSON.parse(canvas.dataset.scene),pen=canvas.getContext("2d");let turn=0.7,tilt=0.5,held=null;
const place=p=>{const x=p[0]-centre[0],y=p[1]-centre[1],z=p[2]-centre[2],right=y*Math.cos(turn)-x*Math.sin(turn),
far=x*Math.cos(turn)+y*Math.sin(turn),k=canvas.width*0.8/span;
return[canvas.width/2+k*right,canvas.height/2+k*(far*Math.sin(tilt)-z*Math.cos(tilt))]};
const draw=()=>{pen.clearRect(0,0,canvas.width,canvas.height);for(const line of lines){pen.strokeStyle=line.colour;
pen.lineWidth=line.width;pen.beginPath();line.points.forEach((p,i)=>pen[i?"lineTo":"moveTo"](...place(p)));pen.stroke()}};
canvas.onpointerdown=e=>{held=[e.clientX,e.clientY];canvas.setPointerCapture(e.pointerId)};canvas.onpointerup=()=>held=null;
canvas.onpointermove=e=>{if(!held)return;turn-=(e.clientX-held[0])/150;
tilt=Math.min(1.57,Math.max(0,tilt+(e.clientY-held[1])/150));held=[e.clientX,e.clientY];draw()};draw()}"""
_LEGEND = (
    "Plans are green where certain and red from 20 mm standard deviation on. A strip shows the observation, "
    "the predicted video, the action image and the planned path with the measured one."
)
_SIZE, _MARGIN = 336, 24


def write_report(path: Path, scenes: Sequence[tuple[Trial, SceneRecord]], model: str) -> Path:
    """Write the report of what was played and return its path. Raises ValueError without a scene."""
    if not scenes:
        raise ValueError("no scene was played; there is nothing to report")
    done = sum(trial.success for trial, _ in scenes)
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Demo of {html.escape(model)}</title>',
        f"<style>{_STYLE}</style></head><body><h1>Demo of {html.escape(model)}</h1>",
        f"<p>{done} of {len(scenes)} instructions done in the simulated cell. {_LEGEND}</p>",
        *(_scene(trial, record) for trial, record in scenes),
        f"<script>{_SCRIPT}{_SPACE_SCRIPT}</script></body></html>\n",
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "\n".join(parts))
    return path


def _scene(trial: Trial, record: SceneRecord) -> str:
    outcome = '<span class="done">done</span>' if trial.success else '<span class="failed">not done</span>'
    sigmas = [chunk.sigma_mm for chunk in record.chunks.values() if np.isfinite(chunk.sigma_mm)]
    rows = {
        "simulated time": f"{trial.cell_seconds:.1f} s",
        "chunks predicted, executed": f"{len(record.chunks)}, {trial.chunks}",
        "time per chunk": f"{trial.chunk_seconds:.2f} s",
        "speed": f"{trial.real_time_factor:.2f} x real time",
        "commands": str(record.commands),
        "path of the tool": f"{100 * record.travelled():.0f} cm",
        "largest distance between command and measurement": _gap(record),
        "certainty (median of chunks)": f"±{np.median(sigmas):.1f} mm" if sigmas else "–",
    }
    table = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows.items())
    return (
        f'<section class="scene"><h2>&ldquo;{html.escape(trial.instruction)}&rdquo; – {outcome}</h2>'
        f"{_strips(record)}<table>{table}</table>{_views(record)}</section>"
    )


def _gap(record: SceneRecord) -> str:
    """Of every command to the nearest measured position."""
    if not record.commanded or not record.positions:
        return "–"
    commanded, measured = np.array(record.commanded), np.array(record.positions)
    nearest = [np.linalg.norm(measured - place, axis=1).min() for place in commanded[:: max(1, len(commanded) // 500)]]
    return f"{1000 * max(nearest):.0f} mm"


def _strips(record: SceneRecord) -> str:
    """The strips of every camera one above the other, one moment at a time, with a slider."""
    cameras = [camera for camera, pictures in record.strips.items() if pictures]
    if not cameras:
        return "<p>No strip was published.</p>"
    moments = max(len(record.strips[camera]) for camera in cameras)
    views = "".join(
        '<div class="view">'
        + "".join(
            f'<img alt="{html.escape(camera)}" src="data:image/jpeg;base64,{base64.b64encode(picture).decode()}">'
            for picture in record.strips[camera]
        )
        + "</div>"
        for camera in cameras
    )
    return f'{views}<input type="range" min="0" max="{moments - 1}" value="0" aria-label="moment">'


def _views(record: SceneRecord) -> str:
    """What was commanded and what was measured, from above and from the side."""
    return _space(record) + "".join(
        f"<figure>{_plot(record, axes)}<figcaption>{caption}</figcaption></figure>"
        for axes, caption in (((1, 0), "from above: y to the left, x up"), ((0, 2), "from the side: x, z up"))
    )


def _space(record: SceneRecord) -> str:
    """Both paths in space over a floor of 10 cm squares, for the script to draw and to turn."""
    commanded, measured = (np.array(path).reshape(-1, 3) for path in (record.commanded, record.positions))
    points = np.vstack([commanded, measured])
    if not len(points):
        return ""
    low, high = points.min(axis=0), points.max(axis=0)
    south, west = np.floor(10 * low[:2]) / 10 - 0.1
    north, east = np.ceil(10 * high[:2]) / 10 + 0.1
    floor = [[[x, west, 0], [x, east, 0]] for x in np.arange(south, north + 0.01, 0.1)]
    floor += [[[south, y, 0], [north, y, 0]] for y in np.arange(west, east + 0.01, 0.1)]
    lines = [{"colour": "#3a3f46", "width": 1, "points": np.round(line, 3).tolist()} for line in floor]
    for path, colour in ((commanded, COMMANDED), (measured, MEASURED)):
        thinned = np.round(path[:: max(1, len(path) // 400)], 4)
        lines.append({"colour": f"rgb{colour}", "width": 2, "points": thinned.tolist()})
        if len(path):  # how high it is: down to the floor from where it begins and ends
            for end in (path[0], path[-1]):
                foot = [end[0], end[1], 0.0]
                lines.append({"colour": "#6a7078", "width": 1, "points": np.round([end, foot], 4).tolist()})
    middle = [(south + north) / 2, (west + east) / 2, high[2] / 2]
    scene = {
        "lines": lines,
        "centre": np.round(middle, 4).tolist(),
        "span": float(max(north - south, east - west, high[2])),
    }
    return (
        f'<figure><canvas class="space" width="{_SIZE}" height="{_SIZE}" '
        f'data-scene="{html.escape(json.dumps(scene))}"></canvas>'
        f'<figcaption>in space, squares of 10 cm; drag to turn: <span style="color:rgb{COMMANDED}">commanded</span>, '
        f'<span style="color:rgb{MEASURED}">measured</span></figcaption></figure>'
    )


def _plot(record: SceneRecord, axes: tuple[int, int]) -> str:
    paths = [
        (np.array(record.commanded).reshape(-1, 3), COMMANDED),
        (np.array(record.positions).reshape(-1, 3), MEASURED),
    ]
    points = np.vstack([path[:, axes] for path, _ in paths])
    if not len(points):
        return ""
    low, span = points.min(axis=0), max(float(np.ptp(points, axis=0).max()), 0.05)
    lines = []
    for path, colour in paths:
        thinned = path[:: max(1, len(path) // 400)][:, axes]
        pixels = _MARGIN + (thinned - low) / span * (_SIZE - 2 * _MARGIN)
        pixels[:, 1] = _SIZE - pixels[:, 1]
        if axes[0] == 1:  # y points to the left when x points up
            pixels[:, 0] = _SIZE - pixels[:, 0]
        lines.append(_line(pixels, colour))
    scale = 0.1 / span * (_SIZE - 2 * _MARGIN)
    ruler = f'<path d="M10 {_SIZE - 8}h{scale:.1f}" stroke="#a0aab4"/>'
    ruler += f'<text x="10" y="{_SIZE - 12}" fill="#a0aab4">10 cm</text>'
    return f'<svg width="{_SIZE}" height="{_SIZE}" viewBox="0 0 {_SIZE} {_SIZE}">{"".join(lines)}{ruler}</svg>'


def _line(pixels: Floats, colour: Colour) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
    return f'<polyline points="{points}" fill="none" stroke="rgb{colour}" stroke-width="2"/>'
