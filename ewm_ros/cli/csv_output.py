"""Tables of figures as CSV, for `--csv`: to a file, or to standard output in place of what is printed there."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from ewm_ros.errors import InputError

STANDARD_OUTPUT = "-"


def check_csv(file: str | None, as_json: bool) -> None:
    """Raise InputError for a value of --csv that could not be written to, None being no such option."""
    if file == "":
        raise InputError("--csv is empty: name a file, or - for standard output")
    if file == STANDARD_OUTPUT and as_json:
        raise InputError("--json and --csv - both want standard output: name a file for --csv")
    if file is not None and file != STANDARD_OUTPUT and not Path(file).parent.is_dir():
        raise InputError(f"--csv {file}: there is no folder {Path(file).parent}")


def write_csv(file: str, rows: Sequence[Mapping[str, object]]) -> None:
    """All rows under all their names; what a row lacks is empty, what is true or false is written as in JSON.

    Raises:
        InputError: the file cannot be written. Whoever reads standard output may stop before its end.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    try:
        with nullcontext(sys.stdout) if file == STANDARD_OUTPUT else open(file, "w", newline="") as stream:
            writer = csv.DictWriter(stream, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
            stream.flush()
    except BrokenPipeError:
        # What is still buffered would fail once more when Python ends.
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
    except OSError as error:
        raise InputError(f"--csv {file}: cannot be written ({error.strerror})") from error


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
