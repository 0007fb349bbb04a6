"""Images, with docker-py's methods."""

from __future__ import annotations

import json
import logging
import os
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NoReturn,
    Optional,
    Tuple,
    Union,
)

from minidock import _minidock
from minidock._archive import chunks, feed
from minidock._build import BuildStream, build_options, log_of
from minidock._keywords import refuse_keywords, refuse_method
from minidock._transfer import pull, push
from minidock.errors import BuildError, InvalidArgument, NotFound, NullResource, Unsupported
from minidock.events import BuildEvent, Finished, TransferEvent
from minidock.models import Collection, Model, Table, filter_texts

_log = logging.getLogger("minidock")


class Image(Model):
    """An image.

    >>> client.images.get("busybox")
    <Image: 'busybox:latest'>
    """

    @property
    def labels(self) -> Dict[str, str]:
        """Its labels."""
        return dict((self.attrs.get("Config") or {}).get("Labels") or {})

    @property
    def short_id(self) -> str:
        """The id, cut to 12 characters after ``sha256:``."""
        return self.id[:19] if self.id.startswith("sha256:") else self.id[:12]

    @property
    def tags(self) -> List[str]:
        """Its names.

        >>> client.images.get("busybox").tags
        ['busybox:latest']
        """
        return [tag for tag in self.attrs.get("RepoTags") or [] if tag != "<none>:<none>"]

    def __repr__(self) -> str:
        names = ", ".join(repr(tag) for tag in self.tags)
        return f"<Image: {names or repr(self.short_id)}>"

    def reload(self) -> None:
        """Asks again what ``attrs`` holds."""
        self.attrs = json.loads(_minidock.image_inspect(self.client._engine, self.id))

    def history(self) -> List[Dict[str, Any]]:
        """The steps that it says it was made by, the newest first.

        >>> client.images.get("busybox").history()[0]["Tags"]
        ['busybox:latest']
        """
        found: List[Dict[str, Any]] = json.loads(
            _minidock.image_history(self.client._engine, self.id)
        )
        return found

    def save(
        self,
        chunk_size: int = 2097152,
        named: Union[bool, str] = False,
        *,
        format: str = "docker",
    ) -> Iterator[bytes]:
        """The image as an archive, in pieces; with ``named`` its names go with it.

        >>> archive = b"".join(client.images.get("busybox").save(named=True))
        >>> client.images.load(archive)
        [<Image: 'busybox:latest'>]
        """
        names = [self.id]
        if named is True:
            names = self.tags or [self.id]
        elif isinstance(named, str):
            if named not in self.tags:
                raise InvalidArgument(f"{named} is not one of the image's names: {self.tags}")
            names = [named]
        saving = _minidock.image_save(self.client._engine, names, format)
        return chunks(saving.next_piece, chunk_size)

    def tag(self, repository: str, tag: Optional[str] = None, force: bool = False) -> bool:
        """Gives it a further name; a name that another image had moves in any case.

        >>> image = client.images.get("busybox")
        >>> image.tag("doc/busybox", "one")
        True
        >>> client.images.remove("doc/busybox:one")
        [{'Untagged': 'doc/busybox:one'}]
        """
        target = f"{repository}:{tag}" if tag else repository
        _minidock.image_tag(self.client._engine, self.id, target)
        return True

    def remove(self, force: bool = False, noprune: bool = False) -> List[Dict[str, str]]:
        """Removes it with all its names."""
        return self.client.images.remove(self.id, force=force, noprune=noprune)


class ImageTable(Table[Image]):
    """Images that notebooks show as a table."""

    columns = ["Image", "Id", "Created", "Size"]

    def row(self, one: Image) -> List[str]:
        """What the columns hold."""
        size = f"{one.attrs['Size'] / 1e6:.1f} MB"
        created = str(one.attrs.get("Created") or "")[:19]
        return [", ".join(one.tags) or "<none>", one.short_id, created, size]


class ImageCollection(Collection):
    """``client.images``."""

    def get(self, name: str) -> Image:
        """An image by name or id.

        >>> from minidock.errors import ImageNotFound
        >>> try:
        ...     client.images.get("nothing")
        ... except ImageNotFound as error:
        ...     print(error.args[0])
        no such image: "nothing"
        """
        if not name:
            raise NullResource("Resource ID was not provided")
        attrs = json.loads(_minidock.image_inspect(self.client._engine, name))
        return Image(attrs, self.client)

    def list(
        self,
        name: Optional[str] = None,
        all: bool = False,
        filters: Optional[Dict[str, Any]] = None,
    ) -> "ImageTable":
        """Images, the newest first. Builds leave no intermediate ones, so ``all`` adds none.

        >>> client.images.list("busy*")
        [<Image: 'busybox:latest'>]
        """
        found = ImageTable()
        for one in _minidock.image_list(self.client._engine, name, filter_texts(filters)):
            try:
                found.append(self.get(one))
            except NotFound:
                continue
        return found

    def build(self, *, progress: Optional[Callable[[BuildEvent], Any]] = None, **kwargs: Any) -> (
        Tuple[Image, Iterator[Dict[str, Any]]]
    ):
        """Builds an image; the image and docker's log of the build.

        The keywords are docker-py's: ``path`` or ``fileobj`` (a Dockerfile), ``tag``, ``quiet``,
        ``nocache``, ``rm``, ``timeout`` (seconds that the build may take), ``dockerfile``,
        ``buildargs``, ``labels``, ``target``, ``network_mode``, ``pull``. What minidock does not have yet is
        refused. ``progress`` is called with each event, see :mod:`minidock.progress`.

        >>> import io
        >>> text = io.BytesIO(b"FROM busybox\\nRUN echo built")
        >>> image, log = client.images.build(fileobj=text, tag="doc-built")
        >>> image.tags
        ['doc-built:latest']
        >>> "built\\n" in [entry.get("stream") for entry in log]
        True
        >>> _ = client.images.remove("doc-built")
        """
        log: List[Dict[str, Any]] = []
        quiet = bool(kwargs.get("quiet"))
        built: Optional[str] = None
        try:
            for event in self.build_events(**kwargs):
                if progress is not None:
                    progress(event)
                if isinstance(event, Finished):
                    built = event.id
                if not quiet or isinstance(event, Finished):
                    log.extend(log_of(event))
        except BuildError as error:
            error.build_log = iter(log)
            raise
        if built is None:
            raise BuildError("the build ended without an image")
        return self.get(built), iter(log)

    def build_events(self, **kwargs: Any) -> BuildStream:
        """Builds an image and tells what happens, as it happens; keywords as in :meth:`build`.

        Leaving the iterator ends the build.

        >>> import io
        >>> text = io.BytesIO(b"FROM busybox\\nLABEL a=b")
        >>> [type(event).__name__ for event in client.images.build_events(fileobj=text)][-1]
        'Finished'
        """
        asked, timeout = build_options(kwargs)
        return BuildStream(_minidock.image_build(self.client._engine, asked), timeout)

    def load(self, data: Any) -> List[Image]:
        """Loads the images of an archive: bytes, a file, or pieces of bytes."""
        loaded = feed(_minidock.image_load(self.client._engine), data)
        return [self.get(name) for name, _ in loaded]

    def save(
        self, names: Iterable[str], chunk_size: int = 2097152, *, format: str = "docker"
    ) -> Iterator[bytes]:
        """Several images as one archive, in pieces. Names go with it, layers only once.

        >>> archive = b"".join(client.images.save(["busybox"]))
        >>> client.images.load(archive)
        [<Image: 'busybox:latest'>]
        """
        saving = _minidock.image_save(self.client._engine, list(names), format)
        return chunks(saving.next_piece, chunk_size)

    def import_image(
        self,
        src: Any,
        repository: Optional[str] = None,
        tag: Optional[str] = None,
        *,
        changes: Optional[List[str]] = None,
        message: Optional[str] = None,
    ) -> Image:
        """Makes an image of a tar of a root file system: a path, bytes, a file, or pieces."""
        if tag is not None and repository is None:
            raise InvalidArgument("import_image: a tag without a repository")
        name = f"{repository}:{tag}" if tag else repository
        engine = self.client._engine
        taking = _minidock.image_import(engine, name, changes or [], message)
        if isinstance(src, (str, os.PathLike)):
            with open(src, "rb") as opened:
                made = feed(taking, opened)
        else:
            made = feed(taking, src)
        return self.get(made[0][0])

    def remove(
        self, image: Union[str, Image], force: bool = False, noprune: bool = False
    ) -> List[Dict[str, str]]:
        """Removes a name, and the image with its last one."""
        if noprune:
            raise Unsupported("remove: noprune=True is not in minidock: nothing else is kept")
        name = image.id if isinstance(image, Image) else image
        removed = _minidock.image_remove(self.client._engine, name, force)
        _log.debug("removed %s", name)
        return [{what: which} for what, which in removed]

    def prune(self, filters: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Removes images without a name; with ``{"dangling": False}`` all that are not used."""
        given = dict(filters or {})
        dangling = given.pop("dangling", True)
        refuse_keywords("prune", given)
        which = "unused" if dangling in (False, "false", "0", 0) else "dangling"
        names, ids, size = _minidock.images_prune(self.client._engine, which, False)
        deleted = [{"Untagged": name} for name in names] + [{"Deleted": one} for one in ids]
        return {"ImagesDeleted": deleted or None, "SpaceReclaimed": size}

    def pull(
        self,
        repository: str,
        tag: Optional[str] = None,
        all_tags: bool = False,
        platform: Optional[str] = None,
        auth_config: Optional[Mapping[str, str]] = None,
        *,
        progress: Optional[Callable[[TransferEvent], Any]] = None,
    ) -> Union[Image, List[Image]]:
        """Pulls an image: ``latest`` without a tag. With ``all_tags`` all of a repository."""
        return pull(self, repository, tag, all_tags, platform, auth_config, progress)

    def push(
        self,
        repository: str,
        tag: Optional[str] = None,
        stream: bool = False,
        auth_config: Optional[Mapping[str, str]] = None,
        decode: bool = False,
        *,
        format: Optional[str] = None,
        progress: Optional[Callable[[TransferEvent], Any]] = None,
    ) -> Any:
        """Pushes an image by a name that it has. docker's log of it is the result: lines of JSON,
        with ``stream`` one by one, with ``decode`` as dicts. What goes wrong raises."""
        return push(self, repository, tag, stream, auth_config, decode, format, progress)

    def search(self, *arguments: Any, **kwargs: Any) -> NoReturn:
        """Not there yet."""
        raise refuse_method("images.search()")

    def get_registry_data(self, name: str, auth_config: Any = None) -> NoReturn:
        """Not there yet."""
        raise refuse_method("images.get_registry_data()")
