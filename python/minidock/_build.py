"""docker-py's keywords of ``images.build``, and the build's events."""

from __future__ import annotations

import json
import logging
import os
import time
from typing import Any, Dict, List, Mapping, Optional, Tuple

from minidock import _minidock
from minidock._encode import encode, labels, word
from minidock._keywords import refuse_keywords, refuse_unknown
from minidock.errors import InvalidArgument, TimedOut, Unsupported
from minidock.events import BuildEvent, Cached, Finished, Output, StepStarted, Warning, _event

_log = logging.getLogger("minidock")

_LATER = frozenset(
    """
    custom_context encoding container_limits shmsize cache_from squash extra_hosts platform
    isolation use_config_proxy gzip
    """.split()
)
# rm and forcerm are about intermediate containers, of which none are left in any case.
_KNOWN = frozenset(
    """
    path fileobj tag quiet nocache rm forcerm timeout dockerfile buildargs labels target
    network_mode pull
    """.split()
)


def build_options(given: Mapping[str, Any]) -> Tuple[str, Optional[float]]:
    """The options as JSON, and the seconds that the build may take."""
    refuse_unknown("build()", set(given) - _KNOWN - _LATER)
    refuse_keywords("build()", {name: value for name, value in given.items() if name in _LATER})
    path, fileobj = given.get("path"), given.get("fileobj")
    if path is None and fileobj is None:
        raise TypeError("Either path or fileobj needs to be provided.")
    dockerfile = given.get("dockerfile")
    text = None
    if fileobj is not None:
        if path is not None:
            raise InvalidArgument("build(): path and fileobj exclude each other")
        read = fileobj.read()
        text = word(read.encode() if isinstance(read, str) else read)
    elif dockerfile is not None and not os.path.isabs(dockerfile):
        # As docker-py: it counts from the context.
        dockerfile = os.path.join(str(path), dockerfile)
    if path is not None and "://" in str(path):
        raise Unsupported(f"build(): the context {path!r} is a URL", hint="give a directory")
    tag = given.get("tag")
    asked = {
        "context": None if path is None else os.path.abspath(path),
        "dockerfile": None if dockerfile is None else os.path.abspath(dockerfile),
        "dockerfile_text": text,
        "tags": [] if tag is None else [tag] if isinstance(tag, str) else list(tag),
        "build_args": {k: str(v) for k, v in (given.get("buildargs") or {}).items() if v is not None},
        "target": given.get("target") or None,
        "no_cache": bool(given.get("nocache")),
        "pull": bool(given.get("pull")),
        "labels": labels(given.get("labels")),
        "network": given.get("network_mode"),
    }
    return encode(asked), given.get("timeout")


class BuildStream:
    """An iterator over the events of a build. Leaving it, or :meth:`close`, ends the build."""

    def __init__(self, build: "_minidock.Build", timeout: Optional[float]) -> None:
        self._build = build
        self._timeout = timeout
        self._until = None if timeout is None else time.monotonic() + timeout

    def __iter__(self) -> "BuildStream":
        return self

    def __next__(self) -> BuildEvent:
        while True:
            left = None if self._until is None else max(0.0, self._until - time.monotonic())
            try:
                told = self._build.next_event(left)
            except BaseException:
                self._build.cancel()
                raise
            if told is None:
                raise StopIteration
            kind, fields, data = told
            if kind == "waiting":
                self._build.cancel()
                raise TimedOut(f"the build was not done after {self._timeout} s and was ended")
            event = _event(kind, json.loads(fields), data)
            if event is not None:
                _tell(event)
                found: BuildEvent = event
                return found

    def close(self) -> None:
        """Ends the build."""
        self._build.cancel()

    def __enter__(self) -> "BuildStream":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _tell(event: BuildEvent) -> None:
    if isinstance(event, Warning):
        _log.warning("%s", event.text)
    elif isinstance(event, StepStarted):
        _log.debug("build: [%s/%s] %s", event.number, event.total, event.text)


def log_of(event: BuildEvent) -> List[Dict[str, Any]]:
    """The entries that docker's log has for an event."""
    if isinstance(event, StepStarted):
        return [{"stream": f"Step {event.number}/{event.total} : {event.text}"}, {"stream": "\n"}]
    if isinstance(event, Cached):
        return [{"stream": " ---> Using cache\n"}]
    if isinstance(event, Output):
        return [{"stream": event.data.decode(errors="replace")}]
    if isinstance(event, Warning):
        return [{"stream": f"[Warning] {event.text}\n"}]
    if isinstance(event, Finished):
        short = event.id.partition(":")[2][:12]
        done: List[Dict[str, Any]] = [
            {"aux": {"ID": event.id}},
            {"stream": f"Successfully built {short}\n"},
        ]
        return done + [{"stream": f"Successfully tagged {tag}\n"} for tag in event.tags]
    return []
