"""The client: an engine in this process, and the collections of what it keeps."""

from __future__ import annotations

import json
import logging
import os
from types import TracebackType
from typing import Any, Dict, Mapping, NoReturn, Optional, Sequence, Type, Union

from minidock import _minidock
from minidock._keywords import refuse_keywords, refuse_method
from minidock._mounts import Volumes
from minidock.containers import ContainerCollection
from minidock.errors import InvalidArgument, Unsupported
from minidock.images import Image, ImageCollection
from minidock.sandbox import DEFAULT, Limit, Sandbox
from minidock.sandbox import start as start_sandbox
from minidock.volumes import VolumeCollection

_log = logging.getLogger("minidock")

_Path = Union[str, "os.PathLike[str]"]


class Client:
    """An engine over one store. Any thread may use it; a forked child needs its own.

    ``root`` is where the store lies (else ``MINIDOCK_ROOT``, else
    ``$XDG_DATA_HOME/minidock``), ``runtime`` the program ``minidock-runtime`` if it is not this
    package's own. ``userns="single"`` gives containers a single user id even where there are
    subordinate ones.

    >>> import minidock
    >>> with minidock.Client() as other:
    ...     other.ping()
    True
    """

    def __init__(
        self,
        root: Optional[_Path] = None,
        runtime: Optional[_Path] = None,
        *,
        userns: str = "auto",
    ) -> None:
        self._engine = _minidock.Engine(root, runtime, userns)
        reason = self._engine.single_id_reason
        if reason is not None and userns == "auto":
            _log.warning("containers have a single id: %s", reason)

    @classmethod
    def from_env(
        cls,
        version: Optional[str] = None,
        timeout: Optional[int] = None,
        max_pool_size: Optional[int] = None,
        environment: Optional[Mapping[str, str]] = None,
        use_ssh_client: bool = False,
        use_context: bool = True,
    ) -> "Client":
        """A client as the environment says: ``MINIDOCK_ROOT`` and ``MINIDOCK_RUNTIME``.

        docker-py's keywords about a connection are refused where they ask for something: there
        is none.
        """
        if version not in (None, "auto"):
            raise Unsupported(f"version={version!r}: there is no API version to choose")
        for name, value in (("timeout", timeout), ("max_pool_size", max_pool_size)):
            if value is not None:
                raise Unsupported(
                    f"{name}={value!r}: there is no connection that it could be about",
                    hint="calls that wait take a timeout= of their own",
                )
        if use_ssh_client:
            raise Unsupported("use_ssh_client=True: minidock runs here")
        if not use_context:
            raise Unsupported("use_context=False: there are no contexts")
        given = os.environ if environment is None else environment
        return cls(given.get("MINIDOCK_ROOT"), given.get("MINIDOCK_RUNTIME"))

    @property
    def containers(self) -> ContainerCollection:
        """Containers: run, make, find and list them."""
        return ContainerCollection(self)

    @property
    def images(self) -> ImageCollection:
        """Images: build, load, find and list them."""
        return ImageCollection(self)

    @property
    def volumes(self) -> VolumeCollection:
        """Volumes: make, find and list them."""
        return VolumeCollection(self)

    def sandbox(
        self,
        image: Union[str, Image],
        *,
        name: Optional[str] = None,
        network: Optional[str] = None,
        environment: Any = None,
        workdir: Optional[str] = None,
        user: Optional[str] = None,
        volumes: Optional[Volumes] = None,
        mounts: Optional[Sequence[Mapping[str, Any]]] = None,
        labels: Union[None, Mapping[str, str], Sequence[str]] = None,
        best_effort: bool = False,
        timeout: Limit = DEFAULT,
        output: Limit = DEFAULT,
        scratch: Limit = DEFAULT,
        processes: Limit = DEFAULT,
        file_size: Limit = DEFAULT,
        open_files: Limit = DEFAULT,
        address_space: Limit = DEFAULT,
        cpu_seconds: Limit = DEFAULT,
        memory: Limit = DEFAULT,
        cpus: Limit = DEFAULT,
    ) -> Sandbox:
        """A sandbox for code that nobody trusts, see :mod:`minidock.sandbox`.

        ``timeout`` bounds each run (a minute), ``output`` what is kept of it, ``scratch`` each of
        ``/scratch``, ``/tmp`` and ``/dev/shm``; ``processes``, ``file_size``, ``open_files``,
        ``address_space`` and ``cpu_seconds`` are limits of the kernel. A limit that cannot be kept
        here is refused, or with ``best_effort`` told in ``not_enforced``.

        >>> with client.sandbox("busybox", timeout=30, scratch="16m") as box:
        ...     box.run(["id", "-u"]).stdout
        b'0\\n'
        """
        return start_sandbox(
            self,
            image,
            name=name,
            network=network,
            env=environment,
            workdir=workdir,
            user=user,
            volumes=volumes,
            mounts=mounts,
            labelled=labels,
            best_effort=best_effort,
            limits={
                "timeout": timeout,
                "output": output,
                "scratch": scratch,
                "processes": processes,
                "file_size": file_size,
                "open_files": open_files,
                "address_space": address_space,
                "cpu_seconds": cpu_seconds,
                "memory": memory,
                "cpus": cpus,
            },
        )

    def ping(self) -> bool:
        """Whether the engine can be used; an error says why it cannot.

        >>> client.ping()
        True
        """
        return self._engine.single_id_reason is None or not self._engine.closed

    def version(self, api_version: bool = True) -> Dict[str, Any]:
        """What this is, in docker's shape.

        >>> client.version()["Platform"]
        {'Name': 'minidock'}
        """
        if not api_version:
            raise Unsupported("api_version=False: there is no API version to leave out")
        shown: Dict[str, Any] = json.loads(_minidock.system_version())
        return shown

    def info(self) -> Dict[str, Any]:
        """Facts about the engine and its host, in docker's shape; ``Minidock`` has the rest.

        >>> client.info()["OSType"]
        'linux'
        """
        shown: Dict[str, Any] = json.loads(_minidock.system_info(self._engine))
        return shown

    def df(self) -> Dict[str, Any]:
        """What the store holds, in docker's shape.

        >>> sorted(client.df())[:3]
        ['BuildCache', 'BuildCacheUsage', 'Containers']
        """
        shown: Dict[str, Any] = json.loads(_minidock.system_df(self._engine))
        return shown

    def events(
        self,
        since: Any = None,
        until: Any = None,
        filters: Optional[Mapping[str, Any]] = None,
        decode: Optional[bool] = None,
    ) -> NoReturn:
        """Not there yet."""
        raise refuse_method("events()")

    def login(
        self,
        username: str,
        password: Optional[str] = None,
        email: Optional[str] = None,
        registry: Optional[str] = None,
        reauth: bool = False,
        dockercfg_path: Optional[str] = None,
    ) -> Dict[str, str]:
        """Logs in to a registry, docker's own without a name, and keeps the log-in where docker
        does. The registry is asked in any case, whatever ``reauth`` says."""
        refuse_keywords("login()", {"email": email, "dockercfg_path": dockercfg_path})
        if password is None:
            raise InvalidArgument("login() needs a password")
        _minidock.registry_login(self._engine, registry or "", (username, password))
        return {"Status": "Login Succeeded"}

    def logout(self, registry: Optional[str] = None) -> bool:
        """Forgets a log-in; whether there was one."""
        return _minidock.registry_logout(self._engine, registry or "")

    def close(self) -> None:
        """Lets go of the engine; containers that were detached go on.

        >>> import minidock
        >>> other = minidock.Client()
        >>> other.close()
        >>> other
        <Client: closed>
        """
        self._engine.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._engine.closed:
            return "<Client: closed>"
        return f"<Client: {os.fspath(self._engine.root)}>"

    def __getattr__(self, name: str) -> NoReturn:
        if name in _LATER:
            raise refuse_method(f"client.{name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


#: docker-py's collections that are not there.
_LATER = frozenset(
    ["api", "networks", "configs", "secrets", "services", "nodes", "swarm", "plugins"]
)


def from_env(
    version: Optional[str] = None,
    timeout: Optional[int] = None,
    max_pool_size: Optional[int] = None,
    environment: Optional[Mapping[str, str]] = None,
    use_ssh_client: bool = False,
    use_context: bool = True,
) -> Client:
    """A client as the environment says, see :meth:`Client.from_env`.

    >>> import minidock
    >>> with minidock.from_env() as other:
    ...     other.ping()
    True
    """
    asked: Dict[str, Any] = {
        "version": version,
        "timeout": timeout,
        "max_pool_size": max_pool_size,
        "environment": environment,
        "use_ssh_client": use_ssh_client,
        "use_context": use_context,
    }
    return Client.from_env(**asked)
