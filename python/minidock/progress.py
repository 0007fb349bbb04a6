"""Ready-made ``progress=`` callbacks for ``images.build``: with tqdm, with rich, or plain.

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
from typing import Any, Callable, Optional, TextIO

from minidock.events import BuildEvent, Finished, Output, StepDone, StepStarted

#: What ``progress=`` takes.
Progress = Callable[[BuildEvent], Any]


def plain(out: Optional[TextIO] = None) -> Progress:
    """One line for each step, and the output of commands; to standard error without ``out``."""
    stream = sys.stderr if out is None else out

    def tell(event: BuildEvent) -> None:
        if isinstance(event, StepStarted):
            stream.write(f"[{event.number}/{event.total}] {event.text}\n")
        elif isinstance(event, Output):
            stream.write(event.data.decode(errors="replace"))

    return tell


def with_tqdm(**keywords: Any) -> Progress:
    """A bar of tqdm that counts steps; keywords go to ``tqdm`` (extra: ``minidock[tqdm]``)."""
    tqdm = importlib.import_module("tqdm.auto").tqdm

    bar = tqdm(unit="step", **keywords)

    def tell(event: BuildEvent) -> None:
        if isinstance(event, StepStarted):
            bar.total = event.total
            bar.set_description(event.text[:40])
        elif isinstance(event, StepDone):
            bar.update(1)
        elif isinstance(event, Finished):
            bar.close()

    return tell


def with_rich(progress: Any = None) -> Progress:
    """A task of rich's ``Progress``, which is started if none is given (extra:
    ``minidock[rich]``)."""
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
        elif isinstance(event, Finished) and own:
            shown.stop()

    return tell
