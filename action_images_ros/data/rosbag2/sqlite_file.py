"""rosbag2's sqlite3 files (.db3), every version, the recorder's write-ahead log included, without touching them."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import quote

from .metadata import qos_from
from .storage import BagMessage, BagTopic, merge_topics

__all__ = ["SqliteFile"]

_LOGS = ("-wal", "-journal")


class SqliteFile:
    """An open .db3 file; see `storage.Storage`.

    Rows of a recorder that was killed stand in NAME.db3-wal (or are to be taken back by NAME.db3-journal). SQLite would
    write into the folder to read them, so both are read from a copy in a temporary folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._connection = self._connect()
        try:
            self._ids: dict[int, BagTopic] = {}
            self.topics: dict[str, BagTopic] = {}
            self._read_topics()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        logs = [file for ending in _LOGS if (file := Path(f"{self.path}{ending}")).is_file() and file.stat().st_size]
        if not logs:
            return sqlite3.connect(
                f"file:{quote(str(self.path))}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
        self._temporary = tempfile.TemporaryDirectory(prefix="action-images-")
        for file in (self.path, *logs):
            shutil.copyfile(file, Path(self._temporary.name) / file.name)
        self.notes.append(
            f"the recorder was not ended properly: messages of {', '.join(f.name for f in logs)} are read too"
        )
        copy = sqlite3.connect(Path(self._temporary.name) / self.path.name, check_same_thread=False)
        copy.execute("PRAGMA query_only = 1")
        return copy

    def _columns(self, table: str) -> set[str]:
        return {row[1] for row in self._connection.execute(f"PRAGMA table_info({table})")}

    def _read_topics(self) -> None:
        have = self._columns("topics")
        if not have or not self._columns("messages"):
            raise ValueError(f"{self.path} is a database without the tables messages and topics: it is no recording")
        definitions: dict[str, tuple[str, str, str]] = {}
        if self._columns("message_definitions"):
            definitions = {
                str(name): (str(text), str(form), str(mark or ""))
                for name, form, text, mark in self._connection.execute(
                    "SELECT topic_type, encoding, encoded_message_definition, "
                    "type_description_hash FROM message_definitions"
                )
            }
        counts = {
            topic: (count, first, last)
            for topic, count, first, last in self._connection.execute(
                "SELECT topic_id, COUNT(*), MIN(timestamp), MAX(timestamp) FROM messages GROUP BY topic_id"
            )
        }
        optional = [
            name if name in have else "''"
            for name in ("serialization_format", "offered_qos_profiles", "type_description_hash")
        ]
        for number, name, kind, encoding, qos, mark in self._connection.execute(
            f"SELECT id, name, type, {', '.join(optional)} FROM topics ORDER BY id"
        ):
            text, form, other = definitions.get(str(kind), ("", "", ""))
            topic = BagTopic(
                str(name),
                str(kind),
                int(counts.get(number, (0,))[0]),
                qos_from(qos),
                text,
                form,
                str(mark or other),
                str(encoding or "cdr"),
            )
            self._ids[number] = topic
            self.topics[topic.name] = merge_topics(self.topics.get(topic.name), topic, self.path)
        lost = sum(count for number, (count, *_) in counts.items() if number not in self._ids)
        if lost:
            self.notes.append(f"{lost} messages belong to no topic of the file and cannot be read")
        self.start_ns = min((int(first) for _, first, _ in counts.values()), default=None)
        self.end_ns = max((int(last) for _, _, last in counts.values()), default=None)

    def messages(
        self, topics: Collection[str], start_ns: int | None = None, end_ns: int | None = None
    ) -> Iterator[BagMessage]:
        """See `storage.Storage`."""
        chosen = [number for number, topic in self._ids.items() if topic.name in topics]
        where, values = [f"topic_id IN ({', '.join('?' * len(chosen))})"], [*chosen]
        for limit, text in ((start_ns, "timestamp >= ?"), (end_ns, "timestamp < ?")):
            if limit is not None:
                where.append(text)
                values.append(limit)
        for number, log_ns, data in self._connection.execute(
            f"SELECT topic_id, timestamp, data FROM messages WHERE {' AND '.join(where)} ORDER BY timestamp, id", values
        ):
            topic = self._ids[number]
            yield BagMessage(topic.name, topic.type, int(log_ns), int(log_ns), 0, bytes(data))

    def close(self) -> None:
        """Close the file, and remove the copy if there is one."""
        self._connection.close()
        if self._temporary is not None:
            self._temporary.cleanup()
