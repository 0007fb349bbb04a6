"""``client.containers.run``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Dict, Iterator, Optional, Tuple, Union

from minidock import _minidock
from minidock._create import options
from minidock._encode import Words
from minidock._pump import STDERR, STDOUT, Callback, Gathered, Pump, Stdin
from minidock.errors import ContainerError, ImageNotFound, Unsupported
from minidock.images import Image

if TYPE_CHECKING:
    from minidock.containers import ContainerCollection

_log = logging.getLogger("minidock")


def run(
    collection: "ContainerCollection",
    image: Union[str, Image],
    command: Optional[Words],
    *,
    stdout: bool,
    stderr: bool,
    remove: bool,
    timeout: Optional[float],
    stdin: Stdin,
    on_stdout: Callback,
    on_stderr: Callback,
    keywords: Dict[str, Any],
) -> Any:
    """See :meth:`minidock.containers.ContainerCollection.run`."""
    detach, stream = keywords.pop("detach", False), keywords.pop("stream", False)
    named = image.id if isinstance(image, Image) else image
    has_input = stdin is not None and stdin is not False
    if detach and (has_input or timeout is not None or on_stdout or on_stderr):
        raise Unsupported("run: detach=True goes with neither stdin, timeout nor callbacks")
    keywords["auto_remove"] = bool(remove or keywords.get("auto_remove"))
    keywords["stdin_open"] = bool(has_input or keywords.get("stdin_open"))
    asked = options("run()", named, command, keywords)
    if detach:
        made, _ = _started(collection, image, asked, (False, False, False), False)
        _log.debug("started %s of %s", made[:12], named)
        return collection.get(made)
    tty = bool(keywords.get("tty"))
    # What went wrong is told with the error, so standard error is read in any case.
    made, session = _started(collection, image, asked, (has_input, True, not tty), True)
    _log.debug("started %s of %s", made[:12], named)
    pump = Pump(session, stdin, timeout, whole=True)
    result = _Result(collection, made, named, command, keywords["auto_remove"])
    wanted = [kind for kind, asks in ((STDOUT, stdout), (STDERR, stderr)) if asks]
    if stream:
        return _streamed(pump, wanted, result)
    gathered = pump.run(on_stdout, on_stderr)
    result.check(gathered)
    return gathered.of(*wanted)


def _started(
    collection: "ContainerCollection",
    image: Union[str, Image],
    asked: str,
    attach: Tuple[bool, bool, bool],
    owned: bool,
) -> Tuple[str, "_minidock.Session"]:
    """Starts it; an image that is not here is pulled. An id leads to no registry."""
    engine = collection.client._engine
    try:
        return _minidock.container_run(engine, asked, attach, owned)
    except ImageNotFound:
        if isinstance(image, Image) or image.startswith("sha256:"):
            raise
        _log.debug("pull %s, which is not here", image)
        collection.client.images.pull(image)
    return _minidock.container_run(engine, asked, attach, owned)


class _Result:
    """How a container that was run ended, and what is said about it."""

    def __init__(
        self,
        collection: "ContainerCollection",
        made: str,
        image: str,
        command: Optional[Words],
        removed: bool,
    ) -> None:
        self.collection = collection
        self.made = made
        self.image = image
        self.command = command
        self.removed = removed

    def check(self, gathered: Gathered) -> None:
        """Raises if the status is not 0."""
        _log.debug("%s ended with status %s", self.made[:12], gathered.status)
        if gathered.status == 0:
            return
        from minidock.containers import Container

        if self.removed:
            container = Container({"Id": self.made, "Name": "/"}, self.collection.client)
        else:
            container = self.collection.get(self.made)
        told = gathered.of(STDERR)
        raise ContainerError(container, gathered.status, self.command, self.image, told or None)


def _streamed(pump: Pump, wanted: Any, result: _Result) -> Iterator[bytes]:
    errors = Gathered()
    try:
        for kind, data in pump:
            if kind == STDERR:
                errors.chunks.append((kind, data))
            if kind in wanted:
                yield data
    finally:
        if pump.status is None:
            # Nobody reads on: the program would wait for ever.
            pump.session.kill(9)
    errors.status = pump.status or 0
    result.check(errors)
