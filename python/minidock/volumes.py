"""Volumes, with docker-py's methods."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional

from minidock import _minidock
from minidock._encode import labels as labels_of
from minidock._keywords import refuse_keywords
from minidock.errors import Conflict, InvalidArgument, NotFound, NullResource, Unsupported
from minidock.models import Collection, Model, Table

_ANONYMOUS = "com.docker.volume.anonymous"


class Volume(Model):
    """A directory that outlives containers.

    >>> volume = client.volumes.create("doc-data", labels={"stage": "doc"})
    >>> volume.name, volume.attrs["Labels"]
    ('doc-data', {'stage': 'doc'})
    >>> volume.remove()
    """

    id_attribute = "Name"

    @property
    def name(self) -> str:
        """Its name."""
        return self.id

    def reload(self) -> None:
        """Asks again what ``attrs`` holds."""
        self.attrs = json.loads(_minidock.volume_inspect(self.client._engine, self.id))

    def remove(self, force: bool = False) -> None:
        """Removes it; with ``force`` one that is gone already is no error."""
        try:
            _minidock.volume_remove(self.client._engine, self.id)
        except NotFound:
            if not force:
                raise


class VolumeTable(Table[Volume]):
    """Volumes that notebooks show as a table."""

    columns = ["Volume", "Created"]

    def row(self, one: Volume) -> List[str]:
        """What the columns hold."""
        return [one.name, str(one.attrs["CreatedAt"])]


class VolumeCollection(Collection):
    """``client.volumes``."""

    def create(
        self,
        name: Optional[str] = None,
        driver: Optional[str] = None,
        driver_opts: Optional[Mapping[str, str]] = None,
        labels: Optional[Mapping[str, str]] = None,
    ) -> Volume:
        """Makes a volume, with a name of its own without one."""
        if driver not in (None, "", "local"):
            raise Unsupported(f"create: driver={driver!r} is not in minidock", hint="local is")
        refuse_keywords("create", {"driver_opts": driver_opts})
        made = _minidock.volume_create(self.client._engine, name, labels_of(labels))
        return self.get(made)

    def get(self, volume_id: str) -> Volume:
        """A volume by name."""
        if not volume_id:
            raise NullResource("Resource ID was not provided")
        attrs = json.loads(_minidock.volume_inspect(self.client._engine, volume_id))
        return Volume(attrs, self.client)

    def list(self, filters: Optional[Dict[str, Any]] = None) -> "VolumeTable":
        """Volumes. Filters: ``name``, ``label``, ``dangling``, ``driver``.

        >>> client.volumes.list(filters={"name": "doc-nothing"})
        []
        """
        fits = [_filter(key, value) for key, value in (filters or {}).items()]
        found = json.loads(_minidock.volume_list(self.client._engine))
        return VolumeTable(
            Volume(attrs, self.client) for attrs in found if all(fit(attrs) for fit in fits)
        )

    def prune(self, filters: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Removes volumes without a name that no container has, with ``{"all": True}`` the named
        ones too; the space is not measured and told as 0."""
        given = dict(filters or {})
        every = given.pop("all", False) in (True, "true", "1", 1)
        refuse_keywords("prune", given)
        deleted = []
        for volume in self.list(filters={"dangling": True}):
            if every or _ANONYMOUS in (volume.attrs["Labels"] or {}):
                try:
                    volume.remove(force=True)
                except Conflict:
                    # Somebody took it meanwhile.
                    continue
                deleted.append(volume.name)
        return {"VolumesDeleted": deleted or None, "SpaceReclaimed": 0}


def _filter(key: str, value: Any) -> Any:
    values = list(value) if isinstance(value, (list, tuple, set)) else [value]
    if key == "name":
        return lambda attrs: any(str(part) in attrs["Name"] for part in values)
    if key == "driver":
        return lambda attrs: attrs["Driver"] in values
    if key == "dangling":
        wanted = str(values[-1]).lower() in ("true", "1")
        return lambda attrs: (attrs["UsageData"]["RefCount"] == 0) == wanted
    if key == "label":
        return lambda attrs: all(_labelled(attrs["Labels"] or {}, str(one)) for one in values)
    raise InvalidArgument(
        f"volumes have no filter {key!r}", hint="known are name, label, dangling and driver"
    )


def _labelled(labels: Mapping[str, str], wanted: str) -> bool:
    name, given, value = wanted.partition("=")
    return name in labels and (not given or labels[name] == value)
