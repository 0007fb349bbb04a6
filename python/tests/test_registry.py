"""Pull, push and log-ins, with Debian's docker-registry on this machine."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from pathlib import Path
from typing import Any, Iterator, List

import pytest

import minidock
from minidock import errors, events, progress


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """``localhost:PORT`` of a registry that ends with its test."""
    config = tmp_path / "config.yml"
    config.write_text(
        "version: 0.1\nlog: {level: info}\nstorage:\n"
        f"  filesystem: {{rootdirectory: '{tmp_path}/data'}}\nhttp:\n  addr: 127.0.0.1:0\n"
    )
    serving = subprocess.Popen(
        ["docker-registry", "serve", str(config)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )
    try:
        assert serving.stderr is not None
        port = None
        for line in serving.stderr:
            found = re.search(r"listening on (?:127\.0\.0\.1|\[::\]):(\d+)", line)
            if found:
                port = found.group(1)
                break
        assert port, "docker-registry does not listen"
        # A pipe that nobody reads would stop it.
        threading.Thread(target=serving.stderr.read, daemon=True).start()
        yield f"localhost:{port}"
    finally:
        serving.kill()
        serving.wait()


def test_push_and_pull(client: minidock.Client, registry: str) -> None:
    image = client.images.get("busybox")
    name = f"{registry}/small"
    image.tag(name, "1")
    told: List[Any] = []
    log = client.images.push(name, tag="1", decode=True, progress=told.append)
    assert log[-1]["aux"]["Tag"] == "1" and log[-1]["aux"]["Digest"].startswith("sha256:")
    assert any(isinstance(event, events.Layer) for event in told)
    again = client.images.push(name, tag="1")
    assert json.loads(again.splitlines()[0])["status"].startswith("The push refers to")
    assert list(client.images.push(name, tag="1", stream=True, decode=True))[-1]["aux"]
    client.images.remove(f"{name}:1")

    moved: List[Any] = []
    pulled = client.images.pull(name, tag="1", progress=moved.append)
    assert isinstance(pulled, minidock.Image) and f"{name}:1" in pulled.tags
    assert isinstance(moved[0], events.TransferStarted)
    assert client.images.pull(f"{name}:1", progress=progress.with_rich()) == pulled
    assert client.images.pull(name, all_tags=True) == [pulled]
    digest = log[-1]["aux"]["Digest"]
    client.images.remove(f"{name}:1", force=True)

    out = client.containers.run(f"{name}:1", ["echo", "pulled"], remove=True)
    assert out == b"pulled\n"
    by_digest = client.images.pull(name, tag=digest)
    assert isinstance(by_digest, minidock.Image)
    text = f"FROM {name}:1\nLABEL a=b".encode()
    import io

    built, _ = client.images.build(fileobj=io.BytesIO(text), pull=True)
    built.remove()
    client.images.remove(f"{name}:1", force=True)
    for left in client.images.list():
        if not left.tags:
            left.remove(force=True)


def test_what_a_registry_does_not_have(client: minidock.Client, registry: str) -> None:
    with pytest.raises(errors.ImageNotFound):
        client.images.pull(f"{registry}/nothing")
    with pytest.raises(errors.ImageNotFound):
        client.containers.run(f"{registry}/nothing")
    with pytest.raises(errors.NotFound):
        client.images.push(f"{registry}/never-named")


def test_a_registry_that_is_not_there(client: minidock.Client) -> None:
    with pytest.raises(errors.NetworkFailed):
        client.images.pull("localhost:1/nothing")
    with pytest.raises(errors.NetworkFailed):
        client.containers.run("localhost:1/nothing")
    for wrong in ({"password": "x"}, {"username": "x", "other": "y"}):
        with pytest.raises(errors.InvalidArgument):
            client.images.pull("localhost:1/nothing", auth_config=wrong)
    with pytest.raises(errors.InvalidArgument):
        client.images.pull("Not A Name")
    with pytest.raises(errors.InvalidArgument):
        client.images.pull("localhost:1/nothing", platform="a/b/c/d")


def test_log_in(
    client: minidock.Client, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert client.login("user", "secret", registry=registry) == {"Status": "Login Succeeded"}
    assert registry in json.loads((tmp_path / "config.json").read_text())["auths"]
    assert client.logout(registry) is True
    assert client.logout(registry) is False
    with pytest.raises(errors.InvalidArgument):
        client.login("user", registry=registry)
