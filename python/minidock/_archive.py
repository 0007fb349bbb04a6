"""Archives in pieces, into the engine and out of it."""

from __future__ import annotations

from typing import Any, Callable, Iterator, List, Optional, Tuple

from minidock._minidock import Feed
from minidock._pump import pieces
from minidock.errors import InvalidArgument

_PIECE = 1 << 20


def feed(taking: Feed, data: Any) -> List[Tuple[str, List[str]]]:
    """Hands everything over; what was taken in."""
    given = pieces(data) if not isinstance(data, str) else None
    if given is None:
        taking.abort()
        raise InvalidArgument(f"an archive is bytes, a file or pieces of bytes, not {data!r}")
    try:
        for piece in given:
            view = memoryview(piece)
            for at in range(0, len(view), _PIECE):
                if not taking.write(bytes(view[at : at + _PIECE])):
                    return taking.finish()
    except BaseException:
        # Ctrl-C, or a source that failed: nothing is stored.
        taking.abort()
        raise
    return taking.finish()


def chunks(next_piece: Callable[[], Optional[bytes]], size: Optional[int]) -> Iterator[bytes]:
    """Pieces of one size, the last one aside; of whatever size they come without one."""
    if size is not None and size < 1:
        raise InvalidArgument(f"chunk_size={size!r} is no size")
    return _chunks(next_piece, size)


def _chunks(next_piece: Callable[[], Optional[bytes]], size: Optional[int]) -> Iterator[bytes]:
    waiting = bytearray()
    while True:
        piece = next_piece()
        if piece is None:
            break
        if size is None:
            yield piece
            continue
        waiting += piece
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting)
