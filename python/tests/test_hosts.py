"""The package in programs of all kinds: threads, asyncio, multiprocessing, odd signal settings."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, List

import pytest

import minidock


def program(root: str, text: str, *, status: int = 0) -> str:
    """Runs a Python program of its own; its output."""
    done = subprocess.run(
        [sys.executable, "-c", "import minidock, os, signal, sys\n" + textwrap.dedent(text)],
        env={**os.environ, "MINIDOCK_ROOT": root},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def echo(client: minidock.Client, word: int) -> Any:
    run = client.containers.run
    return run("busybox", ["echo", str(word)], remove=True, network_mode="none")


def test_threads_share_a_client(client: minidock.Client) -> None:
    with ThreadPoolExecutor(4) as pool:
        words = list(pool.map(lambda word: echo(client, word), range(16)))
    assert words == [f"{word}\n".encode() for word in range(16)]


def test_other_threads_run_while_one_waits(box: minidock.Container) -> None:
    waiting = threading.Thread(target=box.wait)
    waiting.start()
    # Each of these needs the interpreter's lock.
    assert box.exec_run("echo a").output == b"a\n"
    assert waiting.is_alive()
    box.kill()
    waiting.join(60)
    assert not waiting.is_alive()


def test_a_container_outlives_the_thread_that_made_it(client: minidock.Client) -> None:
    made: List[minidock.Container] = []

    def make() -> None:
        made.append(client.containers.run("busybox", ["sleep", "1000"], detach=True))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    try:
        assert made[0].exec_run("echo on").output == b"on\n"
    finally:
        made[0].remove(force=True)


def test_one_client_ends_what_another_thread_reads(client: minidock.Client) -> None:
    box = client.containers.run("busybox", ["sleep", "1000"], detach=True)
    pieces: List[bytes] = []
    reader = threading.Thread(target=lambda: pieces.extend(box.logs(stream=True)))
    reader.start()
    box.remove(force=True)
    reader.join(60)
    assert not reader.is_alive()


def test_asyncio(client: minidock.Client) -> None:
    async def many() -> Any:
        loop = asyncio.get_running_loop()
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)

        ticking = asyncio.ensure_future(tick())
        calls = (loop.run_in_executor(None, echo, client, word) for word in range(6))
        words = await asyncio.gather(*calls)
        ticking.cancel()
        return words, ticks

    words, ticks = asyncio.run(many())
    assert words == [f"{word}\n".encode() for word in range(6)]
    assert ticks > 1


def test_a_forked_child_needs_a_client_of_its_own(root: str) -> None:
    out = program(root, """
        client = minidock.Client()
        box = client.containers.run("busybox", ["sleep", "1000"], detach=True)
        stream = box.logs(stream=True)
        pid = os.fork()
        if pid == 0:
            for call in (client.ping, client.containers.list, box.reload, box.exec_run):
                try:
                    call(*(["true"] if call == box.exec_run else []))
                except minidock.errors.Forked as error:
                    assert "os.fork()" in str(error)
                else:
                    os._exit(1)
            fresh = minidock.Client()
            again = fresh.containers.get(box.id)
            assert again.exec_run("echo child").output == b"child\\n"
            assert fresh.containers.run("busybox", ["echo", "c"], remove=True) == b"c\\n"
            client.close()
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        assert status == 0, status
        assert box.exec_run("echo parent").output == b"parent\\n"
        box.remove(force=True)
        print("done")
    """)
    assert out == "done\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(root: str, tmp_path: Any, method: str) -> None:
    script = tmp_path / "main.py"
    script.write_text(textwrap.dedent(f"""
        import multiprocessing, minidock

        def work(word):
            with minidock.Client() as client:
                return client.containers.run("busybox", ["echo", word], remove=True)

        if __name__ == "__main__":
            with minidock.Client() as client:
                assert client.ping()
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                print(pool.map(work, ["a", "b", "c"]))
    """))
    done = subprocess.run(
        [sys.executable, str(script)], env={**os.environ, "MINIDOCK_ROOT": root},
        capture_output=True, text=True, timeout=180,
    )
    assert done.stdout == "[b'a\\n', b'b\\n', b'c\\n']\n", done.stderr


def test_sigchld_ignored(root: str) -> None:
    program(root, """
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        client = minidock.Client()
        assert client.containers.run("busybox", ["echo", "x"], remove=True) == b"x\\n"
        try:
            client.containers.run("busybox", ["sh", "-c", "exit 3"], remove=True)
        except minidock.errors.ContainerError as error:
            assert error.exit_status == 3
        box = client.containers.run("busybox", ["sleep", "1000"], detach=True)
        assert box.exec_run("echo y").output == b"y\\n"
        box.stop(timeout=0)
        assert box.wait()["StatusCode"] == 137
        box.remove()
    """)


def test_a_loop_that_reaps_every_child(root: str) -> None:
    program(root, """
        import threading
        ended = threading.Event()

        def reap():
            while not ended.wait(0.0005):
                try:
                    os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    pass

        reaper = threading.Thread(target=reap)
        reaper.start()
        client = minidock.Client()
        for word in range(8):
            out = client.containers.run("busybox", ["echo", str(word)], remove=True)
            assert out == b"%d\\n" % word
        try:
            client.containers.run("busybox", ["sh", "-c", "exit 3"], remove=True)
        except minidock.errors.ContainerError as error:
            assert error.exit_status == 3
        ended.set()
        reaper.join()
    """)


def test_the_host_process_is_left_as_it_is(root: str) -> None:
    program(root, """
        def state():
            signals = [signal.getsignal(n) for n in sorted(signal.valid_signals())]
            mask = os.umask(0o022)
            os.umask(mask)
            return os.getcwd(), dict(os.environ), signals, mask, signal.pthread_sigmask(0, [])
        before = state()
        client = minidock.Client()
        client.containers.run("busybox", ["true"], remove=True)
        client.close()
        assert state() == before
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            pass
        else:
            sys.exit("a child is left to be reaped")
    """)


@pytest.mark.parametrize(
    "left",
    [
        "box.wait()",
        "list(box.logs(stream=True))",
        "box.exec_run(['sleep', '999'])",
        "client.images.build(fileobj=io.BytesIO(b'FROM busybox\\nRUN sleep 1002'))",
    ],
)
def test_the_interpreter_ends_while_a_thread_waits(root: str, left: str) -> None:
    out = program(root, f"""
        import io, threading, time
        client = minidock.Client()
        box = client.containers.run("busybox", ["sleep", "1000"], detach=True, name="at-exit")
        began = threading.Event()
        def wait():
            began.set()
            {left}
        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        began.wait()
        # It waits when it sleeps in the kernel, several looks in a row.
        looks = 0
        while looks < 5:
            time.sleep(0.05)
            stat = open(f"/proc/self/task/{{thread.native_id}}/stat").read()
            looks = looks + 1 if stat.rpartition(")")[2].split()[0] == "S" else 0
        print("ending", flush=True)
    """)
    assert out == "ending\n"
    with minidock.Client(root) as client:
        client.containers.get("at-exit").remove(force=True)


def test_a_container_ends_with_the_process_that_runs_it(client: minidock.Client, root: str) -> None:
    program(root, """
        import threading
        client = minidock.Client()
        begun = threading.Event()
        def run():
            script = ["sh", "-c", "echo begun; sleep 1000"]
            client.containers.run("busybox", script, name="owned",
                                  on_stdout=lambda data: begun.set())
        threading.Thread(target=run, daemon=True).start()
        begun.wait(60)
        os.kill(os.getpid(), signal.SIGKILL)
    """, status=-9)
    box = client.containers.get("owned")
    assert box.wait(timeout=60)["StatusCode"] == 137
    box.remove()


def test_objects_that_are_dropped_at_any_time(root: str) -> None:
    program(root, """
        import gc
        client = minidock.Client()
        box = client.containers.run("busybox", ["sleep", "1000"], detach=True)
        logs = box.logs(stream=True)
        streamed = box.exec_run(["sleep", "998"], stream=True)
        del client, logs, streamed
        gc.collect()
        box.remove(force=True)
    """)
