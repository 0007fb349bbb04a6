"""Ready-made ``progress=`` callbacks for builds, pulls and pushes: with tqdm, with rich, or plain.

>>> import io
>>> from minidock.progress import plain
>>> shown = io.StringIO()
>>> text = io.BytesIO(b"FROM busybox")
>>> image, _ = client.images.build(fileobj=text, progress=plain(shown))
>>> shown.getvalue().splitlines()[0]
'[1/1] FROM busybox'
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, Callable, Dict, Optional, TextIO, Tuple

from minidock.events import BuildEvent, Finished, Layer, Output, StepDone, StepStarted, TransferStarted

#: What ``progress=`` takes.
Progress = Callable[[BuildEvent], Any]


class _Moved:
    """How much of all layers has moved."""

    def __init__(self) -> None:
        self.layers: Dict[str, Tuple[int, int]] = {}

    def add(self, event: Layer) -> Tuple[int, int]:
        """Bytes that moved, of how many."""
        self.layers[event.digest] = (event.done, event.size)
        known = self.layers.values()
        return sum(done for done, _ in known), sum(size for _, size in known)


def plain(out: Optional[TextIO] = None) -> Progress:
    """One line for each step, and the output of commands; to standard error without ``out``."""
    stream = sys.stderr if out is None else out

    def tell(event: BuildEvent) -> None:
        if isinstance(event, StepStarted):
            stream.write(f"[{event.number}/{event.total}] {event.text}\n")
        elif isinstance(event, TransferStarted):
            stream.write(f"transfer of {event.reference}\n")
        elif isinstance(event, Layer) and event.state in ("done", "present", "mounted"):
            stream.write(f"{event.digest} {event.state}\n")
        elif isinstance(event, Output):
            stream.write(event.data.decode(errors="replace"))

    return tell


def with_tqdm(**keywords: Any) -> Progress:
    """A bar of tqdm that counts steps; keywords go to ``tqdm`` (extra: ``minidock[tqdm]``)."""
    tqdm = importlib.import_module("tqdm.auto").tqdm

    steps = tqdm(unit="step", **keywords)
    moved = _Moved()

    def tell(event: BuildEvent) -> None:
        if isinstance(event, StepStarted):
            steps.total = event.total
            steps.unit = "step"
            steps.set_description(event.text[:40])
        elif isinstance(event, StepDone):
            steps.update(1)
        elif isinstance(event, Layer):
            steps.unit = "B"
            steps.n, steps.total = moved.add(event)
            steps.refresh()
        elif isinstance(event, Finished):
            steps.close()

    return tell


def with_rich(progress: Any = None) -> Progress:
    """A task of rich's ``Progress``, which is started if none is given (extra:
    ``minidock[rich]``)."""
    moved = _Moved()
    shown = importlib.import_module("rich.progress").Progress() if progress is None else progress
    own = progress is None
    task = shown.add_task("build", total=None)
    if own:
        shown.start()

    def tell(event: BuildEvent) -> None:
        if isinstance(event, StepStarted):
            shown.update(task, total=event.total, description=event.text[:40])
        elif isinstance(event, StepDone):
            shown.advance(task)
        elif isinstance(event, Layer):
            done, total = moved.add(event)
            shown.update(task, total=total, completed=done, description="layers")
        elif isinstance(event, Finished) and own:
            shown.stop()

    return tell
