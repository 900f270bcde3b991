"""The answers that were given, by command id: what makes "once" true.

They are kept in three tables that change their parts in turn: one takes the new answers, one still has those of before,
and one, whose answers have served their time, is emptied little by little. The parts change when the first is full, or
has been filled for long enough. So no call ever pays for the forgetting of many; the last `FULL` answers are always
there (unless they are old), and never does it remember more than twice as many.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import orjson

from cloudsim.agents.base import Answer, CommandFailed

#: A table is full with so many answers, or after so many milliseconds.
FULL = 100_000
LONG = 12 * 3600 * 1000
#: Once in so many commands it is looked whether it is full, and so many answers are forgotten then.
LOOK_EVERY = 50
FORGET = 400

TABLES = ("answers_0", "answers_1", "answers_2")

_TABLE = """
CREATE TABLE {name} (
    -- `what` is the verb, and the host where the verb is about one; `failed`: the answer is the text of a failure.
    id TEXT PRIMARY KEY, what TEXT NOT NULL, failed INTEGER NOT NULL, answer BLOB NOT NULL
) WITHOUT ROWID;
"""
SCHEMA = (
    "".join(_TABLE.format(name=name) for name in TABLES)
    + """
-- The number of the table that takes new answers, since when (ms), and how many it has (give or take LOOK_EVERY).
CREATE TABLE filling (newer INTEGER NOT NULL, since INTEGER NOT NULL, number INTEGER NOT NULL);
INSERT INTO filling VALUES (0, 0, 0);
"""
)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The statements for one distribution of the parts."""

    newer: int
    find: str
    add: str
    forget: str
    forget_all: str


def _parts(newer: int) -> _Parts:
    new, old, worn = (TABLES[(newer - behind) % 3] for behind in range(3))
    columns = "what, failed, answer"
    return _Parts(
        newer,
        f"SELECT {columns} FROM {new} WHERE id = ?1 UNION ALL SELECT {columns} FROM {old} WHERE id = ?1",
        f"INSERT INTO {new} (id, {columns}) VALUES (?, ?, ?, ?)",
        f"DELETE FROM {worn} WHERE id IN (SELECT id FROM {worn} LIMIT {FORGET})",
        f"DELETE FROM {worn}",
    )


_PARTS = tuple(_parts(newer) for newer in range(len(TABLES)))


class Records:
    """The three tables. Its methods belong into a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._until_look = LOOK_EVERY
        self.reload()

    def reload(self) -> None:
        """Reads which part each table has; again after a transaction that was undone."""
        self._parts = _PARTS[self._db.execute("SELECT newer FROM filling").fetchone()[0]]

    def has(self, command: str) -> bool:
        """Whether there is an answer of the command of that id."""
        return self._db.execute(self._parts.find, (command,)).fetchone() is not None

    def find(self, command: str, what: str) -> Answer | None:
        """The remembered answer, or None. `CommandFailed` where that is the answer, or the id meant something else."""
        row = self._db.execute(self._parts.find, (command,)).fetchone()
        if row is None:
            return None
        if row[0] != what:
            raise CommandFailed(f"Command {command} was {row[0]!r} before and now is {what!r}")
        answer: Answer = orjson.loads(row[2])
        if row[1]:
            raise CommandFailed(str(answer))
        return answer

    def add(self, command: str, what: str, answer: Answer, failure: str | None, now: int) -> None:
        """Remembers the answer, or the failure in its stead, given at `now` (milliseconds)."""
        said = orjson.dumps(answer if failure is None else failure)
        self._db.execute(self._parts.add, (command, what, failure is not None, said))
        self._until_look -= 1
        if self._until_look <= 0:
            self._until_look = LOOK_EVERY
            self._look(now)

    def _look(self, now: int) -> None:
        db = self._db
        db.execute(self._parts.forget)
        since, number = db.execute("SELECT since, number FROM filling").fetchone()
        since, number = since or now, number + LOOK_EVERY
        if number >= FULL or now - since >= LONG:
            db.execute(self._parts.forget_all)
            self._parts = _PARTS[(self._parts.newer + 1) % 3]
            since, number = now, 0
        db.execute("UPDATE filling SET newer = ?, since = ?, number = ?", (self._parts.newer, since, number))
