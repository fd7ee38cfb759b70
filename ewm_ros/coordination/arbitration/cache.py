"""Answers that were given before, kept in a file: the same question under the same rules is not asked twice.

Several processes may use one file. It is a convenience: whatever goes wrong with it after it was opened is a miss.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from ewm_ros.coordination.arbitration.prompt import PROMPT_VERSION
from ewm_ros.coordination.arbitration.question import Question
from ewm_ros.coordination.arbitration.reply import Answer, one_line
from ewm_ros.errors import InputError

APPLICATION = 0x45574D41  # "EWMA", tells the file from other programs' databases
SCHEMA = 1  # goes up with every change of the table
MAX_ENTRIES = 10_000
BUSY = 0.1  # s that a call waits for another process that writes, at most
OPENING = 5.0  # s, the same when opening
_TABLE = """
CREATE TABLE answers (
    question TEXT NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL, rules TEXT NOT NULL,
    choice TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (question, model, prompt, rules)
)"""


class AnswerCache:
    """Answers by question, model, version of the prompt and rules. One thread at a time may use it."""

    def __init__(self, path: Path | None = None, trouble: str = "") -> None:
        """Open it, or make it where there is none yet.

        Args:
            path: of the file, whose folder is made if need be; None keeps the answers in memory.
            trouble: why they are, if they should not be.

        Raises:
            InputError: the file cannot be used, is something else or was made by another version.
        """
        self._trouble = trouble
        if path is None:
            self._database = _opened(":memory:")
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = _opened(str(path))
        except OSError as error:
            raise InputError(f"{path}: the folder of the answer cache cannot be made ({error.strerror})") from error
        except (sqlite3.Error, InputError) as error:
            raise InputError(f"{path}: no usable answer cache ({error}): delete it or name another file") from error

    @property
    def trouble(self) -> str:
        """What first went wrong since it was opened, one line; empty if nothing has."""
        return self._trouble

    def get(self, question: Question, model: str) -> Answer | None:
        """What the model answered to this question before; None if that is not known."""
        try:
            rows = self._database.execute(
                "SELECT choice, reason FROM answers WHERE (question, model, prompt, rules) = (?, ?, ?, ?)",
                _key(question, model),
            ).fetchall()
        except (sqlite3.Error, UnicodeError) as error:
            self._note("read", error)
            return None
        for choice, reason in rows:
            if choice in question.options and isinstance(reason, str):
                return Answer(choice, one_line(reason))
        return None

    def put(self, question: Question, model: str, answer: Answer) -> None:
        """Keep an answer, instead of an earlier one; of more than 10,000 the oldest go."""
        try:
            with self._database:
                self._database.execute(
                    "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)",
                    (*_key(question, model), answer.choice, answer.reason),
                )
                # A new row has the largest rowid of all, so this many of them at most are left.
                self._database.execute(
                    "DELETE FROM answers WHERE rowid <= (SELECT max(rowid) FROM answers) - ?", (MAX_ENTRIES,)
                )
        except (sqlite3.Error, UnicodeError) as error:
            self._note("written", error)

    def close(self) -> None:
        """Give the file back."""
        self._database.close()

    def _note(self, what: str, error: Exception) -> None:
        self._trouble = self._trouble or f"the answer cache could not be {what} ({error})"


def _key(question: Question, model: str) -> tuple[str, str, str, str]:
    return question.cache_key, model, PROMPT_VERSION, question.rules_hash


def _opened(name: str) -> sqlite3.Connection:
    # Python allows the thread that opened it only; SQLite itself does not mind others, one after the other.
    database = sqlite3.connect(name, timeout=OPENING, check_same_thread=False)
    try:
        _prepare(database)
    except (sqlite3.Error, InputError):
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection) -> None:
    """Check what the file is, and make the table if it is empty."""
    # A writer's lock first, so that of two processes that find no table only one makes it.
    with database:
        database.execute("BEGIN IMMEDIATE")
        application, schema = (_pragma(database, name) for name in ("application_id", "user_version"))
        if application == schema == 0 and not database.execute("SELECT 1 FROM sqlite_master").fetchall():
            database.execute(_TABLE)
            database.execute(f"PRAGMA application_id = {APPLICATION}")
            database.execute(f"PRAGMA user_version = {SCHEMA}")
        elif application != APPLICATION:
            raise InputError("it is the database of another program")
        elif schema != SCHEMA:
            raise InputError(f"it has format {schema}, this version knows {SCHEMA}")
    # Readers and one writer side by side. It stays so in the file, and all else works without: who finds it locked has
    # somebody opening it at the same moment, and does not wait as SQLite does not here.
    with suppress(sqlite3.OperationalError):
        database.execute("PRAGMA journal_mode = WAL")
    # No wait for the disk at every answer: at worst a power cut costs the newest ones.
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute(f"PRAGMA busy_timeout = {round(1000 * BUSY)}")


def _pragma(database: sqlite3.Connection, name: str) -> int:
    with closing(database.execute(f"PRAGMA {name}")) as cursor:
        return int(cursor.fetchone()[0])
