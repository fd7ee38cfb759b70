"""Reading YAML that somebody else wrote: plain data only, and never more of it than a file of ours can need.

Values are put together from the parser's events with a stack of its own, so that no nesting, no alias and no tag can
cost more than the limits below, and every refusal can name the key.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from ewm_ros.errors import InputError

MAX_BYTES = 256 * 1024  # of a file
MAX_VALUES = 20_000  # keys and values in a file, those repeated by aliases counted again
MAX_DEPTH = 32  # lists and mappings inside each other
MAX_TEXT = 16_384  # characters of one key or value
MAX_NUMBER = 100  # characters of a number
MAX_LINE = 400  # characters of a complaint

Model = TypeVar("Model", bound=BaseModel)

# libyaml's parser is several times faster, but PyYAML can be installed without it.
_Loader: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"


def load_yaml(path: Path) -> object:
    """The content of a YAML file: mappings, lists, texts, numbers, booleans, dates and nothing; None if it is empty.

    Raises:
        InputError: it cannot be read, is too large, is not YAML, or holds what plain data has no need of; one line
            `FILE: key.path: reason`.
    """
    try:
        return _Builder().build(_read(path))
    except InputError as error:
        raise InputError(f"{path}: {one_line(str(error))}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or getattr(error, "reason", None)
        place = f" at {_at(mark)}" if mark else ""
        raise InputError(f"{path}: not valid YAML{place}: {one_line(str(reason))}") from error


def load_model(kind: type[Model], path: Path) -> Model:
    """The content of a YAML file as a pydantic model.

    Raises:
        InputError: as for load_yaml, or unknown or missing keys, impossible values;
            the line names the file and the key.
    """
    try:
        return kind.model_validate(load_yaml(path))
    except ValidationError as error:
        raise InputError(f"{path}: {first_error(error)}") from error


def first_error(error: ValidationError) -> str:
    """The first complaint of pydantic as `key.path: reason`, on one line."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return one_line(_complaint([str(part) for part in first["loc"]], first["msg"]))


def one_line(text: str) -> str:
    """A key in a file may hold a line break or be endless; an error line may not."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: MAX_LINE + 1])
    return shown if len(shown) <= MAX_LINE else f"{shown[:MAX_LINE]}..."


def _read(path: Path) -> str:
    try:
        # Without O_NONBLOCK the mere opening of a FIFO waits for somebody who writes into it.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InputError("cannot be read (it is not a regular file)")
            if status.st_size > MAX_BYTES:
                raise InputError(f"is {status.st_size / 1024:.0f} KiB large, at most {MAX_BYTES // 1024} KiB are read")
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InputError(f"is larger than the {MAX_BYTES // 1024} KiB that are read")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"cannot be read (byte {error.start} is not UTF-8 text)") from error


def _at(mark: yaml.Mark | yaml._yaml.Mark | None) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else "at an unknown place"


def _complaint(path: list[str], reason: str) -> str:
    return ": ".join([".".join(path), reason] if path else [reason])


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet; `before` is the count of values when it began."""

    value: list[object] | dict[str, object]
    anchor: str | None
    before: int
    key: str | None = None  # of a mapping: read, its value not yet
    merged: list[dict[str, object]] = field(default_factory=list)  # by the key <<


class _Builder:
    """Puts the values of one document together from the parser's events."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[object, int] | None] = {}  # value and how many values are in it; None while open
        self._count = 0
        self._root: object = None

    def build(self, text: str) -> object:
        """The value of the whole text."""
        self._scalars = _Loader("")
        documents = 0
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refusal(event, "a second document begins")
            elif isinstance(event, yaml.NodeEvent):
                self._take(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close(event)
        return self._root

    def _take(self, event: yaml.NodeEvent) -> None:
        """The next key or value, or the beginning of a list or mapping."""
        if isinstance(event, yaml.AliasEvent):
            self._alias(event)
            return
        self._add(event, 1)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise self._refusal(event, f"the tag {tag!r} is not allowed")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            self._put(event, self._scalar(event), event.anchor, 1)
            return
        if len(self._open) >= MAX_DEPTH:
            raise self._refusal(event, f"nested deeper than {MAX_DEPTH} levels")
        if self._expects_key():
            raise self._refusal(event, "a list or mapping cannot be a key")
        value: list[object] | dict[str, object] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._open.append(_Open(value, event.anchor, self._count - 1))

    def _alias(self, event: yaml.AliasEvent) -> None:
        assert event.anchor is not None
        if event.anchor not in self._anchors:
            raise self._refusal(event, f"the alias *{event.anchor} has no anchor before it")
        known = self._anchors[event.anchor]
        if known is None:
            raise self._refusal(event, f"the alias *{event.anchor} stands inside of what it repeats")
        value, count = known
        self._add(event, count)
        self._put(event, value, None, count)

    def _scalar(self, event: yaml.ScalarEvent) -> object:
        if len(event.value) > MAX_TEXT:
            raise self._refusal(event, f"is {len(event.value)} characters long, at most {MAX_TEXT} are read")
        tag: str = self._scalars.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
        if tag == f"{_TAG}merge":
            if not self._expects_key():
                raise self._refusal(event, "'<<' can be a key only, put it in quotes")
            return "<<"
        if tag != f"{_TAG}str" and len(event.value) > MAX_NUMBER:
            raise self._refusal(event, f"is no text, and longer than {MAX_NUMBER} characters")
        node = yaml.ScalarNode(tag, event.value)
        try:
            return self._scalars.construct_object(node)
        except (ValueError, yaml.constructor.ConstructorError) as error:  # an impossible date, say
            raise self._refusal(event, f"not valid YAML, {event.value[:40]!r} is no {tag.rsplit(':')[-1]}") from error

    def _put(self, event: yaml.Event, value: object, anchor: str | None, count: int) -> None:
        """A whole value to where it belongs."""
        if anchor is not None:
            self._anchors[anchor] = (value, count)
        if not self._open:
            self._root = value
            return
        inside = self._open[-1]
        if isinstance(inside.value, list):
            inside.value.append(value)
        elif inside.key is None:
            inside.key = self._checked_key(event, value)
        elif inside.key == "<<":
            inside.merged = self._mappings(event, value)
            inside.key = None
        else:
            inside.value[inside.key] = value
            inside.key = None

    def _checked_key(self, event: yaml.Event, key: object) -> str:
        inside = self._open[-1]
        assert isinstance(inside.value, dict)
        if not isinstance(key, str):
            raise self._refusal(event, f"the key {key!r} is no text, put it in quotes")
        if key in inside.value or (key == "<<" and inside.merged):
            inside.key = key
            raise self._refusal(event, f"the key {key!r} is there twice")
        return key

    def _mappings(self, event: yaml.Event, value: object) -> list[dict[str, object]]:
        """What the merge key `<<` stands for: one mapping or a list of them, the first of which prevails."""
        found = value if isinstance(value, list) else [value]
        mappings = [other for other in found if isinstance(other, dict)]
        if not mappings or len(mappings) < len(found):
            raise self._refusal(event, "needs a mapping, or a list of them")
        return mappings

    def _close(self, event: yaml.Event) -> None:
        done = self._open.pop()
        if isinstance(done.value, dict):
            for other in done.merged:
                for key, value in other.items():
                    done.value.setdefault(key, value)
        self._put(event, done.value, done.anchor, self._count - done.before)

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _add(self, event: yaml.Event, values: int) -> None:
        self._count += values
        if self._count > MAX_VALUES:
            raise self._refusal(event, f"more than {MAX_VALUES} values, those repeated by aliases included")

    def _refusal(self, event: yaml.Event, reason: str) -> InputError:
        path = [key for key in map(_place, self._open) if key is not None]
        return InputError(_complaint(path, f"{reason} ({_at(event.start_mark)})"))


def _place(inside: _Open) -> str | None:
    """Key or index of the value that comes next."""
    return str(len(inside.value)) if isinstance(inside.value, list) else inside.key
