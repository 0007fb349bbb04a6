"""Sandboxes: containers for code that nobody trusts, strict until told otherwise.

>>> with client.sandbox("busybox") as box:
...     box.run(["sh", "-c", "echo 1 > one"]).exit_code
...     box.run(["cat", "one"]).stdout
0
b'1\\n'
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple, Type, Union

from minidock import _minidock
from minidock._encode import Words, encode, environment, labels, word, words
from minidock._mounts import Volumes, split_volumes, typed_mounts
from minidock._pump import STDERR, STDOUT, Callback, Gathered, Stdin, pieces
from minidock.errors import InvalidArgument, MinidockError, TimedOut
from minidock.images import Image

if TYPE_CHECKING:
    from minidock.client import Client
    from minidock.containers import Container

_log = logging.getLogger("minidock")


class Default(Enum):
    """The word for the engine's own default of a limit."""

    DEFAULT = "default"

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT = Default.DEFAULT

#: A limit: a number, a size as ``"64m"``, None for no limit.
Limit = Union[None, int, float, str, Default]


class RunFailed(MinidockError):
    """A program of a sandbox ended with another status than 0, and ``check=True`` was given."""

    def __init__(self, result: "RunResult") -> None:
        super().__init__(f"the program ended with status {result.exit_code}")
        self.result = result


@dataclass(frozen=True)
class RunResult:
    """How a program ended, and what it wrote."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    #: It wrote more than is kept; the rest was dropped.
    truncated: bool
    seconds: float


class Sandbox:
    """A container that runs untrusted programs one after the other, or several at once.

    It ends with its ``with`` block, with :meth:`close`, and with this process. There is no network
    in it, its root is read-only, it has no capabilities and a user namespace of its own;
    ``/scratch`` (where programs begin) and ``/tmp`` can be written, in memory and bounded.

    >>> with client.sandbox("busybox", processes=16) as box:
    ...     result = box.run("wc -c", stdin=b"four")
    ...     result.exit_code, result.stdout
    (0, b'4\\n')
    """

    def __init__(self, client: "Client", sandbox: "_minidock.Sandbox") -> None:
        self.client = client
        self._sandbox = sandbox

    @property
    def id(self) -> str:
        """The id of its container."""
        return self._sandbox.id

    @property
    def container(self) -> "Container":
        """Its container, as others are seen."""
        return self.client.containers.get(self.id)

    @property
    def not_enforced(self) -> List[Tuple[str, str]]:
        """Limits that are not kept (``best_effort=True``), each with the reason."""
        return self._sandbox.not_enforced

    def run(
        self,
        command: Words,
        *,
        timeout: Optional[float] = None,
        stdin: Stdin = None,
        environment: Any = None,
        workdir: Optional[str] = None,
        user: Optional[str] = None,
        output_limit: Union[None, int, str] = None,
        on_stdout: Callback = None,
        on_stderr: Callback = None,
        check: bool = False,
    ) -> RunResult:
        """Runs a program to its end.

        When its time is up it ends with all that it started, and
        :class:`minidock.errors.TimedOut` is raised; the sandbox and its files stay.

        >>> with client.sandbox("busybox") as box:
        ...     try:
        ...         box.run(["sh", "-c", "echo begun; sleep 60"], timeout=3)
        ...     except TimeoutError as error:
        ...         error.stdout
        b'begun\\n'
        """
        asked = {
            "args": words(command),
            "env": _environment(environment),
            "workdir": None if workdir is None else word(workdir),
            "user": user,
            "timeout": timeout,
            "output_limit": _number("output_limit", output_limit),
        }
        given = pieces(stdin)
        whole = b"" if given is None else b"".join(given)
        running = self._sandbox.begin(encode(asked), whole)
        gathered, calls = Gathered(), {STDOUT: on_stdout, STDERR: on_stderr}
        try:
            while True:
                kind, data, ended = running.next_event()
                if ended is not None:
                    break
                assert data is not None
                gathered.chunks.append((kind, data))
                call = calls[kind]
                if call is not None:
                    call(data)
        except BaseException:
            # Ctrl-C, or a callback that raised: nobody waits for the program any more.
            running.cancel()
            raise
        status, timed_out, truncated, seconds = ended
        out, err = gathered.of(STDOUT), gathered.of(STDERR)
        if timed_out:
            error = TimedOut("its time was up, and it was killed with all that it had started")
            error.stdout, error.stderr = out, err
            raise error
        result = RunResult(status, out, err, truncated, seconds)
        if check and status != 0:
            raise RunFailed(result)
        return result

    def close(self) -> None:
        """Ends it with everything in it, and removes it. A second call does nothing."""
        self._sandbox.close()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Sandbox: {self.id[:12]}>"


def start(
    client: "Client",
    image: Union[str, Image],
    *,
    name: Optional[str],
    network: Optional[str],
    env: Any,
    workdir: Optional[str],
    user: Optional[str],
    volumes: Optional[Volumes],
    mounts: Optional[Sequence[Mapping[str, Any]]],
    labelled: Union[None, Mapping[str, str], Sequence[str]],
    best_effort: bool,
    limits: Mapping[str, Limit],
) -> Sandbox:
    """Starts a sandbox, see :meth:`minidock.client.Client.sandbox`."""
    texts, binds = split_volumes(volumes)
    asked = {
        "image": image.id if isinstance(image, Image) else image,
        "name": name,
        "best_effort": best_effort,
        "network": network,
        "env": _environment(env),
        "workdir": None if workdir is None else word(workdir),
        "user": user,
        "volumes": texts,
        "mounts": binds + typed_mounts(mounts),
        "labels": labels(labelled),
        "limits": {
            limit: _number(limit, value)
            for limit, value in limits.items()
            if not isinstance(value, Default)
        },
    }
    made = Sandbox(client, _minidock.sandbox_start(client._engine, encode(asked)))
    for limit, reason in made.not_enforced:
        _log.warning("the limit %s is not kept: %s", limit, reason)
    return made


def _environment(value: Any) -> List[Any]:
    return environment(value)


def _number(name: str, value: Union[None, int, float, str]) -> Union[None, int, float]:
    if isinstance(value, str):
        return _minidock.parse_size(value)
    if isinstance(value, bool) or (value is not None and not isinstance(value, (int, float))):
        raise InvalidArgument(f"{name}={value!r} is not a number")
    if value is not None and value < 0:
        raise InvalidArgument(f"{name}={value!r} is below zero")
    return value
