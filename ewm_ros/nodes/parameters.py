"""Declaring and checking a node's parameters: each has a description and, if a number, a range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from ewm_ros.errors import InputError

Word = TypeVar("Word", bound=str)


class Parameters:
    """Declares parameters of a node, which cannot be set later.

    Every method returns the value or raises InputError, which names the parameter.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    @property
    def simulated(self) -> bool:
        """Whether the node goes by a simulation's clock."""
        return bool(self._node.get_parameter_or("use_sim_time").value)

    def text(self, name: str, default: str, description: str) -> str:
        """A string."""
        return str(self._declare(name, default, "a string", ParameterDescriptor(description=description)))

    def choice(self, name: str, default: Word, choices: Sequence[Word], description: str) -> Word:
        """One of several words."""
        value = self.text(name, default, description)
        for known in choices:
            if value == known:
                return known
        self._refuse(name, f"parameter {name!r} is {value!r}: it must be one of {', '.join(choices)}")
        return default

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
            self._refuse(name, f"parameter {name!r} is {value!r}: it must be {expected}")
            return default
        return float(value)

    def _declare(self, name: str, default: Any, expected: str, descriptor: ParameterDescriptor) -> Any:
        descriptor.read_only = True
        try:
            return self._node.declare_parameter(name, default, descriptor).value
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            raise InputError(_expected(name, expected, descriptor)) from error

    def _refuse(self, name: str, line: str) -> None:
        """The parameter has a value that it must not have."""
        raise InputError(line)


class SettableParameters(Parameters):
    """Parameters that may be set while they are not in use, and are read again before they are.

    Its methods raise nothing: what is wrong comes to light in `check`. So one pass declares all parameters, whatever
    is wrong with some.

    Attributes:
        open: whether they may be set now.
    """

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self.open = True
        self._names: set[str] = set()
        self._overridden: dict[str, str] = {}  # what is wrong with values given at the start that were not even taken
        self._wrong: dict[str, str] = {}
        node.add_on_set_parameters_callback(self._may_be_set)
        node.add_post_set_parameters_callback(self._have_been_set)

    def check(self) -> None:
        """Raise InputError if anything was wrong with a parameter when it was read last; it names the first such."""
        for line in self._wrong.values():
            raise InputError(line)

    def _declare(self, name: str, default: Any, expected: str, descriptor: ParameterDescriptor) -> Any:
        self._wrong.pop(name, None)
        if name not in self._names:
            self._names.add(name)
            try:
                self._node.declare_parameter(name, default, descriptor)
            except (InvalidParameterTypeException, InvalidParameterValueException):
                self._node.declare_parameter(name, default, descriptor, ignore_override=True)
                self._overridden[name] = _expected(name, expected, descriptor)
        if name in self._overridden:
            self._refuse(name, self._overridden[name])
        return self._node.get_parameter_or(name).value

    def _refuse(self, name: str, line: str) -> None:
        self._wrong[name] = line

    def _may_be_set(self, parameters: list[Parameter[Any]]) -> SetParametersResult:
        if self.open or not self._names.intersection(parameter.name for parameter in parameters):
            return SetParametersResult(successful=True)
        return SetParametersResult(successful=False, reason="it is in use: clean the node up before you set it")

    def _have_been_set(self, parameters: list[Parameter[Any]]) -> None:
        for parameter in parameters:
            self._overridden.pop(parameter.name, None)


def _expected(name: str, expected: str, descriptor: ParameterDescriptor) -> str:
    return f"parameter {name!r} must be {expected} ({descriptor.description})"
