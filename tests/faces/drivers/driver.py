"""The Python package as a face: reads requests on stdin, one a line, and answers on stdout.

A line is a word and `name=value` pairs between tabs, with values percent-encoded. The words are
those of request.rs; an answer begins with `done` or with `failed`. A failure names the classes of
the exception, the most derived one first.
"""

import json
import sys
import urllib.parse

import minidock
from minidock import errors

client = minidock.Client(root=sys.argv[1])


class Values:
    """Named values of a request or an answer."""

    def __init__(self, pairs=()):
        self.pairs = list(pairs)

    def all(self, name):
        return [value for key, value in self.pairs if key == name]

    def get(self, name, default=None):
        return next(iter(self.all(name)), default)

    def has(self, name):
        return bool(self.all(name))


def image_import(asked):
    name, _, tag = asked.get("reference").partition(":")
    image = client.images.import_image(
        asked.get("file"), name, tag or None, changes=asked.all("change")
    )
    return [("id", image.id)]


def load(asked):
    with open(asked.get("file"), "rb") as archive:
        images = client.images.load(archive)
    return [("name", tag) for image in images for tag in image.tags]


def save(asked):
    archive = client.images.save(asked.all("image"))
    with open(asked.get("file"), "wb") as file:
        for piece in archive:
            file.write(piece)
    return []


def images(_asked):
    names = sorted(tag for image in client.images.list() for tag in image.tags)
    return [("name", name) for name in names]


def tag(asked):
    client.images.get(asked.get("image")).tag(asked.get("reference"))
    return []


def remove_image(asked):
    client.images.remove(asked.get("image"), force=asked.has("force"))
    return []


def inspect_image(asked):
    return [("json", json.dumps(client.images.get(asked.get("image")).attrs))]


def history(asked):
    steps = client.images.get(asked.get("image")).history()
    return [("step", step["CreatedBy"]) for step in steps]


def build(asked):
    arguments = dict(each.split("=", 1) for each in asked.all("arg"))
    image, _log = client.images.build(
        path=asked.get("context"),
        tag=asked.get("tag"),
        buildargs=arguments,
        target=asked.get("target"),
        nocache=asked.has("no-cache"),
        network_mode="none",
    )
    return [("id", image.id)]


def container_keywords(asked):
    return {
        "name": asked.get("name"),
        "entrypoint": [asked.get("entrypoint")] if asked.has("entrypoint") else None,
        "environment": asked.all("env"),
        "working_dir": asked.get("workdir"),
        "user": asked.get("user"),
        "volumes": asked.all("volume"),
        "labels": dict(each.split("=", 1) for each in asked.all("label")),
        "read_only": asked.has("read-only"),
        "network_mode": "none",
    }


def run(asked):
    stdout, stderr = [], []
    status = 0
    stdin = asked.get("stdin")
    try:
        client.containers.run(
            asked.get("image"),
            asked.all("arg") or None,
            remove=asked.has("remove"),
            stdin=None if stdin is None else stdin.encode(),
            on_stdout=stdout.append,
            on_stderr=stderr.append,
            **container_keywords(asked),
        )
    except errors.ContainerError as error:
        status = error.exit_status
    return [("status", str(status)), ("stdout", b"".join(stdout)), ("stderr", b"".join(stderr))]


def create(asked):
    container = client.containers.create(
        asked.get("image"), asked.all("arg") or None, **container_keywords(asked)
    )
    return [("id", container.id)]


def container(asked):
    return client.containers.get(asked.get("container"))


def execute(asked):
    stdin = asked.get("stdin")
    done = container(asked).exec_run(
        asked.all("arg"),
        stdin=False if stdin is None else stdin.encode(),
        environment=asked.all("env"),
        workdir=asked.get("workdir"),
        user=asked.get("user", ""),
    )
    if done.exit_code in (126, 127) and done.output.endswith(b"\r\n"):
        # docker-py's way to say it; here it is the error that it stands for.
        kinds = {126: errors.CommandNotExecutable, 127: errors.CommandNotFound}
        raise kinds[done.exit_code](done.output.decode())
    return [("status", str(done.exit_code)), ("stdout", done.stdout), ("stderr", done.stderr)]


def logs(asked):
    found = container(asked)
    return [
        ("stdout", found.logs(stdout=True, stderr=False)),
        ("stderr", found.logs(stdout=False, stderr=True)),
    ]


def containers(_asked):
    names = sorted(each.name for each in client.containers.list(all=True))
    return [("name", name) for name in names]


def nothing(call):
    def answer(asked):
        call(asked)
        return []

    return answer


VERBS = {
    "import": image_import,
    "load": load,
    "save": save,
    "images": images,
    "tag": tag,
    "remove-image": remove_image,
    "inspect-image": inspect_image,
    "history": history,
    "build": build,
    "run": run,
    "create": create,
    "exec": execute,
    "logs": logs,
    "containers": containers,
    "start": nothing(lambda asked: container(asked).start()),
    "restart": nothing(lambda asked: container(asked).restart(timeout=0)),
    "wait": lambda asked: [("status", str(container(asked).wait()["StatusCode"]))],
    "stop": nothing(lambda asked: container(asked).stop(timeout=int(asked.get("seconds")))),
    "kill": nothing(lambda asked: container(asked).kill(asked.get("signal"))),
    "inspect": lambda asked: [("json", json.dumps(container(asked).attrs))],
    "remove": nothing(lambda asked: container(asked).remove(force=asked.has("force"))),
}


def line_of(word, pairs):
    parts = [word]
    for name, value in pairs:
        parts.append(f"{name}={urllib.parse.quote_from_bytes(bytes_of(value))}")
    return "\t".join(parts)


def bytes_of(value):
    return value if isinstance(value, bytes) else value.encode()


def pairs_of(parts):
    for part in parts:
        name, _, value = part.partition("=")
        yield name, urllib.parse.unquote(value)


def answer(line):
    verb, *parts = line.rstrip("\n").split("\t")
    try:
        return line_of("done", VERBS[verb](Values(pairs_of(parts))))
    except errors.MinidockError as error:
        classes = [("class", each.__name__) for each in type(error).__mro__]
        return line_of("failed", [*classes, ("message", str(error))])


for line in sys.stdin:
    print(answer(line), flush=True)
