"""Logs plans, pictures, the arm and figures to Rerun: for the live page and for what was recorded.

Rerun (package rerun-sdk, extra `live`) is imported here and only here. Entities: /robot (meshes), /plan, /measured,
/commanded, /workspace, /camera/NAME (frustum and picture), /strip/NAME, /figures/.., /state, /instruction. Times are
seconds of the timeline `time`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from ..control.chunk import Chunk
from ..geometry.arrays import Floats, Images
from .colours import COMMANDED, MEASURED, QUIET
from .shapes import box_edges, plan_shapes
from .urdf_meshes import Meshes

__all__ = ["HAS_RERUN", "INSTALL_RERUN", "RerunLog", "blueprint", "viewer_command"]

rr: Any
rrb: Any
rerun_cli: Any
try:
    rr, rrb, rerun_cli = (importlib.import_module(name) for name in ("rerun", "rerun.blueprint", "rerun_cli"))
except ImportError:
    rr = rrb = rerun_cli = None
HAS_RERUN = rr is not None
INSTALL_RERUN = "rerun cannot be imported; pip install 'action_images_ros[live]'"
_TIMELINE, _QUALITY = "time", 85
_EYE, _LOOKED_AT = (1.2, 1.1, 0.85), (0.35, 0.0, 0.25)  # m: from the front left, on the room before the base
DISTANCES = ("certainty_mm", "video_action_mm")
"""Figures in mm; the others are in s or have no unit."""


def blueprint(cameras: Sequence[str]) -> Any:
    """What is where in the viewer: strips in a column, the 3D scene beside them, figures and log below."""
    strips = [rrb.Spatial2DView(origin=f"/strip/{camera}", name=f"{camera}: plan") for camera in cameras]
    scene = rrb.Spatial3DView(
        origin="/",
        name="plan (green: certain, red: not), measured path blue, commanded violet",
        contents=["+ /robot/**", "+ /plan/**", "+ /measured", "+ /commanded", "+ /workspace/**", "+ /camera/**"],
        eye_controls=rrb.EyeControls3D(position=_EYE, look_target=_LOOKED_AT, eye_up=(0.0, 0.0, 1.0)),
    )
    legend = rrb.PlotLegend(corner="LeftTop")
    distances = [f"+ /figures/{name}" for name in DISTANCES]
    below = [
        rrb.TimeSeriesView(origin="/figures", contents=distances, name="certainty, mm", plot_legend=legend),
        rrb.TimeSeriesView(
            origin="/figures",
            contents=["+ /figures/**", *(line.replace("+", "-", 1) for line in distances)],
            name="ages and stage times, s",
            plot_legend=legend,
        ),
        rrb.TextLogView(
            origin="/state",
            name="states",
            columns=rrb.TextLogColumns(text_log_columns=["Body"]),
        ),
    ]
    return rrb.Blueprint(
        rrb.Horizontal(
            rrb.Vertical(*strips, name="strips"),
            rrb.Vertical(scene, rrb.Horizontal(*below), row_shares=[3, 1]),
            column_shares=[1.15, 1],
        ),
        rrb.TimePanel(state="collapsed"),
        rrb.SelectionPanel(state="collapsed"),
        rrb.BlueprintPanel(state="collapsed"),
    )


def viewer_command(grpc_port: int, web_port: int) -> tuple[list[str], str]:
    """The program that serves the viewer to browsers of this machine, and the address that `RerunLog.connect` takes.
    ValueError where rerun is missing."""
    if rr is None:
        raise ValueError(INSTALL_RERUN)
    # The program itself: python -m rerun would leave it behind when it is ended.
    command = [
        str(Path(rerun_cli.__file__).with_name("rerun")),
        "--serve-web",
        "--bind",
        "127.0.0.1",
        "--port",
        str(grpc_port),
    ]
    command += ["--web-viewer-port", str(web_port), "--server-memory-limit", "512MB"]
    return command, f"rerun+http://127.0.0.1:{grpc_port}/proxy"


class RerunLog:
    """One recording. opening_axis `[3]`: along which the fingers open, in the robot's tool frame.

    Raises ValueError where rerun is missing.
    """

    def __init__(self, name: str = "action_images", opening_axis: Sequence[float] = (0.0, 1.0, 0.0)) -> None:
        if rr is None:
            raise ValueError(INSTALL_RERUN)
        self.stream = rr.RecordingStream(name)
        self._axis = np.asarray(opening_axis, dtype=np.float64)
        self.stream.log("/", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        self._state: tuple[str, str] | None = None

    def save(self, path: Path, cameras: Sequence[str]) -> None:
        """Write everything logged from now on to a file that Rerun opens."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.stream.save(str(path), default_blueprint=blueprint(cameras))

    def connect(self, address: str, cameras: Sequence[str]) -> None:
        """Send everything to a server: what `viewer_command` starts."""
        self.stream.connect_grpc(address, default_blueprint=blueprint(cameras))

    def flush(self) -> None:
        """Pass on what is buffered."""
        self.stream.flush()

    def close(self) -> None:
        """Pass on what is buffered and let go of the file or the server, which may end then."""
        self.stream.flush()
        self.stream.disconnect()

    def at(self, time_s: float) -> None:
        """The time of what is logged next, s."""
        self.stream.set_time(_TIMELINE, duration=time_s)

    # What is logged.
    def picture(self, camera: str, rgb: Images) -> None:
        """A camera's picture, uint8 `[h, w, 3]`, beside its frustum."""
        self.stream.log(f"/camera/{camera}/picture", _encoded(rgb))

    def strip(self, camera: str, rgb: Images) -> None:
        """The annotated strip of a camera."""
        self.stream.log(f"/strip/{camera}", _encoded(rgb))

    def camera(self, camera: str, K: Floats, world_from_camera: Floats, size: tuple[int, int]) -> None:
        """A camera's frustum: K `[3, 3]` px of pictures of size (H, W), pose `[4, 4]` m."""
        entity = f"/camera/{camera}"
        self.stream.log(entity, _transform(world_from_camera))
        pinhole = rr.Pinhole(
            image_from_camera=K,
            height=size[0],
            width=size[1],
            camera_xyz=rr.ViewCoordinates.RDF,
            image_plane_distance=0.25,
        )
        self.stream.log(f"{entity}/picture", pinhole)

    def plan(self, chunk: Chunk) -> None:
        """A chunk's path, axes, gripper and certainty; nothing of frames that are not valid."""
        plan = plan_shapes(chunk, self._axis)
        frames = np.flatnonzero(plan.valid)
        colours = np.round(255 * plan.colours[frames]).astype(np.uint8)
        pieces = [plan.centres[[a, b]] for a, b in zip(frames[:-1], frames[1:], strict=True)]
        self.stream.log("/plan/path", rr.LineStrips3D(pieces, colors=colours[1:], radii=0.005))
        lines = plan.grippers[frames].reshape(-1, 2, 3)
        self.stream.log("/plan/gripper", rr.LineStrips3D(lines, colors=np.repeat(colours, 3, axis=0), radii=0.002))
        axes = np.tile(np.array([[255, 60, 60], [60, 230, 60], [80, 110, 255]], np.uint8), (len(frames), 1))
        self.stream.log("/plan/axes", rr.LineStrips3D(plan.axes[frames].reshape(-1, 2, 3), colors=axes, radii=0.0015))
        glass = colours.copy()
        glass[:, 3] = 70
        self.stream.log(
            "/plan/certainty",
            rr.Ellipsoids3D(
                centers=plan.centres[frames],
                half_sizes=plan.semi_axes[frames],
                quaternions=_quaternions(plan.rotations[frames]),
                colors=glass,
                fill_mode="solid",
            ),
        )

    def path(self, name: str, points: Floats) -> None:
        """`measured` or `commanded`: `[N, 3]` m, oldest first."""
        colour = MEASURED if name == "measured" else COMMANDED
        self.stream.log(f"/{name}", rr.LineStrips3D([points] if len(points) > 1 else [], colors=[colour], radii=0.004))

    def box(self, name: str, low: Sequence[float], high: Sequence[float], colour: tuple[int, int, int] = QUIET) -> None:
        """The edges of a box by its corners, m."""
        edges = box_edges(np.asarray(low), np.asarray(high))
        self.stream.log(f"/workspace/{name}", rr.LineStrips3D(edges, colors=[colour], radii=0.0015), static=True)

    def figures(self, values: Mapping[str, float]) -> None:
        """Numbers over time by name, such as chunk_age_s."""
        for name, value in values.items():
            if np.isfinite(value):
                self.stream.log(f"/figures/{name}", rr.Scalars(float(value)))

    def state(self, state: str, reason: str = "") -> None:
        """The arm's state; logged where it differs from the one before."""
        if (state, reason) != self._state:
            self._state = (state, reason)
            level = "ERROR" if state == "faulted" else "WARN" if state in ("stopped", "holding", "proposed") else "INFO"
            self.stream.log("/state", rr.TextLog(f"{state}: {reason}" if reason else state, level=level))

    def instruction(self, text: str) -> None:
        """What the arm is told to do."""
        self.stream.log("/instruction", rr.TextDocument(text))

    def meshes(self, meshes: Meshes) -> None:
        """Once: mesh files by link with their colour 0..1; `links` then moves them."""
        for link, files in meshes.items():
            for number, (file, colour) in enumerate(files):
                paint = [round(255 * float(part)) for part in colour]
                asset = rr.Asset3D(path=file, albedo_factor=paint)
                self.stream.log(f"/robot/{link}/{number}", asset, static=True)

    def links(self, poses: Mapping[str, Floats]) -> None:
        """base_from_link `[4, 4]` m of links."""
        for link, pose in poses.items():
            self.stream.log(f"/robot/{link}", _transform(pose))


def _encoded(rgb: Images) -> Any:
    """A JPEG: a tenth of the bytes for the browser."""
    good, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not good:
        raise ValueError(f"the picture is {list(rgb.shape)}; it cannot be encoded as JPEG")
    return rr.EncodedImage(contents=data.tobytes(), media_type="image/jpeg")


def _transform(pose: Floats) -> Any:
    return rr.Transform3D(translation=pose[:3, 3], quaternion=rr.Quaternion(xyzw=_quaternions(pose[None, :3, :3])[0]))


def _quaternions(rotations: Floats) -> Floats:
    return np.asarray(Rotation.from_matrix(rotations).as_quat()) if len(rotations) else np.zeros((0, 4))
