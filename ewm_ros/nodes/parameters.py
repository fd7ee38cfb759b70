"""Declaring and checking a node's parameters: each has a description and, if a number, a range; they are read once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from ewm_ros.errors import InputError

Word = TypeVar("Word", bound=str)


class Parameters:
    """Declares parameters of a node. Every method returns the value or raises InputError, which names the parameter."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def text(self, name: str, default: str, description: str) -> str:
        """A string."""
        return str(self._declare(name, default, "a string", ParameterDescriptor(description=description)))

    def choice(self, name: str, default: Word, choices: Sequence[Word], description: str) -> Word:
        """One of several words."""
        value = self.text(name, default, description)
        for known in choices:
            if value == known:
                return known
        raise InputError(f"parameter {name!r} is {value!r}: it must be one of {', '.join(choices)}")

    def texts(self, name: str, description: str) -> tuple[str, ...]:
        """A list of strings, empty if not given."""
        descriptor = ParameterDescriptor(description=description)
        return tuple(self._declare(name, Parameter.Type.STRING_ARRAY, "a list of strings", descriptor) or ())

    def switch(self, name: str, default: bool, description: str) -> bool:
        """True or false."""
        return bool(self._declare(name, default, "true or false", ParameterDescriptor(description=description)))

    def integer(self, name: str, default: int, description: str, low: int, high: int) -> int:
        """An integer in [low, high]."""
        bounds = [IntegerRange(from_value=low, to_value=high, step=1)]
        descriptor = ParameterDescriptor(description=description, integer_range=bounds)
        return int(self._declare(name, default, f"an integer from {low} to {high}", descriptor))

    def number(self, name: str, default: float, description: str, low: float, high: float) -> float:
        """A number in [low, high]; written as an integer it is taken too."""
        expected = f"a number from {low:g} to {high:g}"
        bounds = [FloatingPointRange(from_value=low, to_value=high)]
        # Dynamic typing, because 5 in place of 5.0 is what people write on command lines and in YAML.
        descriptor = ParameterDescriptor(description=description, floating_point_range=bounds, dynamic_typing=True)
        value = self._declare(name, default, expected, descriptor)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise InputError(f"parameter {name!r} is {value!r}: it must be {expected}")
        return float(value)

    def _declare(self, name: str, default: Any, expected: str, descriptor: ParameterDescriptor) -> Any:
        descriptor.read_only = True
        try:
            return self._node.declare_parameter(name, default, descriptor).value
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            raise InputError(f"parameter {name!r} must be {expected} ({descriptor.description})") from error
