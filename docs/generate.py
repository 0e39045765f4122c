"""Reference pages made from the code when the site is built: command line, topics, parameters."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from action_images_ros.parameter import Spec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def on_files(files, config):
    """Add the generated pages to those of docs/."""
    for name, content in (("cli", command_line()), ("topics", topics()), ("parameters", parameters())):
        files.append(File.generated(config, f"reference/{name}.md", content=content))
    return files


def command_line() -> str:
    """Every command with its arguments and options, as typer describes them."""
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "typer",
            "action_images_ros.cli.main",
            "utils",
            "docs",
            "--name",
            "action-images",
            "--title",
            "Command line",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise RuntimeError(f"typer utils docs failed with exit code {result.returncode}; {result.stderr.strip()}")
    return re.sub(r"<(list\[\w+\])>", r"<\1>", result.stdout)


def topics() -> str:
    """The table of topics and the QoS of each."""
    from action_images_ros.interfaces.topics import TOPICS

    rows = [
        f"| `{row.name}` | {row.type.replace('/msg/', '/')} | {row.qos} | {row.stamp or '–'} | "
        f"{', '.join(row.publishers + (row.outside if not row.publishers else ())) or '–'} | "
        f"{', '.join(row.subscribers) or '–'} |"
        for row in TOPICS
    ]
    return "\n".join(
        [
            "# Topics",
            "",
            "Generated from the table that every node reads. `<cam>` is each camera name; "
            "names are relative to the namespace. [Nodes](../nodes.md) explains the QoS names.",
            "",
            "| topic | type | QoS | header | published by | subscribed by |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def parameters() -> str:
    """The declared parameters of every node, and the values of config/policy.yaml and config/robots/."""
    from action_images_ros.parameter import specs
    from action_images_ros.ros.node_parameters import NODE_PARAMETERS

    parts = [
        "# Parameters",
        "",
        "Generated from the declarations of the nodes. `config/policy.yaml` is the graph's parameter file; a file of "
        "`config/robots/` is read after it and overrides it; `params_file:=FILE` overrides both. A name that is not "
        "declared is refused.",
        "",
    ]
    common = NODE_PARAMETERS["policy"][0]
    for node, kinds in {"All nodes": (common,), **NODE_PARAMETERS}.items():
        parts += [f"## {node}", "", "| parameter | default | unit | range | meaning |", "|---|---|---|---|---|"]
        parts += [
            _declared(spec) for kind in kinds if kind is not common or node == "All nodes" for spec in specs(kind)
        ]
        parts.append("")
    parts += ["## Values of `config/policy.yaml`", "", _tables(ROOT / "config" / "policy.yaml", "###")]
    for path in sorted((ROOT / "config" / "robots").glob("*.yaml")):
        parts += [f"## Robot `{path.stem}`", "", _tables(path, "###")]
    return "\n".join(parts)


def _declared(spec: Spec) -> str:
    """One row: name, default, unit, range or choices, meaning."""
    default = list(spec.default) if isinstance(spec.default, tuple) else spec.default
    bounds = ", ".join(spec.choices) or " .. ".join(
        "" if bound is None else f"{bound:g}" for bound in ((spec.low, spec.high) if spec.low != spec.high else ())
    )
    meaning = spec.what.replace("|", "\\|").replace("<", "&lt;")
    return f"| `{spec.name}` | `{default!r}` | {spec.unit or '–'} | {bounds.strip() or '–'} | {meaning} |"


def _tables(path: Path, heading: str = "##") -> str:
    """One table per node section of a commented parameter file."""
    lines: list[str] = []
    comment: list[str] = []
    for line in path.read_text().splitlines():
        section = re.match(r"(/\S+):\s*$", line)
        entry = re.match(r"    (\w+): (.*)$", line)
        if section:
            name = section[1].removeprefix("/**").strip("/")
            lines += ["", f"{heading} {name or 'All nodes'}", "", "| parameter | value | meaning |", "|---|---|---|"]
        elif entry:
            value = entry[2].split("  #")[0].strip()
            lines.append(f"| `{entry[1]}` | `{value}` | {' '.join(comment)} |")
        text = re.match(r"    # ?(.*)$", line)
        comment = [*comment, text[1].replace("|", "\\|").replace("<", "&lt;")] if text else []
    return "\n".join([*lines, ""])
