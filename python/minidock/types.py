"""Values for keywords, with docker-py's names and shapes.

>>> from minidock.types import Mount, Ulimit
>>> Mount("/data", "name", read_only=True)["Type"]
'volume'
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Union

from minidock._keywords import refuse_keywords
from minidock._minidock import parse_size
from minidock.errors import InvalidArgument


class Mount(Dict[str, Any]):
    """A mount for ``mounts=``: a volume, a bind or a tmpfs.

    >>> Mount("/src", "/home", type="bind", read_only=True)["ReadOnly"]
    True
    """

    def __init__(
        self,
        target: str,
        source: Optional[str] = None,
        type: str = "volume",
        read_only: bool = False,
        consistency: Optional[str] = None,
        propagation: Optional[str] = None,
        no_copy: bool = False,
        labels: Optional[Mapping[str, str]] = None,
        driver_config: Optional[Mapping[str, Any]] = None,
        tmpfs_size: Union[None, int, str] = None,
        tmpfs_mode: Optional[int] = None,
    ) -> None:
        if type not in ("bind", "volume", "tmpfs"):
            raise InvalidArgument(f"Mount: type={type!r} is not offered", hint="bind, volume, tmpfs")
        refuse_keywords(
            "Mount",
            {
                "consistency": None if consistency == "default" else consistency,
                "propagation": propagation,
                "labels": labels,
                "driver_config": driver_config,
            },
        )
        if type != "volume" and no_copy:
            raise InvalidArgument("Mount: no_copy is for volumes alone")
        if type != "tmpfs" and (tmpfs_size is not None or tmpfs_mode is not None):
            raise InvalidArgument("Mount: tmpfs_size and tmpfs_mode are for tmpfs alone")
        super().__init__(Target=target, Source=source, Type=type, ReadOnly=read_only)
        if no_copy:
            self["VolumeOptions"] = {"NoCopy": True}
        if type == "tmpfs":
            size = parse_size(tmpfs_size) if isinstance(tmpfs_size, str) else tmpfs_size
            self["TmpfsOptions"] = {"SizeBytes": size, "Mode": tmpfs_mode}

    @classmethod
    def parse_mount_string(cls, string: str) -> "Mount":
        """A mount of docker's short form.

        >>> Mount.parse_mount_string("/home:/src:ro")["Source"]
        '/home'
        """
        parts = string.split(":")
        if len(parts) > 3 or not parts[0]:
            raise InvalidArgument(f"Invalid mount format {string!r}")
        if len(parts) == 1:
            return cls(target=parts[0], source=None)
        read_only = len(parts) == 3 and parts[2] == "ro"
        kind = "bind" if parts[0].startswith("/") else "volume"
        return cls(parts[1], parts[0], type=kind, read_only=read_only)


class Ulimit(Dict[str, Any]):
    """A resource limit for ``ulimits=``; -1 is none.

    >>> Ulimit(name="nofile", soft=1024, hard=2048)
    {'Name': 'nofile', 'Soft': 1024, 'Hard': 2048}
    """

    def __init__(self, **kwargs: Any) -> None:
        name = kwargs.get("name", kwargs.get("Name"))
        soft = kwargs.get("soft", kwargs.get("Soft"))
        hard = kwargs.get("hard", kwargs.get("Hard"))
        unknown = set(kwargs) - {"name", "Name", "soft", "Soft", "hard", "Hard"}
        if unknown:
            raise TypeError(f"Ulimit got an unexpected keyword argument {sorted(unknown)[0]!r}")
        if not isinstance(name, str):
            raise InvalidArgument("Ulimit.name must be a string")
        for value in (soft, hard):
            if value is not None and not isinstance(value, int):
                raise InvalidArgument("Ulimit: soft and hard must be integers")
        super().__init__(Name=name, Soft=soft, Hard=hard)

    @property
    def name(self) -> str:
        """Which limit."""
        return str(self["Name"])

    @property
    def soft(self) -> Optional[int]:
        """The limit in force."""
        value: Optional[int] = self["Soft"]
        return value

    @property
    def hard(self) -> Optional[int]:
        """How far a program may raise it."""
        value: Optional[int] = self["Hard"]
        return value
