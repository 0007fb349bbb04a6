"""``images.build`` and ``build_events``."""

from __future__ import annotations

import io
import logging
from typing import Any, List

import pytest

import minidock
from minidock import errors, events, progress


def text(*lines: str) -> io.BytesIO:
    return io.BytesIO("\n".join(("FROM busybox", *lines)).encode())


def test_a_directory(client: minidock.Client, tmp_path: Any) -> None:
    (tmp_path / "file").write_text("content")
    (tmp_path / "Other").write_text("FROM busybox\nARG WHO\nCOPY file /f\nRUN echo $WHO > /who\n")
    image, log = client.images.build(
        path=str(tmp_path), dockerfile="Other", tag="built:1", buildargs={"WHO": "me"},
        labels={"x": "y"}, rm=True, nocache=True, network_mode="none",
    )
    try:
        assert image.tags == ["built:1"] and image.labels["x"] == "y"
        out = client.containers.run("built:1", ["cat", "/f", "/who"], remove=True)
        assert out == b"contentme\n"
        entries = list(log)
        assert {"aux": {"ID": image.id}} in entries
        assert {"stream": "Successfully tagged built:1\n"} in entries
        assert entries[0] == {"stream": "Step 1/4 : FROM busybox"}
    finally:
        client.images.remove("built:1")


def test_events_are_typed(client: minidock.Client) -> None:
    told = list(client.images.build_events(fileobj=text("RUN echo a; echo b >&2"), nocache=True))
    kinds = [type(event) for event in told]
    assert kinds[0] is events.StageStarted and kinds[-1] is events.Finished
    outputs = [event for event in told if isinstance(event, events.Output)]
    assert {(one.stream, one.data) for one in outputs} == {("stdout", b"a\n"), ("stderr", b"b\n")}
    done = [event.number for event in told if isinstance(event, events.StepDone)]
    assert done == [1, 2]
    again = list(client.images.build_events(fileobj=text("RUN echo a; echo b >&2")))
    assert any(isinstance(event, events.Cached) for event in again)
    assert isinstance(again[-1], events.Finished) and again[-1].all_cached
    client.images.remove(again[-1].id)
    if told[-1].id != again[-1].id:
        client.images.remove(told[-1].id)


def test_a_step_that_fails(client: minidock.Client) -> None:
    with pytest.raises(errors.BuildError) as caught:
        client.images.build(fileobj=text("RUN echo why; exit 3"))
    assert "status 3" in caught.value.msg
    said = "".join(entry.get("stream", "") for entry in caught.value.build_log)
    assert "why\n" in said


def test_what_cannot_be_built(client: minidock.Client, tmp_path: Any) -> None:
    with pytest.raises(TypeError):
        client.images.build()
    with pytest.raises(errors.InvalidArgument):
        client.images.build(path=str(tmp_path), fileobj=text())
    with pytest.raises(errors.InvalidArgument) as caught:
        client.images.build(fileobj=text("NONSENSE x"))
    assert "NONSENSE" in str(caught.value)
    with pytest.raises(errors.APIError):
        client.images.build(path=str(tmp_path))
    with pytest.raises(errors.NetworkFailed):
        client.images.build(fileobj=io.BytesIO(b"FROM localhost:1/nothing:1"))
    with pytest.raises(errors.InvalidArgument):
        client.images.build(fileobj=text(), tag="Not A Name")


def test_a_time_limit(client: minidock.Client) -> None:
    with pytest.raises(errors.TimedOut):
        client.images.build(fileobj=text("RUN sleep 1000"), timeout=2)


def test_leaving_the_iterator_ends_the_build(client: minidock.Client) -> None:
    with client.images.build_events(fileobj=text("RUN echo begun; sleep 1000")) as stream:
        for event in stream:
            if isinstance(event, events.Output):
                break
        stream.close()
        with pytest.raises(errors.Cancelled):
            list(stream)


def test_quiet(client: minidock.Client) -> None:
    image, log = client.images.build(fileobj=text("RUN echo said"), quiet=True)
    assert not any("said" in entry.get("stream", "") for entry in log)
    image.remove()


def test_progress(client: minidock.Client) -> None:
    plain = io.StringIO()
    image, _ = client.images.build(fileobj=text("RUN echo hello"), progress=progress.plain(plain))
    assert "[2/2] RUN echo hello" in plain.getvalue()
    bar = io.StringIO()
    client.images.build(fileobj=text("RUN echo hello"), progress=progress.with_tqdm(file=bar))
    assert "2/2" in bar.getvalue()
    client.images.build(fileobj=text("RUN echo hello"), progress=progress.with_rich())
    image.remove()


def test_the_log_of_the_library(client: minidock.Client, caplog: Any) -> None:
    with caplog.at_level(logging.DEBUG, logger="minidock"):
        client.containers.run("busybox", ["true"], remove=True)
        image, _ = client.images.build(fileobj=text("LABEL unset=$NOTSET"))
    told: List[str] = caplog.messages
    assert any(line.startswith("started ") for line in told)
    assert any("NOTSET" in line for line in told)
    warned = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert any("NOTSET" in one.getMessage() for one in warned)
    image.remove()
