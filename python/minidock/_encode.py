"""Python's values as the engine's JSON has them."""

from __future__ import annotations

import json
import os
import shlex
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from minidock.errors import InvalidArgument

Word = Union[str, bytes, "os.PathLike[str]"]
Words = Union[Word, Sequence[Word]]


def encode(options: Mapping[str, Any]) -> str:
    """Options as JSON."""
    return json.dumps(options)


def word(value: Word) -> Union[str, List[int]]:
    """Text, or the numbers of bytes that are no text."""
    data = os.fsencode(value)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return list(data)


def words(value: Optional[Words]) -> List[Union[str, List[int]]]:
    """A command: a list as it is, a text cut as a shell would cut it."""
    if value is None:
        return []
    if isinstance(value, str):
        return [word(part) for part in shlex.split(value)]
    if isinstance(value, (bytes, os.PathLike)):
        return [word(value)]
    return [word(part) for part in value]


def environment(value: Union[None, Mapping[str, Any], Sequence[str]]) -> List[Any]:
    """``NAME=value`` each, of a mapping or a list."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [word(_variable(name, given)) for name, given in value.items()]
    if isinstance(value, str):
        raise InvalidArgument("environment is a mapping, or a list of NAME=value")
    return [word(entry) for entry in value]


def _variable(name: str, value: Any) -> bytes:
    if value is None:
        raise InvalidArgument(
            f"environment: {name} has no value", hint="give a text, or leave it out"
        )
    data = value if isinstance(value, bytes) else os.fsencode(str(value))
    return os.fsencode(name) + b"=" + data


def labels(value: Union[None, Mapping[str, str], Sequence[str]]) -> Dict[str, str]:
    """Labels, of a mapping or of names without values."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(name): "" if given is None else str(given) for name, given in value.items()}
    return {name: "" for name in value}


def texts(name: str, value: Union[None, Sequence[Any]]) -> List[str]:
    """A list of texts; a single text would be taken apart, and is refused."""
    if value is None:
        return []
    if isinstance(value, (str, bytes)):
        raise InvalidArgument(f"{name} is a list, not {value!r}")
    return [str(entry) for entry in value]
