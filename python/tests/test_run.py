"""``containers.run``: what it gives, raises and takes."""

from __future__ import annotations

import io
from typing import Any, List

import pytest

import minidock
from minidock import errors
from minidock.types import Mount, Ulimit


def sh(client: minidock.Client, script: str, **keywords: Any) -> Any:
    keywords.setdefault("network_mode", "none")
    return client.containers.run("busybox", ["sh", "-c", script], remove=True, **keywords)


def test_output_is_bytes_of_standard_output(client: minidock.Client) -> None:
    assert sh(client, "echo out; echo err >&2") == b"out\n"
    assert sh(client, "echo err >&2", stdout=False, stderr=True) == b"err\n"
    assert sorted(sh(client, "echo out; echo err >&2", stderr=True).split()) == [b"err", b"out"]


def test_a_text_is_cut_into_words(client: minidock.Client) -> None:
    assert client.containers.run("busybox", "echo 'a b' c", remove=True) == b"a b c\n"


def test_a_large_output_arrives_whole(client: minidock.Client) -> None:
    assert len(sh(client, "yes | head -c 3000000")) == 3_000_000


def test_another_status_raises(client: minidock.Client) -> None:
    with pytest.raises(errors.ContainerError) as caught:
        sh(client, "echo why >&2; exit 7")
    assert caught.value.exit_status == 7
    assert caught.value.stderr == b"why\n"
    assert caught.value.image == "busybox"
    assert "why" in str(caught.value)


def test_a_failed_container_stays_without_remove(client: minidock.Client) -> None:
    with pytest.raises(errors.ContainerError) as caught:
        client.containers.run("busybox", ["false"])
    container = caught.value.container
    assert container.status == "exited"
    container.remove()


def test_an_image_that_is_not_there(client: minidock.Client) -> None:
    with pytest.raises(errors.ImageNotFound) as caught:
        client.containers.create("nothing:1")
    assert isinstance(caught.value, errors.NotFound)
    assert caught.value.status_code == 404


def test_a_program_that_is_not_there(client: minidock.Client) -> None:
    with pytest.raises(errors.CommandNotFound):
        client.containers.run("busybox", ["/no/such"], remove=True)
    with pytest.raises(errors.CommandNotExecutable):
        client.containers.run("busybox", ["/etc/passwd"], remove=True)


def test_detached(client: minidock.Client) -> None:
    box = client.containers.run("busybox", ["sleep", "1000"], detach=True, name="det", init=True)
    try:
        assert isinstance(box, minidock.Container)
        assert (box.name, box.status) == ("det", "running")
        assert box.short_id == box.id[:12]
        assert box.image == client.images.get("busybox")
        assert box.health == "unknown"
    finally:
        box.remove(force=True)


def test_input(client: minidock.Client) -> None:
    def pieces() -> Any:
        yield b"one "
        yield b"two"

    for given, want in (
        (b"bytes", b"bytes"),
        (b"", b""),
        (io.BytesIO(b"a file"), b"a file"),
        (io.StringIO("a text file"), b"a text file"),
        (pieces(), b"one two"),
        (b"x" * 1_000_000, b"x" * 1_000_000),
    ):
        assert sh(client, "cat", stdin=given) == want


def test_a_program_that_does_not_read_its_input(client: minidock.Client) -> None:
    assert sh(client, "echo done", stdin=b"x" * 1_000_000) == b"done\n"


def test_callbacks(client: minidock.Client) -> None:
    out: List[bytes] = []
    err: List[bytes] = []
    sh(client, "echo out; echo err >&2", on_stdout=out.append, on_stderr=err.append)
    assert (b"".join(out), b"".join(err)) == (b"out\n", b"err\n")


def test_a_callback_that_raises_ends_the_container(client: minidock.Client) -> None:
    def stop(data: bytes) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.containers.run(
            "busybox", ["sh", "-c", "echo x; sleep 1000"], name="raised", on_stdout=stop
        )
    box = client.containers.get("raised")
    assert box.wait(timeout=60)["StatusCode"] == 137
    box.remove()


def test_a_time_out_kills(client: minidock.Client) -> None:
    with pytest.raises(errors.TimedOut) as caught:
        client.containers.run(
            "busybox", ["sh", "-c", "echo begun; sleep 1000"], name="slow", timeout=3
        )
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.stdout == b"begun\n"
    box = client.containers.get("slow")
    assert box.wait(timeout=60)["StatusCode"] == 137
    box.remove()


def test_a_time_out_removes_what_is_to_be_removed(client: minidock.Client) -> None:
    with pytest.raises(errors.TimedOut):
        client.containers.run("busybox", ["sleep", "1000"], name="slow", remove=True, timeout=0.5)
    with pytest.raises(errors.NotFound):
        client.containers.get("slow")


def test_stream(client: minidock.Client) -> None:
    pieces = sh(client, "echo a; echo b", stream=True)
    assert b"".join(pieces) == b"a\nb\n"
    failing = sh(client, "echo a; exit 4", stream=True)
    assert next(failing) == b"a\n"
    with pytest.raises(errors.ContainerError):
        next(failing)


def test_leaving_a_stream_ends_the_container(client: minidock.Client) -> None:
    pieces = client.containers.run(
        "busybox", ["sh", "-c", "echo a; sleep 1000"], stream=True, name="left"
    )
    assert next(pieces) == b"a\n"
    pieces.close()
    box = client.containers.get("left")
    assert box.wait(timeout=60)["StatusCode"] == 137
    box.remove()


def test_settings_reach_the_program(client: minidock.Client, tmp_path: Any) -> None:
    (tmp_path / "file").write_text("shared")
    for script, keywords, want in (
        ("echo $A-$B", {"environment": {"A": "1", "B": 2}}, b"1-2\n"),
        ("echo $A", {"environment": ["A=1"]}, b"1\n"),
        ("pwd", {"working_dir": "/tmp"}, b"/tmp\n"),
        ("id -u", {"user": "user"}, b"1000\n"),
        ("id -u", {"user": 1000}, b"1000\n"),
        ("hostname", {"hostname": "named"}, b"named\n"),
        ("cat /m/file", {"volumes": {str(tmp_path): {"bind": "/m", "mode": "ro"}}}, b"shared"),
        ("cat /m/file", {"volumes": [f"{tmp_path}:/m"]}, b"shared"),
        ("cat /m/file", {"mounts": [Mount("/m", str(tmp_path), type="bind")]}, b"shared"),
        ("ulimit -n", {"ulimits": [Ulimit(name="nofile", soft=99, hard=100)]}, b"99\n"),
        ("df -k /t | awk 'END {print $2}'", {"tmpfs": {"/t": "size=64k"}}, b"64\n"),
        ("df -k /dev/shm | awk 'END {print $2}'", {"shm_size": "1m"}, b"1024\n"),
        ("grep db /etc/hosts", {"extra_hosts": {"db": "10.0.0.9"}}, b"10.0.0.9\tdb\n"),
        ("touch /x 2>/dev/null || echo closed", {"read_only": True}, b"closed\n"),
        ("ls /sys/class/net", {"network": "none"}, b"lo\n"),
        ("ls /sys/class/net", {"network_disabled": True}, b"lo\n"),
        ("cat /proc/1/comm", {"init": False}, b"cat\n"),
        ("grep NoNewPrivs /proc/self/status", {"security_opt": ["no-new-privileges"]},
         b"NoNewPrivs:\t1\n"),
    ):
        if {"network", "network_disabled"} & set(keywords):
            keywords = {"network_mode": None, **keywords}
        assert sh(client, script, **keywords) == want, (script, keywords)


def test_entrypoint(client: minidock.Client) -> None:
    run = client.containers.run
    assert run("busybox", "there", entrypoint="echo hi", remove=True) == b"hi there\n"
    assert run("busybox", ["b"], entrypoint=["echo", "a"], remove=True) == b"a b\n"


def test_bytes_that_are_no_text(client: minidock.Client) -> None:
    out = client.containers.run("busybox", ["echo", "-n", b"\xff\xfe"], remove=True)
    assert out == b"\xff\xfe"


def test_the_image_may_be_an_image(client: minidock.Client) -> None:
    image = client.images.get("busybox")
    assert client.containers.run(image, ["echo", "x"], remove=True) == b"x\n"


def test_a_terminal(client: minidock.Client) -> None:
    assert sh(client, "test -t 1 && echo tty", tty=True) == b"tty\r\n"


def test_published_ports(client: minidock.Client) -> None:
    box = client.containers.run(
        "busybox", ["sleep", "1000"], detach=True,
        ports={"80/tcp": None, 81: ("127.0.0.1", None), "82/udp": [None, None]},
    )
    try:
        assert int(box.ports["80/tcp"][0]["HostPort"]) > 0
        assert box.ports["81/tcp"][0]["HostIp"] == "127.0.0.1"
        assert len(box.ports["82/udp"]) == 2
    finally:
        box.remove(force=True)


def test_what_contradicts_itself(client: minidock.Client) -> None:
    with pytest.raises(RuntimeError):
        client.containers.run("busybox", network="none", network_mode="none")
    for keywords in ({"stdin": b"x"}, {"timeout": 1}, {"on_stdout": print}):
        with pytest.raises(errors.Unsupported):
            client.containers.run("busybox", detach=True, **keywords)
