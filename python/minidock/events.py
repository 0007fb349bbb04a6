"""What builds and transfers tell while they run.

>>> from minidock.events import StepStarted
>>> StepStarted(number=1, total=2, stage="0", text="FROM busybox")
StepStarted(number=1, total=2, stage='0', text='FROM busybox')
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Union


@dataclass(frozen=True)
class StageStarted:
    """A stage begins."""

    #: Its number in the Dockerfile, from 0.
    index: int
    #: ``AS name``.
    name: Optional[str]
    #: What it begins with.
    base: str


@dataclass(frozen=True)
class StepStarted:
    """A step begins."""

    #: Its number, from 1.
    number: int
    #: How many there are.
    total: int
    #: The stage: its name, else its number.
    stage: str
    #: The instruction on one line.
    text: str


@dataclass(frozen=True)
class Cached:
    """The step's layer was there already."""

    number: int


@dataclass(frozen=True)
class Output:
    """A command wrote something."""

    number: int
    #: ``stdout`` or ``stderr``.
    stream: str
    data: bytes


@dataclass(frozen=True)
class StepDone:
    """A step ended well."""

    number: int
    seconds: float


@dataclass(frozen=True)
class Warning:
    """Something works but is hardly meant."""

    text: str


@dataclass(frozen=True)
class TransferStarted:
    """A registry is asked for an image."""

    reference: str


@dataclass(frozen=True)
class TransferResolved:
    """It is known what the image is made of."""

    reference: str
    #: What the registry calls it: ``NAME@DIGEST`` is this very image for ever.
    digest: str


@dataclass(frozen=True)
class Layer:
    """Something happens to a layer of an image that is pulled or pushed."""

    digest: str
    #: Its bytes in the registry; 0 while they are not known.
    size: int
    #: pending, waiting, packing, moving, unpacking, done, present or mounted.
    state: str
    #: Bytes that moved.
    done: int


@dataclass(frozen=True)
class Finished:
    """The image is there."""

    id: str
    tags: List[str]
    #: Every step that makes a layer was remembered, and there was one.
    all_cached: bool


#: What a pull or push tells.
TransferEvent = Union[TransferStarted, TransferResolved, Layer, Warning]
#: What a build tells; the images that it needs may have to be pulled.
BuildEvent = Union[
    StageStarted,
    StepStarted,
    Cached,
    Output,
    StepDone,
    Warning,
    TransferStarted,
    TransferResolved,
    Layer,
    Finished,
]

_KINDS: Dict[str, Callable[..., Any]] = {
    "stage-started": StageStarted,
    "step-started": StepStarted,
    "cached": Cached,
    "output": Output,
    "step-done": StepDone,
    "warning": Warning,
    "transfer-started": TransferStarted,
    "transfer-resolved": TransferResolved,
    "layer": Layer,
    "finished": Finished,
}


def _event(kind: str, fields: Dict[str, Any], data: Optional[bytes]) -> Any:
    """The event that the engine told; None for one of a kind that this version does not know."""
    if data is not None:
        fields = {**fields, "data": data}
    make = _KINDS.get(kind)
    return None if make is None else make(**fields)
