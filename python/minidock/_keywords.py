"""What of docker-py is not there: refused by name, never ignored."""

from __future__ import annotations

from typing import Any, Mapping

from minidock.errors import Unsupported


def asks(value: Any) -> bool:
    """Whether a keyword's value asks for anything at all."""
    return not (value is None or value is False or value in (0, "", (), [], {}))


def refuse_method(name: str) -> Unsupported:
    """The error for a method or attribute of docker-py's that is not there yet."""
    return Unsupported(f"{name} is not in minidock yet")


def refuse_keywords(call: str, given: Mapping[str, Any]) -> None:
    """Refuses keywords whose values ask for something."""
    for name, value in given.items():
        if asks(value):
            raise Unsupported(f"{call}: {name}={value!r} is not in minidock yet")


def refuse_unknown(call: str, names: Any) -> None:
    """As Python itself refuses keywords that a function does not have."""
    for name in sorted(names):
        raise TypeError(f"{call} got an unexpected keyword argument {name!r}")
