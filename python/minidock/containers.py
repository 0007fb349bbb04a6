"""Containers, with docker-py's methods."""

from __future__ import annotations

import json
import logging
from typing import Any, Dict, Iterator, List, NoReturn, Optional, Tuple, Union

from minidock import _minidock
from minidock._create import exec_options, options
from minidock._encode import Words
from minidock._exec import ExecResult, finished, joined, streamed
from minidock._keywords import asks, refuse_keywords, refuse_method
from minidock._logs import Moment, lines, nanoseconds, tail_lines
from minidock._pump import STDERR, STDOUT, Callback, Pump, Stdin
from minidock._run import run
from minidock.errors import (
    CommandNotExecutable,
    CommandNotFound,
    NotFound,
    NullResource,
    TimedOut,
    Unsupported,
)
from minidock.images import Image
from minidock.models import Collection, Model, Table, filter_texts

_log = logging.getLogger("minidock")


class Container(Model):
    """A container.

    >>> box = client.containers.run("busybox", ["sleep", "60"], detach=True, name="doc-box")
    >>> box.name, box.status
    ('doc-box', 'running')
    >>> box.exec_run(["echo", "hi"])
    ExecResult(exit_code=0, output=b'hi\\n')
    >>> box.remove(force=True)
    """

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.attrs["Name"]).lstrip("/")

    @property
    def image(self) -> Optional[Image]:
        """The image that it was made from."""
        found = self.attrs.get("ImageID", self.attrs["Image"])
        return self.client.images.get(found) if found else None

    @property
    def labels(self) -> Dict[str, str]:
        """Its labels, with the image's."""
        return dict(self.attrs["Config"].get("Labels") or {})

    @property
    def status(self) -> str:
        """``created``, ``running`` or ``exited``, at the last :meth:`reload`."""
        return str(self.attrs["State"]["Status"])

    @property
    def health(self) -> str:
        """What its health check said last; ``unknown`` without one."""
        return str(self.attrs["State"].get("Health", {}).get("Status", "unknown"))

    @property
    def ports(self) -> Dict[str, Any]:
        """Published ports: the container's, each with the host's."""
        return dict(self.attrs["NetworkSettings"].get("Ports") or {})

    def reload(self) -> None:
        """Asks again what ``attrs`` holds."""
        engine = self.client._engine
        self.attrs = json.loads(_minidock.container_inspect(engine, self.id))

    def start(self) -> None:
        """Starts it.

        >>> box = client.containers.create("busybox", ["true"])
        >>> box.start()
        >>> box.wait()["StatusCode"]
        0
        >>> box.remove()
        """
        _log.debug("start %s", self.short_id)
        if self._running():
            return
        _minidock.container_start(self.client._engine, self.id)

    def stop(self, *, timeout: Optional[int] = None) -> None:
        """Asks it to stop and kills it after ``timeout`` seconds (10, or what the image says)."""
        _log.debug("stop %s", self.short_id)
        _minidock.container_stop(self.client._engine, self.id, timeout)

    def restart(self, *, timeout: Optional[int] = None) -> None:
        """Stops and starts it."""
        _log.debug("restart %s", self.short_id)
        _minidock.container_restart(self.client._engine, self.id, timeout)

    def kill(self, signal: Union[None, int, str] = None) -> None:
        """Sends a signal to its first process; SIGKILL without one."""
        number = 9 if signal is None else _minidock.parse_signal(str(signal))
        _log.debug("kill %s with signal %s", self.short_id, number)
        _minidock.container_kill(self.client._engine, self.id, number)
        if number == 9:
            _minidock.container_watch(self.client._engine, self.id).wait()

    def remove(self, *, v: bool = False, link: bool = False, force: bool = False) -> None:
        """Removes it; with ``force`` although it runs, with ``v`` its anonymous volumes too."""
        if link:
            raise Unsupported("remove: link=True is not in minidock: there are no links")
        _log.debug("remove %s", self.short_id)
        _minidock.container_remove(self.client._engine, self.id, force, v)

    def rename(self, name: str) -> None:
        """Gives it another name."""
        _minidock.container_rename(self.client._engine, self.id, name)

    def wait(
        self, *, timeout: Optional[float] = None, condition: Optional[str] = None
    ) -> Dict[str, Any]:
        """Waits for its end; :class:`minidock.errors.TimedOut` if that takes too long.

        >>> box = client.containers.run("busybox", ["sh", "-c", "exit 3"], detach=True)
        >>> box.wait(timeout=60)
        {'Error': None, 'StatusCode': 3}
        >>> box.remove()
        """
        if condition not in (None, "not-running"):
            raise Unsupported(f"wait: condition={condition!r} is not in minidock yet")
        status = _minidock.container_watch(self.client._engine, self.id).wait(timeout)
        if status is None:
            raise TimedOut(f"container {self.short_id} was still running after {timeout} s")
        return {"Error": None, "StatusCode": status}

    def logs(
        self,
        *,
        stdout: bool = True,
        stderr: bool = True,
        stream: bool = False,
        timestamps: bool = False,
        tail: Union[int, str] = "all",
        since: Moment = None,
        follow: Optional[bool] = None,
        until: Moment = None,
    ) -> Any:
        """What it wrote: bytes, or with ``stream`` an iterator that follows it to its end.

        >>> box = client.containers.run("busybox", ["echo", "hi"], detach=True)
        >>> _ = box.wait()
        >>> box.logs()
        b'hi\\n'
        >>> box.remove()
        """
        found = _minidock.container_logs(
            self.client._engine,
            self.id,
            stream if follow is None else follow,
            tail_lines(tail),
            nanoseconds("since", since),
            nanoseconds("until", until),
        )
        pieces = lines(found, stdout, stderr, timestamps)
        return pieces if stream else b"".join(pieces)

    def attach(
        self,
        *,
        stdout: bool = True,
        stderr: bool = True,
        stream: bool = False,
        logs: bool = False,
        demux: bool = False,
    ) -> Any:
        """What it writes from now on, until it ends; with ``logs`` what it wrote before, too."""
        if logs:
            if demux:
                raise Unsupported("attach: demux=True together with logs=True")
            return self.logs(stdout=stdout, stderr=stderr, stream=stream, follow=True)
        tty = bool(self.attrs["Config"].get("Tty"))
        attach = (False, stdout, stderr and not tty)
        pump = Pump(_minidock.container_attach(self.client._engine, self.id, attach))
        if stream:
            return streamed(pump, demux)
        gathered = pump.run()
        return joined(gathered) if demux else gathered.of(STDOUT, STDERR)

    def resize(self, height: int, width: int) -> None:
        """Changes the size of its terminal."""
        session = _minidock.container_attach(self.client._engine, self.id, (False, False, False))
        session.resize(height, width)

    def exec_run(
        self,
        cmd: Words,
        stdout: bool = True,
        stderr: bool = True,
        stdin: Stdin = False,
        tty: bool = False,
        privileged: bool = False,
        user: str = "",
        detach: bool = False,
        stream: bool = False,
        socket: bool = False,
        environment: Any = None,
        workdir: Optional[str] = None,
        demux: bool = False,
        *,
        timeout: Optional[float] = None,
        on_stdout: Callback = None,
        on_stderr: Callback = None,
    ) -> ExecResult:
        """Runs a further program in it.

        Beside docker-py's keywords: ``stdin`` may be bytes, a file or an iterable of bytes;
        after ``timeout`` seconds the program is killed and :class:`minidock.errors.TimedOut` is
        raised; ``on_stdout`` and ``on_stderr`` are called with each piece of output as it comes.
        The result has ``stdout`` and ``stderr`` apart as well.

        >>> box = client.containers.run("busybox", ["sleep", "60"], detach=True)
        >>> done = box.exec_run(["sh", "-c", "cat; echo oops >&2; exit 3"], stdin=b"in")
        >>> done.exit_code, done.stdout, done.stderr
        (3, b'in', b'oops\\n')
        >>> box.remove(force=True)
        """
        refuse_keywords("exec_run", {"privileged": privileged, "socket": socket})
        if detach and (stream or asks(stdin) or timeout is not None):
            raise Unsupported("exec_run: detach=True goes with neither stream, stdin nor timeout")
        asked = exec_options(
            cmd,
            env=environment,
            workdir=workdir,
            user=user,
            tty=tty,
            stdin=not detach and stdin is not None and stdin is not False,
            stdout=stdout and not detach,
            stderr=stderr and not detach,
            owned=not detach,
        )
        try:
            session = _minidock.container_exec(self.client._engine, self.id, asked)
        except (CommandNotFound, CommandNotExecutable) as error:
            # As docker: what a shell would say, not an exception.
            status = 127 if isinstance(error, CommandNotFound) else 126
            return ExecResult(status, str(error.args[0]).encode() + b"\r\n")
        if detach:
            return ExecResult(None, b"")
        pump = Pump(session, None if stdin is True else stdin, timeout)
        if stream:
            return ExecResult(None, streamed(pump, demux))
        return finished(pump.run(on_stdout, on_stderr), demux)

    def _running(self) -> bool:
        self.reload()
        return self.status == "running"

    def attach_socket(self, **kwargs: Any) -> NoReturn:
        """Not there yet."""
        raise refuse_method("Container.attach_socket()")

    def commit(self, *arguments: Any, **kwargs: Any) -> NoReturn:
        """Not there yet."""
        raise refuse_method("Container.commit()")

    def diff(self) -> NoReturn:
        """Not there yet."""
        raise refuse_method("Container.diff()")

    def export(self, chunk_size: int = 2097152) -> NoReturn:
        """Not there yet."""
        raise refuse_method("Container.export()")

    def get_archive(
        self, path: str, chunk_size: int = 2097152, encode_stream: bool = False
    ) -> NoReturn:
        """Not there yet."""
        raise refuse_method("Container.get_archive()")

    def put_archive(self, path: str, data: Any) -> NoReturn:
        """Not there yet."""
        raise refuse_method("Container.put_archive()")

    def pause(self) -> NoReturn:
        """Not there yet."""
        raise refuse_method("Container.pause()")

    def unpause(self) -> NoReturn:
        """Not there yet."""
        raise refuse_method("Container.unpause()")

    def stats(self, **kwargs: Any) -> NoReturn:
        """Not there yet."""
        raise refuse_method("Container.stats()")

    def top(self, **kwargs: Any) -> NoReturn:
        """Not there yet."""
        raise refuse_method("Container.top()")

    def update(self, **kwargs: Any) -> NoReturn:
        """Not there yet."""
        raise refuse_method("Container.update()")


class ContainerTable(Table[Container]):
    """Containers that notebooks show as a table."""

    columns = ["Container", "Image", "Status", "Name"]

    def row(self, one: Container) -> List[str]:
        """What the columns hold."""
        return [one.short_id, str(one.attrs["Config"]["Image"]), one.status, one.name]


class ContainerCollection(Collection):
    """``client.containers``."""

    def run(
        self,
        image: Union[str, Image],
        command: Optional[Words] = None,
        stdout: bool = True,
        stderr: bool = False,
        remove: bool = False,
        *,
        timeout: Optional[float] = None,
        stdin: Stdin = None,
        on_stdout: Callback = None,
        on_stderr: Callback = None,
        **kwargs: Any,
    ) -> Any:
        """Runs a program in a new container and gives its output.

        With ``detach=True`` it gives the :class:`Container` at once, with ``stream=True`` an
        iterator over the output. Another status than 0 raises
        :class:`minidock.errors.ContainerError`. The container ends with this process, unless it
        is detached. The keywords are docker-py's; what minidock does not have yet is refused.

        Beside them: ``stdin``, ``timeout``, ``on_stdout`` and ``on_stderr`` as in
        :meth:`Container.exec_run`.

        >>> client.containers.run("busybox", ["cat"], stdin=b"through", remove=True)
        b'through'
        >>> client.containers.run("busybox", ["sh", "-c", "exit 3"], remove=True)
        Traceback (most recent call last):
        ...
        minidock.errors.ContainerError: Command '['sh', '-c', 'exit 3']' in image 'busybox' \
returned non-zero exit status 3
        """
        return run(
            self,
            image,
            command,
            stdout=stdout,
            stderr=stderr,
            remove=remove,
            timeout=timeout,
            stdin=stdin,
            on_stdout=on_stdout,
            on_stderr=on_stderr,
            keywords=kwargs,
        )

    def create(
        self, image: Union[str, Image], command: Optional[Words] = None, **kwargs: Any
    ) -> Container:
        """Makes a container; nothing runs yet.

        >>> box = client.containers.create("busybox", ["true"], labels={"stage": "doc"})
        >>> box.status, box.labels
        ('created', {'kind': 'small', 'stage': 'doc'})
        >>> box.remove()
        """
        named = image.id if isinstance(image, Image) else image
        asked = options("create()", named, command, kwargs)
        made = _minidock.container_create(self.client._engine, asked)
        _log.debug("created %s of %s", made[:12], named)
        return self.get(made)

    def get(self, container_id: str) -> Container:
        """A container by name, id or the start of an id.

        >>> from minidock.errors import NotFound
        >>> try:
        ...     client.containers.get("nobody")
        ... except NotFound as error:
        ...     print(error.args[0])
        no such container: "nobody"
        """
        if not container_id:
            raise NullResource("Resource ID was not provided")
        attrs = json.loads(_minidock.container_inspect(self.client._engine, container_id))
        return Container(attrs, self.client)

    def list(
        self,
        all: bool = False,
        before: Optional[str] = None,
        filters: Optional[Dict[str, Any]] = None,
        limit: int = -1,
        since: Optional[str] = None,
        sparse: bool = False,
        ignore_removed: bool = False,
    ) -> "ContainerTable":
        """Containers, the newest first: those that run, or all.

        ``attrs`` are whole even with ``sparse``, and a container that is removed meanwhile is
        left out in any case.

        >>> client.containers.list(filters={"label": "stage=doc"})
        []
        """
        texts = filter_texts(filters)
        texts += [f"{key}={value}" for key, value in (("before", before), ("since", since)) if value]
        wanted = limit if limit is not None and limit >= 0 else None
        ids = _minidock.container_list(self.client._engine, all, texts, wanted or None)
        found = ContainerTable()
        for container in ids:
            try:
                found.append(self.get(container))
            except NotFound:
                continue
        return found

    def prune(self, filters: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Removes all containers that do not run; the space is not measured and told as 0.

        >>> client.containers.prune()["SpaceReclaimed"]
        0
        """
        refuse_keywords("prune", {"filters": filters})
        deleted = _minidock.containers_prune(self.client._engine)
        return {"ContainersDeleted": deleted or None, "SpaceReclaimed": 0}
