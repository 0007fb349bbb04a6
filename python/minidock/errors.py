"""Errors, with docker-py's names where it has them.

Code written for docker-py needs only another import:

>>> from minidock import errors
>>> try:
...     client.containers.get("nobody")
... except errors.NotFound as error:
...     print(error.status_code, error.is_client_error())
404 True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Optional, Type

if TYPE_CHECKING:
    from minidock.containers import Container


class MinidockError(Exception):
    """Every error of this package.

    ``hint`` says what can be done about it, where something can be said.
    """

    hint: Optional[str] = None


class APIError(MinidockError):
    """What the engine refused or could not do.

    There is no server here: ``status_code`` is what docker's would have answered, and
    ``response`` is always None.
    """

    #: What docker's API answers in such a case.
    status_code: int = 500

    def __init__(
        self,
        message: str,
        response: None = None,
        explanation: Optional[str] = None,
        *,
        hint: Optional[str] = None,
        excerpt: Optional[str] = None,
    ) -> None:
        super().__init__(message)
        self.response = response
        self.explanation = explanation or message
        self.hint = hint
        self.excerpt = excerpt

    def __str__(self) -> str:
        parts = [str(self.args[0])]
        if self.excerpt:
            parts.append(self.excerpt.rstrip("\n"))
        if self.hint:
            parts.append(f"hint: {self.hint}")
        return "\n".join(parts)

    def is_error(self) -> bool:
        """Whether it is the caller's or the engine's error."""
        return self.is_client_error() or self.is_server_error()

    def is_client_error(self) -> bool:
        """Whether something else should be asked for."""
        return 400 <= self.status_code < 500

    def is_server_error(self) -> bool:
        """Whether the engine or its host is at fault."""
        return 500 <= self.status_code < 600


class NotFound(APIError):
    """The named thing does not exist."""

    status_code = 404


class ImageNotFound(NotFound):
    """The named image does not exist."""


class Conflict(APIError):
    """The request contradicts what is there: a name is taken, a container runs."""

    status_code = 409


class InUse(Conflict):
    """The thing is used by something alive."""


class InvalidArgument(APIError, ValueError):
    """An argument is malformed, or its value is not offered."""

    status_code = 400


class Unsupported(InvalidArgument):
    """A keyword or a method of docker-py's that minidock does not have yet."""

    status_code = 501


class InvalidRepository(InvalidArgument):
    """A name of an image that cannot be one."""


class NullResource(InvalidArgument):
    """No id or name was given."""


class HostUnsupported(APIError):
    """The host lacks what is needed; ``minidock doctor`` says what."""


class NoSpace(APIError):
    """No space, inodes or quota left."""

    status_code = 507


class PermissionDenied(APIError):
    """The kernel or the owner of a file refuses access."""

    status_code = 403


class Corrupt(APIError):
    """Stored content is not what was written."""


class Incompatible(APIError):
    """The store was written by a newer version than this one can use."""


class ReadOnly(APIError):
    """The store can only be read."""

    status_code = 403


class Forked(APIError):
    """A client was used in a forked child of the process that opened it."""


class ClientClosed(APIError):
    """The client was closed."""


class RuntimeFailed(APIError):
    """The runtime failed or could not be reached."""


class CommandNotFound(APIError):
    """The program to run is not in the container."""

    status_code = 400


class CommandNotExecutable(APIError):
    """The program to run cannot be executed."""

    status_code = 400


class NetworkFailed(APIError):
    """A network transfer failed."""


class Unauthorized(APIError):
    """A registry refuses access: it wants a log-in, or another one."""

    status_code = 401


class Cancelled(APIError):
    """The operation was cancelled."""


class IoFailed(APIError):
    """Any other failure of input or output."""


class InternalError(APIError):
    """A defect of minidock."""


class TimedOut(APIError, TimeoutError):
    """Something took longer than its ``timeout=``; what was to run was killed.

    ``stdout`` and ``stderr`` hold what it had written by then.
    """

    status_code = 408

    stdout: bytes = b""
    stderr: bytes = b""


class BuildError(APIError):
    """A build failed; ``build_log`` is what it said until then."""

    build_log: Iterable[Any] = ()

    @property
    def msg(self) -> str:
        """The reason."""
        return str(self.args[0])


class ImageLoadError(MinidockError):
    """An archive could not be loaded."""


class ContainerError(MinidockError):
    """A container that was run ended with another status than 0."""

    def __init__(
        self,
        container: "Container",
        exit_status: int,
        command: Any,
        image: Any,
        stderr: Optional[bytes],
    ) -> None:
        self.container = container
        self.exit_status = exit_status
        self.command = command
        self.image = image
        self.stderr = stderr
        told = f": {stderr.decode(errors='replace')}" if stderr else ""
        super().__init__(
            f"Command '{command}' in image '{image}' returned non-zero exit status "
            f"{exit_status}{told}"
        )


#: docker-py's name for the base class.
DockerException = MinidockError
#: The name that agents' libraries use.
ExecTimeout = TimedOut


def _from_engine(
    name: str, message: str, hint: Optional[str], excerpt: Optional[str]
) -> APIError:
    """The error of a class that the engine names; a test asks for each name there is."""
    found: Type[APIError] = globals()[name]
    return found(message, hint=hint, excerpt=excerpt)
