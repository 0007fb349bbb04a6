"""docker-py's ``volumes=``, ``mounts=``, ``tmpfs=`` and ``ports=`` as the engine has them."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from minidock.errors import InvalidArgument, Unsupported

Volumes = Union[Mapping[str, Mapping[str, str]], Sequence[str]]
Ports = Mapping[Union[int, str, Tuple[int, str]], Any]


def split_volumes(value: Optional[Volumes]) -> Tuple[List[str], List[Dict[str, Any]]]:
    """Volumes as texts of ``-v`` (a list), or as mounts (a mapping)."""
    if value is None:
        return [], []
    if not isinstance(value, Mapping):
        if isinstance(value, str):
            raise InvalidArgument(f"volumes is a mapping or a list, not {value!r}")
        return [str(text) for text in value], []
    return [], [_volume(os.fspath(source), given) for source, given in value.items()]


def _volume(source: str, given: Mapping[str, str]) -> Dict[str, Any]:
    if not isinstance(given, Mapping) or "bind" not in given:
        raise InvalidArgument(
            f"volumes: {source!r} has no target", hint="write {source: {'bind': '/path'}}"
        )
    unknown = set(given) - {"bind", "mode", "propagation"}
    if unknown or given.get("propagation"):
        raise Unsupported(f"volumes: {sorted(set(given) - {'bind', 'mode'})[0]!r} is not offered")
    mode = given.get("mode") or "rw"
    if mode not in ("rw", "ro"):
        raise Unsupported(f"volumes: mode={mode!r} is not offered", hint="give rw or ro")
    return _mount(given["bind"], source, create=True, read_only=mode == "ro")


def _mount(
    target: str, source: Optional[str], *, create: bool, read_only: bool, no_copy: bool = False
) -> Dict[str, Any]:
    kind: Dict[str, Any]
    if source is not None and source.startswith(("/", ".", "~")):
        kind = {"bind": {"source": os.path.abspath(source), "create": create}}
        if source.startswith("~"):
            raise InvalidArgument(
                f"the mount source {source!r} is not a path", hint="use os.path.expanduser"
            )
    else:
        kind = {"volume": {"name": source, "no_copy": no_copy}}
    return {"target": target, "kind": kind, "read_only": read_only}


def typed_mounts(value: Optional[Sequence[Mapping[str, Any]]]) -> List[Dict[str, Any]]:
    """``mounts=``, a list of :class:`minidock.types.Mount`."""
    return [_typed(mount) for mount in value or ()]


def _typed(mount: Mapping[str, Any]) -> Dict[str, Any]:
    if not isinstance(mount, Mapping) or "Target" not in mount:
        raise InvalidArgument("mounts is a list of minidock.types.Mount")
    kind, source, target = mount["Type"], mount.get("Source"), mount["Target"]
    if kind == "tmpfs":
        options = mount.get("TmpfsOptions") or {}
        size, mode = options.get("SizeBytes"), options.get("Mode")
        shape: Dict[str, Any] = {"tmpfs": {"size": size, "mode": mode, "exec": False}}
        return {"target": target, "kind": shape, "read_only": mount["ReadOnly"]}
    if kind == "bind":
        if not source:
            raise InvalidArgument(f"the mount at {target!r} has no source")
        shape = {"bind": {"source": os.path.abspath(source), "create": False}}
        return {"target": target, "kind": shape, "read_only": mount["ReadOnly"]}
    no_copy = bool((mount.get("VolumeOptions") or {}).get("NoCopy"))
    shape = {"volume": {"name": source or None, "no_copy": no_copy}}
    return {"target": target, "kind": shape, "read_only": mount["ReadOnly"]}


def tmpfs_texts(value: Union[None, Mapping[str, str], Sequence[str]]) -> List[str]:
    """``tmpfs=`` as texts of ``--tmpfs``."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [f"{path}:{options}" if options else path for path, options in value.items()]
    return [str(path) for path in value]


def published(value: Optional[Ports]) -> List[Dict[str, Any]]:
    """``ports=`` as published ports."""
    if value is None:
        return []
    if not isinstance(value, Mapping):
        raise InvalidArgument("ports is a mapping, as {'80/tcp': 8080}")
    return [port for inside, outside in value.items() for port in _port(inside, outside)]


def _port(inside: Any, outside: Any) -> Iterator[Dict[str, Any]]:
    if isinstance(inside, tuple):
        number, protocol = str(inside[0]), str(inside[1])
    else:
        number, _, protocol = str(inside).partition("/")
    protocol = protocol or "tcp"
    if protocol not in ("tcp", "udp"):
        raise InvalidArgument(f"ports: {protocol!r} is no protocol", hint="tcp and udp are")
    for binding in outside if isinstance(outside, list) else [outside]:
        address, host = _binding(binding)
        yield {
            "address": address,
            "host": _number(host) if host not in (None, "") else 0,
            "container": _number(number),
            "protocol": protocol,
        }


def _binding(value: Any) -> Tuple[Optional[str], Any]:
    if isinstance(value, tuple):
        if len(value) == 2:
            return value[0] or None, value[1]
        return value[0], None
    if isinstance(value, Mapping):
        return value.get("HostIp") or None, value.get("HostPort")
    if isinstance(value, str) and ":" in value:
        address, _, host = value.rpartition(":")
        return address.strip("[]") or None, host
    return None, value


def _number(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number <= 65535:
        raise InvalidArgument(f"ports: {value!r} is not a port")
    return number
