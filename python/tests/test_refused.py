"""What is not there yet raises by its name; nothing is ignored."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import pytest

import minidock
from minidock import _minidock, errors
from minidock._create import KNOWN, LATER


#: All of docker-py 7's keywords of ``containers.run``, but image and command.
DOCKER_PY = """
stdout stderr remove auto_remove blkio_weight blkio_weight_device cap_add cap_drop cgroup_parent
cgroupns cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares
cpuset_cpus cpuset_mems detach device_cgroup_rules device_read_bps device_read_iops
device_write_bps device_write_iops devices device_requests dns dns_opt dns_search domainname
entrypoint environment extra_hosts group_add healthcheck hostname init init_path ipc_mode isolation
kernel_memory labels links log_config lxc_conf mac_address mem_limit mem_reservation mem_swappiness
memswap_limit mounts name nano_cpus network network_disabled network_mode networking_config
oom_kill_disable oom_score_adj pid_mode pids_limit platform ports privileged publish_all_ports
read_only restart_policy runtime security_opt shm_size stdin_open stop_signal storage_opt stream
sysctls tmpfs tty ulimits use_config_proxy user userns_mode uts_mode version volume_driver volumes
volumes_from working_dir
""".split()


def test_every_keyword_of_docker_py_is_known() -> None:
    own = {"stdout", "stderr", "remove", "detach", "stream"}
    assert set(DOCKER_PY) - own <= KNOWN | LATER
    assert not KNOWN & LATER


@pytest.mark.parametrize("name", sorted(LATER))
def test_a_keyword_that_is_not_there_yet(client: minidock.Client, name: str) -> None:
    for call in (client.containers.run, client.containers.create):
        with pytest.raises(errors.Unsupported) as caught:
            call("busybox", ["true"], **{name: "something"})
        assert name in str(caught.value)


def test_keywords_that_ask_for_nothing(client: minidock.Client) -> None:
    nothing: Any = {name: None for name in LATER}
    client.containers.run("busybox", ["true"], remove=True, **nothing)


def test_keywords_that_nobody_has(client: minidock.Client) -> None:
    for call in (client.containers.run, client.containers.create):
        with pytest.raises(TypeError, match="colour"):
            call("busybox", colour="red")
    with pytest.raises(TypeError, match="colour"):
        client.images.build(fileobj=io.BytesIO(b"FROM busybox"), colour="red")


@pytest.mark.parametrize(
    "keywords",
    [
        {"restart_policy": {"Name": "always"}},
        {"network": "a-network"},
        {"network_mode": "container:other"},
        {"volumes": {"/x": {"bind": "/y", "mode": "z"}}},
        {"volumes": {"/x": {}}},
        {"volumes": "text"},
        {"ports": {"80/sctp": 1}},
        {"ports": {"80/tcp": "x"}},
        {"ports": {"99999": 1}},
        {"ports": [80]},
        {"environment": {"A": None}},
        {"environment": "A=1"},
        {"environment": ["nothing"]},
        {"cap_add": "NET_ADMIN"},
        {"cap_add": ["NOTHING"]},
        {"security_opt": ["apparmor=x"]},
        {"security_opt": ["seccomp={"]},
        {"ulimits": ["nofile=1"]},
        {"ulimits": [{"Name": "nothing", "Soft": 1, "Hard": 1}]},
        {"shm_size": "much"},
        {"name": "not a name"},
        {"hostname": "not a name"},
        {"working_dir": "relative"},
        {"stop_signal": "SIGNOTHING"},
        {"mounts": ["text"]},
        {"mem_swappiness": 0},
        {"user": ["list"]},
    ],
    ids=repr,
)
def test_values_that_cannot_be(client: minidock.Client, keywords: Any) -> None:
    with pytest.raises(errors.APIError) as caught:
        client.containers.run("busybox", ["true"], remove=True, **keywords)
    assert caught.value.is_client_error() or isinstance(caught.value, errors.Unsupported)


@pytest.mark.parametrize(
    "name",
    ["custom_context", "encoding", "container_limits", "shmsize", "cache_from", "squash",
     "extra_hosts", "platform", "isolation", "use_config_proxy"],
)
def test_keywords_of_build_that_are_not_there_yet(client: minidock.Client, name: str) -> None:
    with pytest.raises(errors.Unsupported, match=name):
        client.images.build(fileobj=io.BytesIO(b"FROM busybox"), **{name: "something"})


def test_methods_that_are_not_there_yet(client: minidock.Client, box: minidock.Container) -> None:
    for call in (
        lambda: client.networks,
        lambda: client.api,
        lambda: client.swarm,
        lambda: client.events(),
        lambda: client.login("user", "secret", email="a@b"),
        lambda: client.images.search("busybox"),
        lambda: client.images.get_registry_data("busybox"),
        lambda: box.pause(),
        lambda: box.stats(),
        lambda: box.commit(),
        lambda: box.diff(),
        lambda: box.export(),
        lambda: box.top(),
        lambda: box.update(mem_limit="1m"),
        lambda: box.attach_socket(),
        lambda: box.put_archive("/", b""),
        lambda: box.get_archive("/"),
        lambda: box.exec_run("true", privileged=True),
        lambda: box.exec_run("true", socket=True),
        lambda: box.remove(link=True),
        lambda: client.volumes.create("x", driver="nfs"),
        lambda: client.volumes.create("x", driver_opts={"a": "b"}),
        lambda: client.containers.prune(filters={"until": "1h"}),
        lambda: client.version(api_version=False),
        lambda: minidock.from_env(timeout=3),
        lambda: minidock.from_env(version="1.41"),
        lambda: minidock.from_env(use_ssh_client=True),
    ):
        with pytest.raises(errors.Unsupported):
            call()
    assert not hasattr(client, "nothing")


def test_every_kind_of_error_has_its_class() -> None:
    for name in _minidock.error_classes():
        made = errors._from_engine(name, "what", "do", None)
        assert isinstance(made, errors.APIError) and isinstance(made, errors.DockerException)
        assert str(made) == "what\nhint: do" and made.explanation == "what"
        assert made.is_error() and made.response is None


def test_a_client_that_is_closed(root: str) -> None:
    client = minidock.Client(root)
    client.close()
    client.close()
    for call in (client.ping, client.info, client.containers.list, client.images.list):
        with pytest.raises(errors.ClientClosed):
            call()
    assert repr(client) == "<Client: closed>"


def test_a_runtime_that_is_not_there(root: str) -> None:
    with minidock.Client(root, "/no/such/runtime") as client:
        with pytest.raises(errors.NotFound, match="runtime") as caught:
            client.containers.run("busybox", ["true"], remove=True)
        assert not isinstance(caught.value, errors.ImageNotFound)
    with pytest.raises(errors.InvalidArgument):
        minidock.Client(root, userns="keep-id")


def test_the_environment_says_where(root: str) -> None:
    with minidock.from_env() as client:
        assert repr(client) == f"<Client: {root}>"
    with minidock.from_env(environment={"MINIDOCK_ROOT": root}) as client:
        assert client.ping()


def test_the_command_of_the_package(root: str) -> None:
    directory = Path(minidock.__file__).parent / "_bin"
    listed = subprocess.run(
        [str(directory / "minidock"), "--root", root, "run", "--rm", "busybox", "echo", "hi"],
        capture_output=True, text=True, check=True,
    )
    assert listed.stdout == "hi\n"
