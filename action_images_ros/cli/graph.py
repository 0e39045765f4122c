"""The commands that start and control the ROS graph."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from .app import app
from .options import options_from_dataclasses
from .shared import Json, Model, Seed, Tasks, _names, _tasks

Robot = Annotated[str, typer.Option(help="cell, or a name or file of config/robots.")]
Cameras = Annotated[str, typer.Option(help="Camera names separated by commas.")]
ParamsFile = Annotated[str, typer.Option(help="Additional parameter file; overrides the others.")]
Namespace = Annotated[str | None, typer.Option(help="Namespace of all nodes; default: cell, or none with a robot.")]
"""Options that select a graph, the same for the commands that start, check and secure it."""


@dataclass(frozen=True)
class UpOptions:
    """The graph that is started."""

    model: Annotated[str, typer.Option(help="Name in models/ or folder; empty: from the parameter file.")] = ""
    robot: Robot = "cell"
    cameras: Cameras = ""
    instruction: Annotated[str, typer.Option(help="Instruction of the policy; empty: wait for one.")] = ""
    policy: Annotated[str, typer.Option(help="model, or oracle (cell only, for tests).")] = "model"
    params_file: ParamsFile = ""
    namespace: Namespace = None
    use_sim_time: Annotated[bool | None, typer.Option(help="Time from /clock; default: with the cell.")] = None
    label: Annotated[
        bool,
        typer.Option("--label", help="Label a replayed recording (docs/labelling.md) instead of controlling an arm."),
    ] = False
    live: Annotated[
        bool, typer.Option("--live", help="Show it in a browser of this machine (docs/looking.md); prints the address.")
    ] = False


@app.command()
@options_from_dataclasses
def up(options: UpOptions) -> None:
    """Start the ROS graph without ros2 launch; Ctrl-C stops it."""
    from contextlib import AbstractContextManager, nullcontext

    from ..graph.environment import graph_environment
    from ..graph.options import GraphOptions, effective_parameters, processes
    from ..graph.supervisor import up as run

    given = asdict(options) | {"cameras": tuple(_names(options.cameras))}
    live = given.pop("live")
    graph = GraphOptions(**given)
    shown: AbstractContextManager[None] = nullcontext()
    if live:
        from ..apps.live_page import live_page

        view = next(spec for spec in processes(graph) if spec.node.name == "view")
        own = effective_parameters(view)
        shown = live_page(view.namespace, own["cameras"], str(own.get("base_frame", "base")), graph_environment())
    with shown:
        code = run(graph)
    raise typer.Exit(code)


@app.command("show")
def _show_recorded(
    path: Annotated[Path, typer.Argument(help="Recording, data set, or folder of a training run.")],
    out: Annotated[Path | None, typer.Option(help="Write this .rrd file instead of opening a page.")] = None,
    episodes: Annotated[int, typer.Option(help="Number of episodes.", min=1)] = 5,
    robot: Annotated[str, typer.Option(help="Of a recording: cell, or a name or file of config/robots.")] = "",
) -> None:
    """Show recordings, data sets and training sheets in Rerun's viewer."""
    from ..apps.show import show
    from ..data.format import Options

    typer.echo(show(path, out=out, episodes=episodes, options=Options(robot=robot) if robot else None))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the report, the videos and the contact sheet.")] = Path("out"),
    model: Model = "nano",
    live: Annotated[bool, typer.Option("--live", help="Open the live page in a browser.")] = False,
) -> None:
    """Run three instructions in the simulated cell; write a report, a video and a contact sheet."""
    from ..apps.demo import demo as run

    raise typer.Exit(run(out, model=model, live=live))


@app.command()
def trials(
    model: Model = "nano",
    tasks: Tasks = "all",
    episodes: Annotated[int, typer.Option(help="Episodes per task.")] = 20,
    seed: Seed = 0,
    json: Json = None,
    time_limit: Annotated[float, typer.Option(help="Simulated seconds per episode.")] = 15.0,
    policy: Annotated[str, typer.Option(help="model, or oracle (tests only).")] = "model",
    log: Annotated[Path | None, typer.Option(help="File for the log of the nodes.")] = None,
) -> None:
    """Measure success in the simulated cell through the live ROS graph."""
    from ..apps.trials import run_live

    raise typer.Exit(
        run_live(
            model,
            tasks=_tasks(tasks),
            episodes=episodes,
            seed=seed,
            policy=policy,
            limit_seconds=time_limit,
            json_path=json,
            log=log,
        )
    )


@app.command()
def tell(
    action: Annotated[str, typer.Argument(help="say, enable, disable, approve, reject or stop.")],
    text: Annotated[str, typer.Argument(help="The instruction, for say; the id of a chunk, for approve.")] = "",
    namespace: Annotated[str, typer.Option(help="Namespace of the graph; empty on a robot.")] = "cell",
) -> None:
    """Send an instruction or a service call to a running graph, without the ros2 command."""
    from ..graph.commands import tell as run

    typer.echo(run(action, text, namespace))


@app.command("sros2-policy")
def sros2_policy(
    robot: Robot = "cell",
    namespace: Namespace = None,
    cameras: Cameras = "",
    params_file: ParamsFile = "",
    out: Annotated[Path | None, typer.Option(help="File to write; default: print it.")] = None,
) -> None:
    """Write the SROS2 policy of a robot's graph: who may publish, subscribe and call what (docs/security.md)."""
    from ..graph.security import policy_of
    from ..safe_files import disk_errors, write_text

    text = policy_of(robot, namespace=namespace, cameras=tuple(_names(cameras)), params_file=params_file)
    if out is None:
        typer.echo(text)
    else:
        with disk_errors(out):
            write_text(out, text)


@app.command("check-robot")
def check_robot(
    robot: Annotated[str, typer.Argument(help="cell, or a name or file of config/robots.")] = "cell",
    namespace: Namespace = None,
    cameras: Cameras = "",
    params_file: ParamsFile = "",
    seconds: Annotated[float, typer.Option(help="How long to listen.")] = 5.0,
) -> None:
    """Check a running robot and graph, from the driver to the first approved motion, and name what is missing.

    Listens only. Exit code 0: all is there; 1: something is missing or wrong; 2: the arguments are.
    """
    from ..graph.check_robot import check_robot as run

    raise typer.Exit(
        run(
            robot,
            namespace=namespace,
            cameras=_names(cameras),
            params_file=params_file,
            seconds=seconds,
            tell=typer.echo,
        )
    )


@app.command()
def campaign(
    faults: Annotated[str, typer.Option(help="all, or names or groups of faults separated by commas.")] = "all",
    out: Annotated[Path, typer.Option(help="Folder for campaign.json and campaign.md.")] = Path("out"),
    model: Annotated[str, typer.Option(help="Model whose card the scripted policy uses.")] = "nano",
    log: Annotated[Path | None, typer.Option(help="File for the log of the nodes.")] = None,
) -> None:
    """Inject faults into the live graph of the cell, in motion; report whether and how fast the arm was held."""
    import json

    from ..apps.campaign.faults import faults_named
    from ..apps.campaign.report import markdown
    from ..apps.campaign.run import Outcome, as_row, run_campaign
    from ..safe_files import write_text

    rows: list[Outcome] = []
    out.mkdir(parents=True, exist_ok=True)

    def progress(outcome: Outcome) -> None:
        rows.append(outcome)
        hold = "" if outcome.hold_s is None else f", {outcome.hold_s:.2f} s"
        typer.echo(
            f"{'ok ' if outcome.good else 'NOT'} {outcome.fault}: {outcome.state}, {outcome.moved_mm:.0f} mm{hold}: "
            f"{outcome.problem or outcome.told}"
        )
        write_text(out / "campaign.json", json.dumps([as_row(row) for row in rows], indent=1))
        write_text(out / "campaign.md", markdown(rows))

    run_campaign(faults_named(faults), model=model, log=log, progress=progress)
    bad = [row.fault for row in rows if not row.good]
    typer.echo(f"{len(rows) - len(bad)} of {len(rows)} faults as expected; {out / 'campaign.md'}")
    raise typer.Exit(1 if bad else 0)
