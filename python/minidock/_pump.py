"""Carries a program's streams: input in, pieces of output out, until it ends."""

from __future__ import annotations

import time
from typing import Any, Callable, Iterable, Iterator, List, Optional, Tuple, Union

from minidock._minidock import Session
from minidock.errors import InvalidArgument, TimedOut

#: What ``Session.next_event`` reports.
ENDED, STDOUT, STDERR, WANTS_INPUT = range(4)

_PIECE = 64 * 1024
#: Seconds that a killed container may take to be cleared up.
_PATIENCE = 10.0

Chunk = Tuple[int, bytes]
Stdin = Union[None, bytes, bytearray, memoryview, str, Iterable[bytes], Any]
Callback = Optional[Callable[[bytes], Any]]


def pieces(stdin: Stdin) -> Optional[Iterator[bytes]]:
    """The input in pieces; nothing if there is none."""
    if stdin is None or stdin is False:
        return None
    if isinstance(stdin, str):
        return iter([stdin.encode()])
    if isinstance(stdin, (bytes, bytearray, memoryview)):
        return iter([bytes(stdin)])
    read = getattr(stdin, "read", None)
    if read is not None:
        return iter(lambda: _bytes(read(_PIECE)), b"")
    if isinstance(stdin, Iterable):
        return (_bytes(piece) for piece in stdin)
    raise InvalidArgument(f"stdin is bytes, a file or pieces of bytes, not {stdin!r}")


def _bytes(piece: Any) -> bytes:
    return piece.encode() if isinstance(piece, str) else bytes(piece)


class Pump:
    """Iterates over the output of a session; ``status`` is there at the end.

    A program that is still running at the deadline is killed, and :class:`TimedOut` is raised.
    ``whole`` says that it is a whole container, whose end is the end of everything in it.
    """

    def __init__(
        self,
        session: Session,
        stdin: Stdin = None,
        timeout: Optional[float] = None,
        *,
        whole: bool = False,
    ) -> None:
        self.session = session
        self._whole = whole
        self.status: Optional[int] = None
        self._input = pieces(stdin)
        self._timeout = timeout
        self._until = None if timeout is None else time.monotonic() + timeout
        self._feed()

    def _feed(self) -> None:
        piece = next(self._input, None) if self._input is not None else None
        if piece is None:
            self.session.feed(b"", last=True)
        else:
            self.session.feed(piece, asks=True)

    def __iter__(self) -> "Pump":
        return self

    def __next__(self) -> Chunk:
        while self.status is None:
            left = None if self._until is None else max(0.0, self._until - time.monotonic())
            event = self.session.next_event(left)
            if event is None:
                self.session.kill(9)
                self._settle()
                raise TimedOut(f"it was still running after {self._timeout} s and was killed")
            kind, data, status = event
            if kind == WANTS_INPUT:
                self._feed()
            elif kind == ENDED:
                self.status = status
            elif data is not None:
                return kind, data
        raise StopIteration

    def _settle(self) -> None:
        """Waits until a container that was killed is gone. A mere process of one may leave others
        behind that hold its streams open, and is not waited for."""
        until = time.monotonic() + _PATIENCE
        while self._whole and time.monotonic() < until:
            event = self.session.next_event(until - time.monotonic())
            if event is None or event[0] == ENDED:
                return

    def run(self, on_stdout: Callback = None, on_stderr: Callback = None) -> "Gathered":
        """Reads everything; a time-out carries what was read until then."""
        gathered = Gathered()
        calls = {STDOUT: on_stdout, STDERR: on_stderr}
        try:
            for kind, data in self:
                gathered.chunks.append((kind, data))
                call = calls[kind]
                if call is not None:
                    call(data)
        except TimedOut as error:
            error.stdout, error.stderr = gathered.of(STDOUT), gathered.of(STDERR)
            raise
        except BaseException:
            # Ctrl-C, or a callback that raised: nobody waits for the program any more.
            self.session.kill(9)
            raise
        assert self.status is not None
        gathered.status = self.status
        return gathered


class Gathered:
    """What a program wrote, in the order in which it came."""

    def __init__(self) -> None:
        self.chunks: List[Chunk] = []
        self.status = 0

    def of(self, *kinds: int) -> bytes:
        """The bytes of these streams."""
        return b"".join(data for kind, data in self.chunks if kind in kinds)
