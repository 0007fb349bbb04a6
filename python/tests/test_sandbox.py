"""Sandboxes: strict, bounded, gone for certain."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import Any, List

import pytest

import minidock
from minidock import errors
from minidock.sandbox import RunFailed, Sandbox


@pytest.fixture
def box(client: minidock.Client) -> Any:
    with client.sandbox("busybox") as sandbox:
        yield sandbox


def test_runs_share_their_files(box: Sandbox) -> None:
    assert box.run(["sh", "-c", "echo 1 > one; pwd"]).stdout == b"/scratch\n"
    assert box.run("cat one").stdout == b"1\n"
    assert box.run("cat /scratch/one").exit_code == 0


def test_what_a_run_takes_and_gives(box: Sandbox) -> None:
    out: List[bytes] = []
    err: List[bytes] = []
    script = "cat; echo oops >&2; exit 3"
    result = box.run(
        ["sh", "-c", script], stdin=io.BytesIO(b"in"), on_stdout=out.append, on_stderr=err.append
    )
    assert (result.exit_code, result.stdout, result.stderr) == (3, b"in", b"oops\n")
    assert (b"".join(out), b"".join(err)) == (b"in", b"oops\n")
    assert not result.truncated and result.seconds >= 0
    assert box.run("sh -c 'echo $A'", environment={"A": "b"}).stdout == b"b\n"
    assert box.run("pwd", workdir="/tmp").stdout == b"/tmp\n"
    with pytest.raises(RunFailed) as caught:
        box.run("false", check=True)
    assert caught.value.result.exit_code == 1
    with pytest.raises(errors.CommandNotFound):
        box.run("/no/such")
    with pytest.raises(errors.InvalidArgument):
        box.run([])


def test_it_is_strict(box: Sandbox) -> None:
    assert box.run("sh -c 'touch /x'").exit_code != 0
    assert box.run("ls /sys/class/net").stdout == b"lo\n"
    status = box.run("cat /proc/self/status").stdout.decode()
    assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status


def test_time_and_output_are_bounded(client: minidock.Client) -> None:
    with client.sandbox("busybox", output=1000) as box:
        with pytest.raises(errors.TimedOut) as caught:
            box.run(["sh", "-c", "echo begun; sleep 1000 & sleep 1000"], timeout=3)
        assert caught.value.stdout == b"begun\n"
        assert b"sleep 1000" not in box.run("ps").stdout
        loud = box.run("sh -c 'yes | head -c 100000'")
        assert loud.truncated and len(loud.stdout) == 1000
    with client.sandbox("busybox", scratch="1m") as box:
        assert box.run("dd if=/dev/zero of=big bs=1M count=2").exit_code != 0


def test_limits_that_cannot_be(client: minidock.Client) -> None:
    for limits in ({"timeout": 0}, {"timeout": -1}, {"scratch": "much"}, {"cpus": True}):
        with pytest.raises(errors.InvalidArgument):
            client.sandbox("busybox", **limits)
    with pytest.raises(errors.ImageNotFound):
        client.sandbox("nothing")
    with pytest.raises(TypeError):
        client.sandbox("busybox", colour="red")  # type: ignore[call-arg]


def test_it_is_gone_with_its_block(client: minidock.Client) -> None:
    with client.sandbox("busybox", name="boxed", labels={"a": "b"}) as box:
        assert box.container.name == "boxed" and box.container.labels["a"] == "b"
        box.run(["sh", "-c", "sleep 1000 > /dev/null 2>&1 &"])
    with pytest.raises(errors.NotFound):
        client.containers.get("boxed")
    box.close()


def test_it_is_gone_with_its_process(client: minidock.Client, root: str) -> None:
    program = """
import minidock, os, signal
box = minidock.Client().sandbox("busybox", name="with-process")
box.run("true")
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "MINIDOCK_ROOT": root}
    done = subprocess.run([sys.executable, "-c", program], env=environment, timeout=120)
    assert done.returncode == -9
    try:
        client.containers.get("with-process").wait(timeout=60)
    except errors.NotFound:
        pass
    assert [one for one in client.containers.list(all=True) if one.name == "with-process"] == []
