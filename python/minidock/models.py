"""What images, containers and volumes have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Generic, List, Optional, TypeVar

if TYPE_CHECKING:
    from minidock.client import Client

M = TypeVar("M", bound="Model")


class Model:
    """A thing of the store, and what docker's ``inspect`` says about it.

    >>> image = client.images.get("busybox")
    >>> image.reload()
    >>> image == client.images.get(image.id)
    True
    """

    #: The key of ``attrs`` that holds the id.
    id_attribute = "Id"

    def __init__(self, attrs: Dict[str, Any], client: "Client") -> None:
        #: What ``inspect`` said at the last :meth:`reload`.
        self.attrs = attrs
        #: The client that it came from.
        self.client = client

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.attrs[self.id_attribute])

    @property
    def short_id(self) -> str:
        """The id, cut to 12 characters."""
        return self.id[:12]

    def reload(self) -> None:
        """Asks again what ``attrs`` holds."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.id == other.id

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.id))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.short_id}>"


class Collection:
    """Where things of one kind are found."""

    def __init__(self, client: "Client") -> None:
        #: The client that it belongs to.
        self.client = client

    def __call__(self, *arguments: Any, **keywords: Any) -> None:
        raise TypeError(f"{type(self).__name__!r} object is not callable: name one of its methods")


class Table(List[M], Generic[M]):
    """A list that notebooks show as a table."""

    #: Titles of the columns.
    columns: List[str] = []

    def row(self, one: M) -> List[str]:
        """What the columns hold for one thing."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        from html import escape

        head = "".join(f"<th>{escape(title)}</th>" for title in self.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in self.row(one)) + "</tr>"
            for one in self
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def filter_texts(filters: Optional[Dict[str, Any]]) -> List[str]:
    """docker-py's filters as the engine reads them: ``key=value`` each."""
    texts = []
    for key, given in (filters or {}).items():
        values = given if isinstance(given, (list, tuple, set)) else [given]
        for value in values:
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            texts.append(f"{key}={shown}")
    return texts
