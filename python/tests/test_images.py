"""Images and volumes: found, named, moved in and out, removed."""

from __future__ import annotations

import io
from typing import Any

import pytest

import minidock
from minidock import errors


def test_get_and_its_attributes(client: minidock.Client) -> None:
    image = client.images.get("busybox:latest")
    assert image.tags == ["busybox:latest"]
    assert image.labels == {"kind": "small"}
    assert image.short_id == image.id[:19]
    assert image.attrs["Config"]["Cmd"] == ["sh"]
    image.reload()
    assert client.images.get(image.id) == image
    with pytest.raises(errors.ImageNotFound):
        client.images.get("nothing")
    with pytest.raises(errors.NullResource):
        client.images.get("")


def test_list(client: minidock.Client) -> None:
    image = client.images.get("busybox")
    assert image in client.images.list()
    assert client.images.list(name="busybox") == [image]
    assert image in client.images.list(filters={"label": "kind=small"})
    assert client.images.list(filters={"label": ["kind=large"]}) == []
    assert image not in client.images.list(filters={"dangling": True})
    with pytest.raises(errors.InvalidArgument):
        client.images.list(filters={"colour": "red"})
    assert "<td>busybox:latest</td>" in client.images.list()._repr_html_()


def test_names(client: minidock.Client) -> None:
    image = client.images.get("busybox")
    assert image.tag("other", tag="1") is True
    image.reload()
    assert sorted(image.tags) == ["busybox:latest", "other:1"]
    with pytest.raises(errors.Conflict):
        image.remove()
    assert client.images.remove("other:1") == [{"Untagged": "other:1"}]
    with pytest.raises(errors.InvalidArgument):
        image.tag("Not A Name")


def test_save_and_load(client: minidock.Client, tmp_path: Any) -> None:
    image = client.images.get("busybox")
    pieces = list(image.save(chunk_size=100_000, named=True))
    assert {len(piece) for piece in pieces[:-1]} == {100_000}
    archive = b"".join(pieces)
    client.images.get("busybox").tag("kept")
    client.images.remove("busybox")
    try:
        for given in (archive, io.BytesIO(archive), iter(pieces)):
            assert client.images.load(given) == [image]
        assert client.images.get("busybox") == image
        assert b"".join(image.save(format="oci"))[:1] != b""
    finally:
        client.images.load(archive)
        client.images.remove("kept")
    with pytest.raises(errors.InvalidArgument):
        image.save(named="not-its-name")
    with pytest.raises(errors.InvalidArgument):
        image.save(chunk_size=0)


def test_what_is_no_archive(client: minidock.Client) -> None:
    before = client.images.list()
    for wrong in (b"", b"no tar", b"x" * 5_000_000):
        with pytest.raises(errors.APIError):
            client.images.load(wrong)

    def breaks() -> Any:
        yield b"x" * 100
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.images.load(breaks())
    for never in ("a path", None, 3):
        with pytest.raises(errors.InvalidArgument):
            client.images.load(never)
    assert client.images.list() == before


def test_history(client: minidock.Client) -> None:
    steps = client.images.get("busybox").history()
    assert steps[0]["Tags"] == ["busybox:latest"] and steps[0]["Size"] >= 0


def test_prune(client: minidock.Client) -> None:
    image, _ = client.images.build(fileobj=io.BytesIO(b"FROM busybox\nLABEL gone=1"))
    assert image.tags == []
    pruned = client.images.prune()
    assert {"Deleted": image.id} in pruned["ImagesDeleted"]
    assert client.images.prune(filters={"dangling": True})["ImagesDeleted"] is None


def test_volumes(client: minidock.Client) -> None:
    volume = client.volumes.create("data", labels={"a": "1"})
    try:
        assert (volume.id, volume.name) == ("data", "data")
        assert client.volumes.get("data") == volume
        assert volume in client.volumes.list(filters={"label": "a=1", "dangling": True})
        assert volume not in client.volumes.list(filters={"label": "a=2"})
        assert "<td>data</td>" in client.volumes.list()._repr_html_()
        write = ["sh", "-c", "echo kept > /d/x"]
        at = {"data": {"bind": "/d"}}
        client.containers.run("busybox", write, volumes=at, remove=True)
        out = client.containers.run("busybox", ["cat", "/d/x"], volumes=at, remove=True)
        assert out == b"kept\n"
        box = client.containers.create("busybox", ["true"], volumes=["data:/d:ro"])
        with pytest.raises(errors.InUse):
            volume.remove()
        box.remove()
    finally:
        volume.remove()
    volume.remove(force=True)
    with pytest.raises(errors.NotFound):
        volume.remove()
    with pytest.raises(errors.NotFound):
        client.volumes.get("data")


def test_prune_of_volumes(client: minidock.Client) -> None:
    named, unnamed = client.volumes.create("named"), client.volumes.create()
    assert client.volumes.prune()["VolumesDeleted"] == [unnamed.name]
    assert client.volumes.prune(filters={"all": True})["VolumesDeleted"] == [named.name]
    assert client.volumes.prune()["VolumesDeleted"] is None


def test_facts(client: minidock.Client) -> None:
    info = client.info()
    assert info["OSType"] == "linux" and info["Images"] == len(client.images.list())
    assert info["Minidock"]["runtime"]["path"].endswith("/_bin/minidock-runtime")
    assert client.version()["Version"] == minidock.__version__
    df = client.df()
    assert {image["Id"] for image in df["Images"]} == {one.id for one in client.images.list()}
    assert df["LayersSize"] > 0
    assert client.ping() is True
