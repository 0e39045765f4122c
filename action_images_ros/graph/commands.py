"""Commands to a running graph without the ros2 command: say, enable, disable, approve, reject, stop.

action-images tell say "lift the red block"
action-images tell enable
"""

from __future__ import annotations

import rclpy
from rclpy.context import Context
from rclpy.duration import Duration

from ..interfaces.instruction import checked_instruction
from .client import GraphClient, GraphError

__all__ = ["act", "tell"]

ACTIONS = ("say", "enable", "disable", "approve", "reject", "stop")


def act(client: GraphClient, action: str, text: str = "", timeout: float = 20.0) -> str:
    """Execute a command; returns the answer for the user. Raises GraphError without one, or when it is refused."""
    if action not in ACTIONS:
        raise ValueError(f"action is {action!r}; choose one of {', '.join(ACTIONS)}")
    if action == "say":
        publisher = client.say(text)
        client.wait_for("the policy's subscription to instruction", publisher.get_subscription_count, timeout)
        publisher.wait_for_all_acked(Duration(seconds=timeout))
        # Who is found later than others, and after this process has gone, would never hear of it.
        said = checked_instruction(text)
        client.wait_for("the policy's report of it", lambda: client.value("policy", "instruction") == said, timeout)
        return f"instruction: {text!r}"
    if action == "approve":
        if text and not text.isdecimal():
            raise ValueError(f"the chunk's id is {text!r}; give the whole number that arm_command/state shows, or none")
        return client.approve(int(text) if text else None, timeout)
    if action in ("enable", "disable"):
        client.enable(action == "enable")
        return f"{action}d"
    return client.trigger(f"arm_command/{action}", timeout)


def tell(action: str, text: str = "", namespace: str = "cell") -> str:
    """`act` on the graph in a namespace; ValueError with the reason where it does not answer or refuses."""
    context = Context()
    rclpy.init(args=[], context=context)
    try:
        with GraphClient(namespace, context=context, name="action_images_user") as client:
            return act(client, action, text)
    except GraphError as error:
        raise ValueError(str(error)) from error
    finally:
        context.try_shutdown()
