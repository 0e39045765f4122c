"""What a user does with a running graph where there is no ros2 command: say, enable, disable, approve, reject, stop.

    python -m action_images_ros.ros.user say "lift the red block"
    python -m action_images_ros.ros.user enable
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import rclpy
from rclpy.context import Context
from rclpy.duration import Duration

from .client import GraphClient, GraphError

__all__ = ["act", "main"]

ACTIONS = ("say", "enable", "disable", "approve", "reject", "stop")


def act(client: GraphClient, action: str, text: str = "", timeout: float = 10.0) -> str:
    """Do it and return what to tell the user. Raises GraphError when the graph does not answer or refuses."""
    if action not in ACTIONS:
        raise ValueError(f"action is {action!r}; choose one of {', '.join(ACTIONS)}")
    if action == "say":
        publisher = client.say(text)
        client.wait_for("the policy's subscription to instruction", publisher.get_subscription_count, timeout)
        publisher.wait_for_all_acked(Duration(seconds=timeout))
        return f"instruction: {text!r}"
    if action in ("enable", "disable"):
        client.enable(action == "enable")
        return f"{action}d"
    return client.trigger(f"arm_command/{action}", timeout)


def main(argv: Sequence[str] | None = None) -> int:
    """0 when it was done, 1 when the graph did not answer or refused."""
    parser = argparse.ArgumentParser(description="Talk to a running graph.")
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("text", nargs="?", default="", help="the instruction, for say")
    parser.add_argument("--namespace", default="cell", help="of the graph; empty for a robot's")
    given = parser.parse_args(argv)
    context = Context()
    rclpy.init(args=[], context=context)
    try:
        with GraphClient(given.namespace, context=context, name="action_images_user") as client:
            print(act(client, given.action, given.text))
        return 0
    except GraphError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        context.try_shutdown()


if __name__ == "__main__":
    raise SystemExit(main())
