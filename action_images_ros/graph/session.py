"""The whole graph with the cell, kept apart from every other ROS graph, and a client to talk to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import rclpy
from rclpy.context import Context
from rclpy.signals import SignalHandlerOptions

from .client import GraphClient
from .environment import isolated_environment
from .options import GraphOptions, processes
from .supervisor import Supervisor

__all__ = ["Session"]


class Session:
    """Starts the processes with a ROS_DOMAIN_ID of their own and discovery on this machine only.

    Context manager that returns a GraphClient once every node is active. Output of the nodes goes to `log`
    and, line by line, to `write(name, line)`.
    """

    def __init__(
        self,
        options: GraphOptions,
        *,
        domain: int | None = None,
        log: Path | None = None,
        write: Callable[[str, str], None] | None = None,
        patience: float = 180.0,
        relay: Callable[[Any], Any] | None = None,
    ) -> None:
        """relay: makes, of the client's node, what stands between nodes whose topics are remapped; it is there before
        the nodes are waited for, as the attribute of the same name."""
        self.options = options
        self.specs = processes(options)
        self.environment = isolated_environment(domain)
        self.domain = int(self.environment["ROS_DOMAIN_ID"])
        self._make_relay = relay
        self.relay: Any = None
        self._log, self._write, self._patience = log, write, patience
        self._file: TextIO | None = None
        self._context = Context()
        self.client: GraphClient | None = None
        self.supervisor = Supervisor(self.specs, self.environment, self._line)
        self.exit_codes: dict[str, int] = {}

    def _line(self, name: str, line: str) -> None:
        if self._file is not None and not self._file.closed:
            self._file.write(f"[{name}] {line}\n")
            self._file.flush()
        if self._write is not None:
            self._write(name, line)

    def _broken(self) -> str:
        ended = self.supervisor.ended()
        return "; ".join(f"{name} ended with exit code {code}" for name, code in ended.items())

    def __enter__(self) -> GraphClient:
        if self._log is not None:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._log.open("w")
        # rclpy of this process reads the same variables: it must sit in the same domain.
        os.environ.update(
            {
                key: value
                for key, value in self.environment.items()
                if key.startswith(("ROS_", "FASTRTPS_", "AMENT_", "RCUTILS_"))
            }
        )
        try:
            self.supervisor.start()
            rclpy.init(
                args=[], context=self._context, domain_id=self.domain, signal_handler_options=SignalHandlerOptions.NO
            )
            self.client = GraphClient(self.specs[0].namespace, context=self._context, broken=self._broken)
            if self._make_relay is not None:
                self.relay = self._make_relay(self.client.node)
            self.client.wait_until_active([spec.node.name for spec in self.specs], self._patience)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self.client

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.client is not None:
            self.client.close()
        if self._context.ok():
            self._context.try_shutdown()
        self.exit_codes = self.supervisor.stop()
        if self._file is not None:
            self._file.close()
