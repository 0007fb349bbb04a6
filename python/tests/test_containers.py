"""Containers: found, listed, looked at, talked to, ended."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import minidock
from minidock import errors


def test_get_by_name_id_and_start_of_id(client: minidock.Client) -> None:
    box = client.containers.create("busybox", ["true"], name="found")
    try:
        for name in ("found", box.id, box.id[:8]):
            assert client.containers.get(name) == box
        assert hash(client.containers.get("found")) == hash(box)
    finally:
        box.remove()
    with pytest.raises(errors.NotFound):
        client.containers.get("found")
    with pytest.raises(errors.NotFound):
        box.reload()
    for nothing in ("", None):
        with pytest.raises(errors.NullResource):
            client.containers.get(nothing)


def test_a_name_that_is_taken(client: minidock.Client) -> None:
    box = client.containers.create("busybox", ["true"], name="taken")
    try:
        with pytest.raises(errors.Conflict) as caught:
            client.containers.create("busybox", ["true"], name="taken")
        assert caught.value.status_code == 409 and caught.value.is_client_error()
    finally:
        box.remove()


def test_the_life_of_a_container(client: minidock.Client) -> None:
    box = client.containers.create("busybox", ["sleep", "1000"], network_mode="none", init=True)
    try:
        assert box.status == "created"
        box.start()
        box.start()
        box.reload()
        assert box.status == "running"
        with pytest.raises(errors.Conflict):
            box.remove()
        box.restart(timeout=0)
        box.reload()
        assert box.status == "running"
        box.kill("SIGTERM")
        assert box.wait(timeout=60) == {"Error": None, "StatusCode": 143}
        box.rename("renamed")
        assert client.containers.get("renamed") == box
        box.start()
        box.stop(timeout=0)
        box.reload()
        assert box.status == "exited"
        box.stop()
    finally:
        box.remove(force=True)
    with pytest.raises(errors.Conflict):
        stopped = client.containers.create("busybox", ["true"])
        try:
            stopped.kill()
        finally:
            stopped.remove()


def test_wait_with_a_time_limit(box: minidock.Container) -> None:
    with pytest.raises(errors.TimedOut):
        box.wait(timeout=0.05)
    with pytest.raises(errors.Unsupported):
        box.wait(condition="removed")


def test_list_and_its_filters(client: minidock.Client) -> None:
    first = client.containers.create("busybox", ["true"], name="list-1", labels={"a": "1"})
    second = client.containers.run(
        "busybox", ["sleep", "1000"], name="list-2", labels=["b"], detach=True, network_mode="none"
    )
    third = client.containers.run("busybox", ["sh", "-c", "exit 3"], name="list-3", detach=True)
    third.wait()
    made = [third, second, first]
    try:

        def listed(**keywords: Any) -> Any:
            return [one for one in client.containers.list(**keywords) if one in made]

        assert listed() == [second]
        assert listed(all=True) == made
        assert listed(limit=1) == [third]
        assert listed(all=True, before="list-3") == [second, first]
        assert listed(all=True, since="list-1") == [third, second]
        for filters, want in (
            ({"name": "list"}, made),
            ({"name": ["list-1", "list-3"]}, [third, first]),
            ({"label": "b"}, [second]),
            ({"label": ["a=1"]}, [first]),
            ({"status": "created"}, [first]),
            ({"status": ["running", "created"]}, [second, first]),
            ({"exited": 3}, [third]),
            ({"id": third.id[:10]}, [third]),
            ({"ancestor": "busybox"}, made),
            ({"ancestor": "nothing"}, []),
        ):
            assert listed(all=True, filters=filters) == want, filters
        for wrong in ({"colour": "red"}, {"status": "perhaps"}, {"exited": "x"}):
            with pytest.raises(errors.InvalidArgument):
                client.containers.list(filters=wrong)
        shown = client.containers.list(all=True)._repr_html_()
        assert "<td>list-1</td>" in shown and shown.startswith("<table>")
    finally:
        for one in made:
            one.remove(force=True)


def test_exec(box: minidock.Container) -> None:
    done = box.exec_run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert done.exit_code == 3
    assert done.output in (b"out\nerr\n", b"err\nout\n")
    assert (done.stdout, done.stderr) == (b"out\n", b"err\n")
    status, output = box.exec_run("echo a", demux=True)
    assert (status, output) == (0, (b"a\n", None))
    assert box.exec_run("cat", stdin=b"in").output == b"in"
    assert box.exec_run("cat", stdin=True).output == b""
    assert box.exec_run("id -u", user="1000").output == b"1000\n"
    assert box.exec_run("pwd", workdir="/tmp").output == b"/tmp\n"
    assert box.exec_run("sh -c 'echo $A'", environment={"A": "b"}).output == b"b\n"
    assert box.exec_run("test -t 1", tty=True).exit_code == 0
    assert box.exec_run("echo x", stdout=False).output == b""


def test_exec_of_what_is_not_there(box: minidock.Container) -> None:
    done = box.exec_run("/no/such")
    assert done.exit_code == 127 and b"/no/such" in done.output
    assert box.exec_run("/etc/passwd").exit_code == 126
    with pytest.raises(errors.InvalidArgument):
        box.exec_run([])


def test_exec_in_the_background_and_as_a_stream(box: minidock.Container) -> None:
    assert tuple(box.exec_run("sleep 1000", detach=True)) == (None, b"")
    streamed = box.exec_run(["sh", "-c", "echo a; echo b"], stream=True)
    assert streamed.exit_code is None and b"".join(streamed.output) == b"a\nb\n"
    apart = box.exec_run(["sh", "-c", "echo a; echo b >&2"], stream=True, demux=True)
    assert sorted(apart.output, key=str) == [(None, b"b\n"), (b"a\n", None)]


def test_exec_with_a_time_limit(box: minidock.Container) -> None:
    with pytest.raises(errors.ExecTimeout) as caught:
        box.exec_run(["sh", "-c", "echo begun; exec sleep 998"], timeout=3)
    assert caught.value.stdout == b"begun\n"
    assert box.exec_run("sh -c 'ps | grep \"[s]leep 998\"'").exit_code == 1
    box.reload()
    assert box.status == "running"


def test_exec_in_a_container_that_does_not_run(client: minidock.Client) -> None:
    box = client.containers.create("busybox", ["true"])
    with pytest.raises(errors.Conflict):
        box.exec_run("true")
    box.remove()


def test_logs(client: minidock.Client) -> None:
    box = client.containers.run(
        "busybox", ["sh", "-c", "echo one; echo two >&2; echo three"], detach=True
    )
    box.wait()
    try:
        assert sorted(box.logs().split()) == [b"one", b"three", b"two"]
        assert box.logs(stderr=False) == b"one\nthree\n"
        assert box.logs(stdout=False) == b"two\n"
        assert box.logs(stderr=False, tail=0) == b""
        assert len(box.logs(tail=1).splitlines()) == 1
        assert b"".join(box.logs(stream=True, stderr=False)) == b"one\nthree\n"
        stamped = box.logs(timestamps=True, stdout=False).decode()
        moment = datetime.strptime(stamped[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
        assert abs(datetime.now(timezone.utc) - moment) < timedelta(hours=1)
        later = datetime.now(timezone.utc) + timedelta(hours=1)
        assert box.logs(since=later) == b"" and box.logs(until=later) == box.logs()
        for wrong in ("x", -1, True):
            with pytest.raises(errors.InvalidArgument):
                box.logs(tail=wrong)
    finally:
        box.remove()


def test_attach(client: minidock.Client) -> None:
    box = client.containers.run(
        "busybox", ["sh", "-c", "while [ ! -e /go ]; do sleep 0.1; done; echo went"], detach=True
    )
    try:
        pieces = box.attach(stream=True)
        reader = threading.Thread(target=box.exec_run, args=("touch /go",))
        reader.start()
        assert b"".join(pieces) == b"went\n"
        reader.join()
        assert box.attach(logs=True) == b"went\n"
    finally:
        box.remove(force=True)


def test_resize(client: minidock.Client) -> None:
    box = client.containers.run("busybox", ["sleep", "1000"], tty=True, detach=True)
    try:
        box.resize(height=10, width=20)
    finally:
        box.remove(force=True)


def test_prune(client: minidock.Client) -> None:
    box = client.containers.create("busybox", ["true"])
    pruned = client.containers.prune()
    assert box.id in pruned["ContainersDeleted"]
    assert client.containers.prune() == {"ContainersDeleted": None, "SpaceReclaimed": 0}
