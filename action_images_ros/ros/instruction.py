"""The topic `instruction` of the policy: the newest message holds and stays readable for late subscribers.

The node publishes its parameter and republishes, latched, what a user sends: `ros2 topic pub --once` leaves nothing
behind, and a recording that starts later would have no instruction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from std_msgs.msg import String

from ..interfaces.instruction import checked_instruction

__all__ = ["InstructionTopic"]


class _Publisher(Protocol):
    def publish(self, message: String) -> None: ...


class InstructionTopic:
    """Holds the newest instruction; calls `changed(text)` on every change.

    advertise: creates the publisher, on the first instruction; its own messages arrive at `heard` too, in the order of
    publication.
    """

    def __init__(self, advertise: Callable[[], _Publisher], changed: Callable[[str], None]) -> None:
        self._advertise, self._changed = advertise, changed
        self._publisher: _Publisher | None = None
        self._own: list[str] = []
        self.text = ""

    def say(self, text: str) -> None:
        """Take an instruction over and publish it; an empty one stops the policy. ValueError when it is none."""
        self.text = checked_instruction(text)
        self._publish()
        self._changed(self.text)

    def heard(self, message: String) -> None:
        """A message of the topic. ValueError, and nothing changed, when it is no instruction."""
        text = checked_instruction(message.data)
        if text in self._own:  # an echo; whatever was said before it was replaced
            del self._own[: self._own.index(text) + 1]
            return
        if text != self.text:
            self.text = text
            self._publish()
        self._changed(text)

    def _publish(self) -> None:
        self._own = [*self._own[-9:], self.text]
        if self._publisher is None:
            self._publisher = self._advertise()
        self._publisher.publish(String(data=self.text))
