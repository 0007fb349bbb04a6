"""docker-py's keywords of ``run`` and ``create``, for the engine."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from minidock._encode import encode, environment, labels, texts, word, words
from minidock._keywords import asks, refuse_keywords, refuse_unknown
from minidock._minidock import parse_size
from minidock._mounts import published, split_volumes, tmpfs_texts, typed_mounts
from minidock.errors import InvalidArgument, Unsupported

#: Keywords of docker-py's that are refused when they ask for something.
LATER = frozenset(
    """
    blkio_weight blkio_weight_device cgroup_parent cgroupns cpu_count cpu_percent cpu_period
    cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpuset_cpus cpuset_mems
    device_cgroup_rules device_read_bps device_read_iops device_write_bps device_write_iops
    devices device_requests dns dns_opt dns_search domainname healthcheck init_path ipc_mode
    isolation kernel_memory links log_config lxc_conf mac_address mem_limit mem_reservation
    mem_swappiness memswap_limit nano_cpus networking_config oom_kill_disable oom_score_adj
    pid_mode pids_limit platform runtime storage_opt sysctls use_config_proxy userns_mode uts_mode
    version volume_driver volumes_from
    """.split()
)

#: Keywords that :func:`options` reads.
KNOWN = frozenset(
    """
    auto_remove cap_add cap_drop entrypoint environment extra_hosts group_add hostname init labels
    mounts name network network_disabled network_mode ports privileged publish_all_ports read_only
    restart_policy security_opt shm_size stdin_open stop_signal stop_timeout tmpfs tty ulimits user
    volumes working_dir
    """.split()
)


def options(call: str, image: str, command: Any, given: Mapping[str, Any]) -> str:
    """All of them as JSON. What is unknown or not there yet is refused."""
    refuse_unknown(call, set(given) - KNOWN - LATER)
    refuse_keywords(call, {name: value for name, value in given.items() if name in LATER})
    if given.get("mem_swappiness") == 0:
        raise Unsupported(f"{call}: mem_swappiness=0 is not in minidock yet")
    _refuse_restarts(call, given.get("restart_policy"))
    volumes, mounts = split_volumes(given.get("volumes"))
    shm_size = given.get("shm_size")
    user = given.get("user")
    return encode(
        {
            "image": image,
            "command": words(command),
            "entrypoint": None if given.get("entrypoint") is None else words(given["entrypoint"]),
            "name": given.get("name"),
            "hostname": given.get("hostname"),
            "env": environment(given.get("environment")),
            "workdir": None if given.get("working_dir") is None else word(given["working_dir"]),
            "user": None if user is None else str(user),
            "groups": texts("group_add", given.get("group_add")),
            "tty": bool(given.get("tty")),
            "stdin_open": bool(given.get("stdin_open")),
            "volumes": volumes,
            "mounts": mounts + typed_mounts(given.get("mounts")),
            "tmpfs": tmpfs_texts(given.get("tmpfs")),
            "read_only": bool(given.get("read_only")),
            "network": network(call, given),
            "ports": published(given.get("ports")),
            "publish_all": bool(given.get("publish_all_ports")),
            "expose": [],
            "cap_add": texts("cap_add", given.get("cap_add")),
            "cap_drop": texts("cap_drop", given.get("cap_drop")),
            "privileged": bool(given.get("privileged")),
            "security_opt": texts("security_opt", given.get("security_opt")),
            "ulimits": _ulimits(given.get("ulimits")),
            "init": bool(given.get("init")),
            "labels": labels(given.get("labels")),
            "stop_signal": given.get("stop_signal"),
            "stop_timeout": given.get("stop_timeout"),
            "auto_remove": bool(given.get("auto_remove")),
            "shm_size": parse_size(shm_size) if isinstance(shm_size, str) else shm_size,
            "extra_hosts": _hosts(given.get("extra_hosts")),
        }
    )


def network(call: str, given: Mapping[str, Any]) -> Optional[str]:
    """The word for the network."""
    if given.get("network_disabled"):
        return "none"
    named, mode = given.get("network"), given.get("network_mode")
    if named and mode:
        raise RuntimeError(
            'The options "network" and "network_mode" can not be used together.'
        )
    asked = named or mode
    return str(asked) if asked else None


def _refuse_restarts(call: str, policy: Optional[Mapping[str, Any]]) -> None:
    if asks(policy) and (policy or {}).get("Name") not in ("", "no"):
        raise Unsupported(f"{call}: restart_policy={policy!r} is not in minidock yet")


def _ulimits(value: Any) -> List[str]:
    limits = []
    for limit in value or ():
        if not isinstance(limit, Mapping):
            raise InvalidArgument("ulimits is a list of minidock.types.Ulimit")
        low = {str(key).lower(): given for key, given in limit.items()}
        soft, hard = low.get("soft"), low.get("hard")
        soft = hard if soft is None else soft
        if soft is None:
            raise InvalidArgument(f"the limit {low.get('name')!r} has no value")
        limits.append(f"{low.get('name')}={soft}:{soft if hard is None else hard}")
    return limits


def _hosts(value: Any) -> List[str]:
    if isinstance(value, Mapping):
        return [f"{name}:{address}" for name, address in value.items()]
    return texts("extra_hosts", value)


def exec_options(
    command: Any,
    *,
    env: Any,
    workdir: Any,
    user: str,
    tty: bool,
    stdin: bool,
    stdout: bool,
    stderr: bool,
    owned: bool,
) -> str:
    """A process to be executed, as JSON."""
    arguments = words(command)
    if not arguments:
        raise InvalidArgument("no command is given to execute")
    shape: Dict[str, Any] = {
        "args": arguments,
        "env": environment(env),
        "workdir": None if workdir is None else word(workdir),
        "user": user or None,
        "tty": tty,
        "stdin": stdin,
        "stdout": stdout,
        # A terminal has one output.
        "stderr": stderr and not tty,
        "owned": owned,
    }
    return encode(shape)
