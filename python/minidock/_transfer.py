"""Pull and push, with docker-py's results."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple, Union

from minidock import _minidock
from minidock.errors import InvalidArgument
from minidock.events import Layer, TransferEvent, TransferResolved, TransferStarted, Warning, _event

if TYPE_CHECKING:
    from minidock.images import Image, ImageCollection

_log = logging.getLogger("minidock")

Progress = Optional[Callable[[TransferEvent], Any]]


def pull(
    images: "ImageCollection",
    repository: str,
    tag: Optional[str],
    all_tags: bool,
    platform: Optional[str],
    auth_config: Optional[Mapping[str, str]],
    progress: Progress,
) -> "Union[Image, List[Image]]":
    """See :meth:`minidock.images.ImageCollection.pull`."""
    engine, known = images.client._engine, _credentials(auth_config)
    if not all_tags:
        return _pull(images, named(repository, tag), platform, known, progress)
    if tag is not None:
        raise InvalidArgument("pull: a tag together with all_tags=True")
    tags = sorted(_minidock.registry_tags(engine, repository, known))
    return [_pull(images, f"{repository}:{one}", platform, known, progress) for one in tags]


def _pull(
    images: "ImageCollection",
    name: str,
    platform: Optional[str],
    known: Optional[Tuple[str, str]],
    progress: Progress,
) -> "Image":
    transfer = _minidock.image_pull(images.client._engine, name, platform, known)
    ended: Dict[str, Any] = {}
    for event in _events(transfer, ended):
        if progress is not None:
            progress(event)
    _log.debug("pulled %s: %s", name, ended["digest"])
    return images.get(ended["id"])


def push(
    images: "ImageCollection",
    repository: str,
    tag: Optional[str],
    stream: bool,
    auth_config: Optional[Mapping[str, str]],
    decode: bool,
    format: Optional[str],
    progress: Progress,
) -> Any:
    """See :meth:`minidock.images.ImageCollection.push`."""
    name = named(repository, tag)
    transfer = _minidock.image_push(
        images.client._engine, name, format, _credentials(auth_config)
    )
    entries = _log_of(transfer, name, progress)
    if decode:
        shown: Iterator[Any] = entries
    else:
        shown = (json.dumps(entry) + "\r\n" for entry in entries)
    if stream:
        return shown
    return list(shown) if decode else "".join(shown)


def named(repository: str, tag: Optional[str]) -> str:
    """The name of an image; a digest is a tag too, as docker-py has it."""
    if not tag:
        return repository
    return f"{repository}@{tag}" if ":" in tag else f"{repository}:{tag}"


def _credentials(given: Optional[Mapping[str, str]]) -> Optional[Tuple[str, str]]:
    if not given:
        return None
    if set(given) - {"username", "password"} or not given.get("username"):
        raise InvalidArgument("auth_config has a username and a password, and nothing else")
    return given["username"], given.get("password", "")


def _events(transfer: "_minidock.Transfer", ended: Dict[str, Any]) -> Iterator[TransferEvent]:
    """What happens; how it ended is put into ``ended``. Leaving it ends the transfer."""
    try:
        while True:
            told = transfer.next_event()
            if told is None:
                return
            kind, fields = told[0], json.loads(told[1])
            if kind == "ended":
                ended.update(fields)
                return
            event = _event(kind, fields, None)
            if isinstance(event, Warning):
                _log.warning("%s", event.text)
            if event is not None:
                yield event
    finally:
        transfer.cancel()


def _log_of(
    transfer: "_minidock.Transfer", name: str, progress: Progress
) -> Iterator[Dict[str, Any]]:
    ended: Dict[str, Any] = {}
    for event in _events(transfer, ended):
        if progress is not None:
            progress(event)
        if isinstance(event, TransferStarted):
            yield {"status": f"The push refers to repository [{name}]"}
        elif isinstance(event, Layer):
            yield _layer(event)
        elif isinstance(event, TransferResolved):
            yield {"status": f"{event.reference}: digest: {event.digest}"}
    digest, size = ended["digest"], ended["size"]
    yield {"status": f"{ended['tag']}: digest: {digest} size: {size}"}
    yield {"progressDetail": {}, "aux": {"Tag": ended["tag"], "Digest": digest, "Size": size}}


_WORDS = {
    "pending": "Preparing",
    "waiting": "Waiting",
    "packing": "Preparing",
    "moving": "Pushing",
    "unpacking": "Pushing",
    "done": "Pushed",
    "present": "Layer already exists",
    "mounted": "Mounted",
}


def _layer(event: Layer) -> Dict[str, Any]:
    detail = {"current": event.done, "total": event.size} if event.state == "moving" else {}
    short = event.digest.partition(":")[2][:12]
    return {"status": _WORDS.get(event.state, ""), "progressDetail": detail, "id": short}
