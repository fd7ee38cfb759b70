"""The language of --fail-if: `collisions > 0 or cycle_p99_ms > 50 or not success`.

Figures, by the names of flat_figures.py, are compared with numbers or with each other by < <= > >= == !=; comparisons,
and figures that are true or false, are joined by `and`, `or`, `not` and parentheses. That is a part of Python's own
grammar, so Python's parser reads it; nothing is run but the nodes that are named here.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ewm_ros.errors import InputError
from ewm_ros.evaluation.figures.flat_figures import Value

LONGEST = 1000  # characters
EXAMPLE = "collisions > 0 or not success"
SUGGESTED = 3  # names at most
WORDS: Mapping[str, bool] = {"true": True, "false": False}

_Known = Mapping[str, float]  # true and false are numbers too
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class _Alien(Exception):
    """A node that does not belong to the language."""

    def __init__(self, node: ast.expr) -> None:
        super().__init__()
        self.node = node


@dataclass(frozen=True, slots=True)
class Condition:
    """What a run must not be like.

    Attributes:
        text: as it was written.
        names: of the figures in it, in the order of the text.
    """

    text: str
    names: tuple[str, ...]
    _holds: Callable[[_Known], bool]

    @staticmethod
    def parse(text: str) -> Condition:
        """Read a condition.

        Raises:
            InputError: it is none.
        """
        text = text.strip()
        shown = text if len(text) <= 80 else f"{text[:80]}..."
        problem = f"--fail-if {shown!r}: write comparisons such as {EXAMPLE!r}"
        if len(text) > LONGEST:
            raise InputError(f"{problem}, of {LONGEST} characters at most")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of `1or`, which Python takes but grumbles at
                tree = ast.parse(text, mode="eval").body
            holds = _judgement(tree)
        except _Alien as error:
            part = ast.get_source_segment(text, error.node) or text
            raise InputError(f"{problem}; {part[:40]!r} is none") from error
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise InputError(problem) from error
        named = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id not in WORDS]
        named.sort(key=lambda node: (node.lineno, node.col_offset))
        return Condition(text, tuple(dict.fromkeys(node.id for node in named)), holds)

    def holds(self, figures: Mapping[str, Value]) -> bool:
        """Whether it is so.

        Raises:
            InputError: a figure is not known, is no number or is not there: then nothing is said, whatever the others.
        """
        return self._holds({name: self._number(name, figures) for name in self.names})

    def said(self, figures: Mapping[str, Value]) -> str:
        """The figures in it, for people."""
        return ", ".join(f"{name} is {figures[name]}" for name in self.names)

    def _number(self, name: str, figures: Mapping[str, Value]) -> float:
        if name not in figures:
            close = ", ".join(get_close_matches(name, figures, SUGGESTED, 0.4)) or "none"
            raise InputError(f"--fail-if: there is no figure {name[:40]!r}; names close to it: {close}")
        value = figures[name]
        if value is None:
            raise InputError(f"--fail-if {self.text!r} cannot be judged: {name} is not known of this bag")
        if isinstance(value, str):
            raise InputError(f"--fail-if: {name} is a text ({value[:40]!r}), and only numbers are compared")
        return value


def _judgement(node: ast.expr) -> Callable[[_Known], bool]:
    """What is true or false."""
    match node:
        case ast.BoolOp(op=op, values=values):
            parts = [_judgement(value) for value in values]
            joined = all if isinstance(op, ast.And) else any
            return lambda known: joined([part(known) for part in parts])  # all of them: each may find a mistake
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            denied = _judgement(operand)
            return lambda known: not denied(known)
        case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARISONS for op in ops):
            return _comparison([_operand(side) for side in (left, *others)], [_COMPARISONS[type(op)] for op in ops])
        case ast.Name(id=name) if name not in WORDS:
            return lambda known: _truth(name, known[name])
    raise _Alien(node)


def _comparison(
    sides: Sequence[Callable[[_Known], float]], comparisons: Sequence[Callable[[float, float], bool]]
) -> Callable[[_Known], bool]:
    def holds(known: _Known) -> bool:
        values = [side(known) for side in sides]
        return all(compare(a, b) for compare, a, b in zip(comparisons, values, values[1:], strict=False))

    return holds


def _operand(node: ast.expr) -> Callable[[_Known], float]:
    """What can be compared."""
    match node:
        case ast.Name(id=name) if name in WORDS:
            return lambda _: WORDS[name]
        case ast.Name(id=name):
            return lambda known: known[name]
        case ast.Constant(value=bool() | int() | float() as value):
            return lambda _: value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return lambda _: -value
    raise _Alien(node)


def _truth(name: str, value: float) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"--fail-if: {name} is a number ({value}): compare it, as in '{name} > 0'")
    return value
