"""A client over a store of its own with the image ``busybox``, which goes with the tests."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Iterator

import pytest

import minidock

#: Where Debian's busybox-static puts it.
BUSYBOX = "/bin/busybox"


def pytest_configure(config: pytest.Config) -> None:
    assert os.getuid() != 0, "the tests run as an ordinary user"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Results as libtest prints them, which `cargo xtask test` counts."""
    stats = terminalreporter.stats
    bad = {report.nodeid for kind in ("failed", "error") for report in stats.get(kind, ())}
    for name in sorted(bad):
        terminalreporter.write_line(f"test {name} ... FAILED")
    passed = len({report.nodeid for report in stats.get("passed", ())} - bad)
    ignored = sum(len(stats.get(kind, ())) for kind in ("skipped", "xfailed", "xpassed"))
    word = "FAILED" if bad else "ok"
    terminalreporter.write_line(
        f"test result: {word}. {passed} passed; {len(bad)} failed; {ignored} ignored"
    )


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    # A filter for other suites may fit nothing here, which is no failure of this one.
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.option.keyword:
        session.exitstatus = pytest.ExitCode.OK


def busybox_tar() -> bytes:
    """A small root file system of the host's static busybox."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("bin", "dev", "etc", "proc", "root", "sys", "tmp"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(entry)
        passwd = b"root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/:/bin/sh\n"
        program = Path(BUSYBOX).read_bytes()
        for name, mode, data in (("etc/passwd", 0o644, passwd), ("bin/busybox", 0o755, program)):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = mode, len(data)
            tar.addfile(entry, io.BytesIO(data))
        applets = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True)
        for applet in applets.stdout.split():
            if applet == "busybox":
                continue
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return out.getvalue()


def remove_store(root: str) -> None:
    """Files of subordinate ids can only be removed by a root that those ids are mapped for."""
    try:
        shutil.rmtree(root)
    except PermissionError:
        unshare = ["unshare", "--map-root-user", "--map-auto", "rm", "-rf", "--", root]
        subprocess.run(unshare, check=True)


@pytest.fixture(scope="session")
def root() -> Iterator[str]:
    """The store of all tests, and the one that ``from_env()`` finds."""
    directory = tempfile.mkdtemp(prefix="minidock-python-")
    store = os.path.join(directory, "store")
    os.environ["MINIDOCK_ROOT"] = store
    with minidock.Client(store) as client:
        client.images.import_image(
            io.BytesIO(busybox_tar()), "busybox", changes=['CMD ["sh"]', "LABEL kind=small"]
        )
    yield store
    with minidock.Client(store) as client:
        for left in client.containers.list(all=True):
            left.remove(force=True)
    del os.environ["MINIDOCK_ROOT"]
    remove_store(directory)


@pytest.fixture
def client(root: str) -> Iterator[minidock.Client]:
    """A client; what its test left of containers is an error of the test."""
    with minidock.Client(root) as opened:
        before = {one.id for one in opened.containers.list(all=True)}
        yield opened
    with minidock.Client(root) as looking:
        left = [one for one in looking.containers.list(all=True) if one.id not in before]
        for one in left:
            one.remove(force=True)
        assert not left, f"containers left behind: {left}"


@pytest.fixture
def box(client: minidock.Client) -> Iterator[minidock.Container]:
    """A container that sleeps."""
    container = client.containers.run(
        "busybox", ["sleep", "1000"], detach=True, network_mode="none"
    )
    yield container
    container.remove(force=True)
