"""Containers without root and without a daemon, with docker-py's names.

>>> import minidock
>>> client = minidock.from_env()
>>> client.containers.run("busybox", ["echo", "hi"], remove=True)
b'hi\\n'
"""

from __future__ import annotations

import json as _json
import logging as _logging

from minidock import errors, events, progress, types
from minidock._minidock import system_version as _system_version
from minidock.client import Client, from_env
from minidock._exec import ExecResult
from minidock.containers import Container
from minidock.errors import MinidockError
from minidock.images import Image
from minidock.sandbox import RunResult, Sandbox
from minidock.volumes import Volume

__version__: str = _json.loads(_system_version())["Version"]

#: docker-py's name for the client.
DockerClient = Client

# As libraries do: an application decides where its log goes.
_logging.getLogger("minidock").addHandler(_logging.NullHandler())

__all__ = [
    "Client",
    "Container",
    "DockerClient",
    "ExecResult",
    "Image",
    "MinidockError",
    "RunResult",
    "Sandbox",
    "Volume",
    "__version__",
    "errors",
    "events",
    "from_env",
    "progress",
    "types",
]
