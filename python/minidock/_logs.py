"""Reading a container's log."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Iterator, Optional, Union

from minidock import _minidock
from minidock.errors import InvalidArgument

Moment = Union[None, int, float, datetime]


def nanoseconds(name: str, moment: Moment) -> Optional[int]:
    """A moment in nanoseconds since 1970; docker-py takes a naive datetime as UTC."""
    if moment is None:
        return None
    if isinstance(moment, bool):
        raise InvalidArgument(f"{name} is a time, not {moment!r}")
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        seconds, rest = divmod(int(aware.timestamp() * 1_000_000), 1_000_000)
        return seconds * 1_000_000_000 + rest * 1000
    if isinstance(moment, int):
        return moment * 1_000_000_000
    if isinstance(moment, float):
        return int(moment * 1_000_000_000)
    raise InvalidArgument(f"{name} is a time in seconds or a datetime, not {moment!r}")


def tail_lines(tail: Any) -> Optional[int]:
    """A number of lines; docker-py takes everything that is none for all."""
    if tail == "all" or tail is None:
        return None
    if isinstance(tail, int) and not isinstance(tail, bool) and tail >= 0:
        return tail
    raise InvalidArgument(f"tail={tail!r} is neither a number of lines nor 'all'")


def lines(
    logs: "_minidock.Logs", stdout: bool, stderr: bool, timestamps: bool
) -> Iterator[bytes]:
    """Lines of the streams that are asked for, with their times in front of them."""
    wanted = {1: stdout, 2: stderr}
    begins = {1: True, 2: True}
    while True:
        line = logs.next_line()
        if line is None:
            return
        stream, moment, data = line
        if not wanted[stream]:
            continue
        stamped = timestamps and begins[stream]
        begins[stream] = data.endswith(b"\n")
        yield (rfc3339(moment).encode() + b" " + data) if stamped else data


def rfc3339(moment: int) -> str:
    """A time as docker writes it: UTC, nine digits of a second."""
    seconds, rest = divmod(moment, 1_000_000_000)
    date = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{date:%Y-%m-%dT%H:%M:%S}.{rest:09}Z"
