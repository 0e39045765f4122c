"""Measures a recording topic by topic: rates, gaps, and how header stamps run against the time of recording."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .bag import Bag, stamp_of

__all__ = ["GAP_PERIODS", "TopicSurvey", "is_stamped", "survey"]

GAP_PERIODS = 2.5
"""A pause counts as a gap from this many median periods on."""
_MOST_GAPS = 20


@dataclass
class TopicSurvey:
    """One topic in numbers. Times in seconds.

    rate_hz: 1 / median period, of header stamps where there are any, else of log times; nan below 3 messages. gaps:
    (start after the recording's begin, length), the longest ones first, `gap_count` of them in all. delay: median of
    log time minus header stamp. drift_ppm: how much log time runs faster than header stamps, fitted over the topic
    (millionths; nan without stamps or below 10 messages). drift: the same over the whole topic, in seconds. backwards:
    messages whose stamp is before that of the message before. unstamped: messages with a header stamp of 0 or below.
    """

    name: str
    type: str
    count: int
    stamped: bool
    rate_hz: float = float("nan")
    gap_count: int = 0
    gaps: list[tuple[float, float]] = field(default_factory=list)
    delay: float = float("nan")
    drift_ppm: float = float("nan")
    drift: float = float("nan")
    backwards: int = 0
    unstamped: int = 0


def is_stamped(bag: Bag, type_name: str) -> bool:
    """Whether messages of that type begin with a std_msgs/Header."""
    known = bag.typestore.fielddefs.get(type_name)
    return bool(known and known[1] and known[1][0][1][1] == "std_msgs/msg/Header")


def survey(bag: Bag, progress: Callable[[int], None] | None = None) -> list[TopicSurvey]:
    """Every topic of a recording, in one pass and 16 bytes per message. progress: called with the messages read."""
    stamped = {name: topic.encoding == "cdr" and is_stamped(bag, topic.type) for name, topic in bag.topics.items()}
    logs = {name: array("q") for name in bag.topics}
    stamps = {name: array("q") for name in bag.topics}
    for index, message in enumerate(bag.messages()):
        logs[message.topic].append(message.log_ns)
        if stamped[message.topic]:
            stamps[message.topic].append(stamp_of(message.data))
        if progress is not None and index % 1000 == 0:
            progress(index)
    return [
        _measure(
            TopicSurvey(name, topic.type, len(logs[name]), stamped[name]),
            np.array(logs[name]),
            np.array(stamps[name]),
            bag.start_ns,
        )
        for name, topic in bag.topics.items()
    ]


def _measure(result: TopicSurvey, logs: np.ndarray, stamps: np.ndarray, start_ns: int) -> TopicSurvey:
    if result.stamped:
        result.unstamped = int((stamps <= 0).sum())
        result.backwards = int((np.diff(stamps) < 0).sum())
        result.stamped = result.unstamped < len(stamps)
    times = stamps if result.stamped else logs
    if result.stamped and len(logs):
        delay = (logs - stamps) * 1e-9
        result.delay = float(np.median(delay))
        if len(logs) >= 10 and stamps[-1] > stamps[0]:
            seconds = (stamps - stamps[0]) * 1e-9
            result.drift_ppm = float(np.polyfit(seconds, delay, 1)[0] * 1e6)
            result.drift = result.drift_ppm * 1e-6 * float(seconds[-1])
    if len(times) >= 3:
        periods = np.diff(times) * 1e-9
        period = float(np.median(periods))
        result.rate_hz = 1 / period if period > 0 else float("nan")
        long = np.flatnonzero(periods > GAP_PERIODS * period) if period > 0 else np.array([], int)
        result.gap_count = len(long)
        result.gaps = [
            ((logs[i] - start_ns) * 1e-9, float(periods[i]))
            for i in sorted(long, key=lambda i: -periods[i])[:_MOST_GAPS]
        ]
    return result
