"""Results of programs that were executed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Iterator, NamedTuple, Optional, Tuple, TypeVar

from minidock._pump import STDERR, STDOUT, Gathered, Pump

T = TypeVar("T")

if TYPE_CHECKING and sys.version_info < (3, 12):
    from typing_extensions import disjoint_base
else:

    def disjoint_base(one: T) -> T:
        """A word for type checkers alone: no class has this one and another tuple as bases."""
        return one


class _Result(NamedTuple):
    exit_code: Optional[int]
    output: Any


@disjoint_base
class ExecResult(_Result):
    """docker-py's pair of ``exit_code`` and ``output``; ``stdout`` and ``stderr`` apart."""

    #: What it wrote to its standard output.
    stdout: bytes = b""
    #: What it wrote to its standard error.
    stderr: bytes = b""

    def __repr__(self) -> str:
        return f"ExecResult(exit_code={self.exit_code!r}, output={self.output!r})"


def finished(gathered: Gathered, demux: bool) -> ExecResult:
    """The result of a program that has ended."""
    output: Any = joined(gathered) if demux else gathered.of(STDOUT, STDERR)
    result = ExecResult(gathered.status, output)
    result.stdout, result.stderr = gathered.of(STDOUT), gathered.of(STDERR)
    return result


def joined(gathered: Gathered) -> Tuple[Optional[bytes], Optional[bytes]]:
    """Both outputs apart; None for one to which nothing was written."""
    return gathered.of(STDOUT) or None, gathered.of(STDERR) or None


def streamed(pump: Pump, demux: bool) -> Iterator[Any]:
    """Pieces of output as they come."""
    return demultiplexed(pump) if demux else (data for _, data in pump)


def demultiplexed(pump: Pump) -> Iterator[Tuple[Optional[bytes], Optional[bytes]]]:
    """Pieces of output, each in the place of its stream."""
    for kind, data in pump:
        yield (data, None) if kind == STDOUT else (None, data)
