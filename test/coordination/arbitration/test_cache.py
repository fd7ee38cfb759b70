"""Answers that are kept: found again for the same question only, by several processes, and never in anybody's way."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from made_up_questions import made_up_question

from ewm_ros.coordination.arbitration import cache as cache_module
from ewm_ros.coordination.arbitration.cache import AnswerCache
from ewm_ros.coordination.arbitration.question import Question
from ewm_ros.coordination.arbitration.reply import Answer
from ewm_ros.errors import InputError

ROOT = Path(__file__).parents[3]
QUESTION = made_up_question()
ANSWER = Answer("o2", "Cleaning robots let everybody else pass.")
MODEL = "deepseek-r1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a file that is not there yet."""
    return tmp_path / "answers.sqlite"


@pytest.fixture
def cache(path: Path) -> Iterator[AnswerCache]:
    with closing(AnswerCache(path)) as opened:
        yield opened


def another(number: int) -> Question:
    """One of many different questions."""
    return replace(QUESTION, rules_hash=str(number))


def meddled(path: Path, *statements: str) -> None:
    """What somebody else does to the file."""
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def test_an_answer_is_found_again(cache: AnswerCache) -> None:
    assert cache.get(QUESTION, MODEL) is None
    cache.put(QUESTION, MODEL, ANSWER)
    assert cache.get(QUESTION, MODEL) == ANSWER
    assert cache.get(made_up_question(), MODEL) == ANSWER
    cache.put(QUESTION, MODEL, Answer("o1", ""))
    assert cache.get(QUESTION, MODEL) == Answer("o1", "")
    assert cache.trouble == ""


def test_it_lasts(path: Path) -> None:
    for expected in (None, ANSWER):
        with closing(AnswerCache(path)) as cache:
            assert cache.get(QUESTION, MODEL) == expected
            cache.put(QUESTION, MODEL, ANSWER)


def test_without_a_file_it_lasts_as_long_as_the_process() -> None:
    with closing(AnswerCache()) as one, closing(AnswerCache()) as other:
        one.put(QUESTION, MODEL, ANSWER)
        assert one.get(QUESTION, MODEL) == ANSWER
        assert other.get(QUESTION, MODEL) is None


def test_another_model_question_or_rules_or_prompt_is_asked_again(
    cache: AnswerCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.put(QUESTION, MODEL, ANSWER)
    assert cache.get(QUESTION, "another-model") is None
    assert cache.get(replace(QUESTION, kind="head_on"), MODEL) is None
    assert cache.get(replace(QUESTION, rules_hash="others"), MODEL) is None
    monkeypatch.setattr(cache_module, "PROMPT_VERSION", "another")
    assert cache.get(QUESTION, MODEL) is None


def test_the_file_says_what_each_answer_holds_for(cache: AnswerCache, path: Path) -> None:
    cache.put(QUESTION, MODEL, ANSWER)
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT question, model, prompt, rules, choice FROM answers").fetchall()
        version = database.execute("PRAGMA user_version").fetchall()
    assert rows == [(QUESTION.cache_key, MODEL, cache_module.PROMPT_VERSION, QUESTION.rules_hash, "o2")]
    assert version == [(cache_module.SCHEMA,)]


@pytest.mark.parametrize("choice", ["'o3'", "''", "1", "x'6f32'", "'o2 '"])
def test_a_choice_that_is_no_option_of_the_question_is_not_told(choice: str, cache: AnswerCache, path: Path) -> None:
    cache.put(QUESTION, MODEL, ANSWER)
    meddled(path, f"UPDATE answers SET choice = {choice}")
    assert cache.get(QUESTION, MODEL) is None
    cache.put(QUESTION, MODEL, ANSWER)
    assert cache.get(QUESTION, MODEL) == ANSWER


def test_a_reason_from_the_file_is_one_plain_short_line(cache: AnswerCache, path: Path) -> None:
    cache.put(QUESTION, MODEL, ANSWER)
    meddled(path, "UPDATE answers SET reason = 'first' || char(10, 27) || hex(zeroblob(1000))")
    found = cache.get(QUESTION, MODEL)
    assert found is not None
    assert found.reason.startswith("first 000") and len(found.reason) == 160


def test_of_too_many_answers_the_oldest_go(cache: AnswerCache, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "MAX_ENTRIES", 10)
    for number in range(25):
        cache.put(another(number), MODEL, ANSWER)
    assert [number for number in range(25) if cache.get(another(number), MODEL)] == list(range(15, 25))
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM answers").fetchall() == [(10,)]
    cache.put(another(15), MODEL, ANSWER)
    cache.put(another(25), MODEL, ANSWER)
    assert [number for number in range(26) if cache.get(another(number), MODEL)] == [15, *range(17, 26)]


def test_another_thread_than_the_one_that_opened_it_may_use_it(cache: AnswerCache) -> None:
    with ThreadPoolExecutor(1) as other:
        other.submit(cache.put, QUESTION, MODEL, ANSWER).result()
        assert other.submit(cache.get, QUESTION, MODEL).result() == ANSWER
    assert cache.get(QUESTION, MODEL) == ANSWER


SHARING = """
import sys, time
from dataclasses import replace
from pathlib import Path
from made_up_questions import made_up_question
from ewm_ros.coordination.arbitration import cache as cache_module
from ewm_ros.coordination.arbitration.cache import AnswerCache
from ewm_ros.coordination.arbitration.reply import Answer

cache_module.BUSY = 30.0  # on a busy machine a writer may be stopped while it holds the lock
path, model, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
cache = AnswerCache(path)
number = 0
while number != rounds:
    question = replace(made_up_question(), rules_hash=str(number))
    cache.put(question, model, Answer("o1", model))
    assert cache.get(question, model) == Answer("o1", model), cache.trouble
    number += 1
    print(number, flush=True)
assert not cache.trouble, cache.trouble
"""


def sharer(path: Path, model: str, rounds: int) -> subprocess.Popen[str]:
    """A process that is ready to open the file, and then puts in as many answers; without end if -1."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'test' / 'support'}"}
    process = subprocess.Popen(
        [sys.executable, "-c", SHARING, str(path), model, str(rounds)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_two_processes_open_one_new_file_at_once_and_find_each_others_answers(path: Path) -> None:
    processes = [sharer(path, model, 100) for model in ("one", "other")]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:
        go(process)
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    with closing(AnswerCache(path)) as cache:
        for number in range(100):
            for model in ("one", "other"):
                assert cache.get(another(number), model) == Answer("o1", model)


def test_a_process_that_is_killed_while_it_writes_leaves_what_it_had_put(path: Path) -> None:
    with sharer(path, MODEL, -1) as process:
        assert process.stdout is not None
        go(process)
        last = ""
        while last != "50\n":
            last = process.stdout.readline()
            assert last
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    with closing(AnswerCache(path)) as cache:
        assert all(cache.get(another(number), MODEL) for number in range(50))
        cache.put(QUESTION, MODEL, ANSWER)
        assert cache.get(QUESTION, MODEL) == ANSWER
        assert cache.trouble == ""


def test_while_another_process_writes_answers_are_found_but_not_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "BUSY", 0.01)
    with closing(AnswerCache(path)) as cache, closing(sqlite3.connect(path)) as other:
        cache.put(QUESTION, MODEL, ANSWER)
        other.execute("BEGIN IMMEDIATE")
        cache.put(another(1), MODEL, ANSWER)
        assert cache.trouble == "the answer cache could not be written (database is locked)"
        assert cache.get(QUESTION, MODEL) == ANSWER
        other.rollback()
        cache.put(another(2), MODEL, ANSWER)
        assert cache.get(another(1), MODEL) is None
        assert cache.get(another(2), MODEL) == ANSWER
        assert cache.trouble == "the answer cache could not be written (database is locked)"


def test_a_file_that_stays_locked_cannot_be_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "OPENING", 0.01)
    AnswerCache(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert refusal(path) == "no usable answer cache (database is locked): delete it or name another file"
    AnswerCache(path).close()


def test_who_meets_another_process_while_the_journal_is_changed_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "OPENING", 0.01)
    with closing(sqlite3.connect(path)) as other:

        class Met(sqlite3.Connection):
            """One that finds a reader at the only moment at which that is in its way."""

            def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
                if "journal_mode" in sql:
                    other.execute("BEGIN")
                    other.execute("SELECT * FROM answers").fetchall()
                return super().execute(sql, *values)

        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Met))
        with closing(AnswerCache(path)) as cache:
            assert other.in_transaction
            other.rollback()
            cache.put(QUESTION, MODEL, ANSWER)
            assert cache.get(QUESTION, MODEL) == ANSWER


def refusal(path: Path) -> str:
    """Why it cannot be opened, without the path."""
    with pytest.raises(InputError) as caught:
        AnswerCache(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ") and "\n" not in text
    return text.removeprefix(f"{path}: ")


def a_letter(path: Path) -> None:
    path.write_text("Dear operator,\n" * 1000)


def half_a_cache(path: Path) -> None:
    AnswerCache(path).close()
    path.write_bytes(path.read_bytes()[:5000])


def a_newer_cache(path: Path) -> None:
    AnswerCache(path).close()
    meddled(path, "PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (a_letter, "file is not a database"),
        (half_a_cache, "database disk image is malformed"),
        (a_newer_cache, "it has format 99, this version knows 1"),
        (lambda path: meddled(path, "CREATE TABLE answers (question, model)"), "it is the database of another program"),
        (lambda path: meddled(path, "PRAGMA user_version = 1"), "it is the database of another program"),
        (Path.mkdir, "unable to open database file"),
        (os.mkfifo, "disk I/O error"),
    ],
    ids=["text", "half", "newer", "foreign", "foreign, empty", "folder", "fifo"],
)
def test_what_is_no_cache_is_refused_and_left_as_it_is(make: Callable[[Path], object], cause: str, path: Path) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else None
    assert refusal(path) == f"no usable answer cache ({cause}): delete it or name another file"
    if before is not None:
        assert path.read_bytes() == before
        assert list(path.parent.iterdir()) == [path]


def test_where_nothing_can_be_written_it_cannot_be_opened(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert refusal(file / "answers.sqlite") == "the folder of the answer cache cannot be made (File exists)"
    assert refusal(Path("/proc/answers.sqlite")).startswith("no usable answer cache (unable to open database file)")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_only_read_has_no_cache(path: Path) -> None:
    AnswerCache(path).close()
    path.parent.chmod(0o500)
    try:
        assert refusal(path).startswith("no usable answer cache (attempt to write a readonly database)")
        assert refusal(path.with_name("new.sqlite")).startswith("no usable answer cache (unable to open database file)")
        assert refusal(path.parent / "new" / "answers.sqlite").endswith("cannot be made (Permission denied)")
    finally:
        path.parent.chmod(0o700)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_of_a_file_that_is_only_read_answers_are_found_but_none_kept(path: Path) -> None:
    with closing(AnswerCache(path)) as cache:
        cache.put(QUESTION, MODEL, ANSWER)
    path.chmod(0o400)
    with closing(AnswerCache(path)) as cache:
        cache.put(another(1), MODEL, ANSWER)
        assert cache.trouble == "the answer cache could not be written (attempt to write a readonly database)"
        assert cache.get(QUESTION, MODEL) == ANSWER


def test_the_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "answers.sqlite"
    AnswerCache(path).close()
    assert path.is_file()


def test_an_empty_file_becomes_a_cache(path: Path) -> None:
    path.touch()
    with closing(AnswerCache(path)) as cache:
        cache.put(QUESTION, MODEL, ANSWER)
        assert cache.get(QUESTION, MODEL) == ANSWER


def test_a_file_that_rots_is_a_miss_and_told_once(path: Path) -> None:
    with closing(AnswerCache(path)) as cache:
        for number in range(300):
            cache.put(another(number), MODEL, ANSWER)
    content = path.read_bytes()
    path.write_bytes(content[:8192] + bytes(len(content) - 8192))
    with closing(AnswerCache(path)) as cache:
        assert not any(cache.get(another(number), MODEL) for number in range(300))
        assert cache.trouble == "the answer cache could not be read (database disk image is malformed)"
        cache.put(QUESTION, MODEL, ANSWER)
        assert cache.trouble == "the answer cache could not be read (database disk image is malformed)"


def test_a_table_that_somebody_drops_is_a_miss(cache: AnswerCache, path: Path) -> None:
    cache.put(QUESTION, MODEL, ANSWER)
    meddled(path, "DROP TABLE answers")
    assert cache.get(QUESTION, MODEL) is None
    assert cache.trouble == "the answer cache could not be read (no such table: answers)"


def test_on_a_full_disk_answers_are_found_but_not_kept(cache: AnswerCache, path: Path) -> None:
    cache.put(QUESTION, MODEL, ANSWER)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(f"{path.name}-wal").stat().st_size, hard))
    try:
        cache.put(another(1), MODEL, ANSWER)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert cache.trouble.startswith("the answer cache could not be written (")
    assert cache.get(another(1), MODEL) is None
    assert cache.get(QUESTION, MODEL) == ANSWER
    cache.put(another(1), MODEL, ANSWER)
    assert cache.get(another(1), MODEL) == ANSWER


def test_text_that_no_file_can_hold_is_a_miss(cache: AnswerCache) -> None:
    cache.put(QUESTION, "\ud800", ANSWER)
    assert cache.get(QUESTION, "\ud800") is None
    assert cache.trouble.startswith("the answer cache could not be written (")
    assert "\n" not in cache.trouble


def test_after_closing_nothing_is_found(cache: AnswerCache) -> None:
    cache.put(QUESTION, MODEL, ANSWER)
    cache.close()
    cache.close()
    assert cache.get(QUESTION, MODEL) is None
    cache.put(QUESTION, MODEL, ANSWER)
