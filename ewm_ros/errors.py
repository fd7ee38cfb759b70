"""The one exception for bad input from outside: files, arguments, messages, parameters."""

from __future__ import annotations


class InputError(ValueError):
    """Something outside the program is wrong, and the text says what and what to do, in one line.

    Commands print the text and exit with status 2; receivers of messages drop the message, count it and warn.
    """
