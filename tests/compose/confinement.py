"""What docker/stack.yml declares about each container, compared with what is so, outside and inside of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.compose.stack import Container, Stack

# Of the first process of a container (proc(5)); read from outside, for not every image has `cat`.
_NO_CAPABILITIES: Final = "0" * 16
# SETUID 7, SETGID 6, DAC_READ_SEARCH 2, KILL 5, AUDIT_WRITE 29 (capability.h).
_OF_CRON: Final = f"{1 << 7 | 1 << 6 | 1 << 2 | 1 << 5 | 1 << 29:016x}"
_USERS: Final = {"postgres": "999", "broker": "999", "cron": "0"}
_APP_USER: Final = "10001"


def wrong_inside(stack: Stack) -> list[str]:
    """One line for each thing that is not as declared."""
    declared: dict[str, Any] = json.loads(stack.compose("config", "--format", "json"))["services"]
    found = []
    for one in stack.containers():
        if one.state == "running":
            info = stack.inspect(one.name)
            wrong = [*_of_process(one, info), *_of_engine(declared[one.service], info), *_of_files(stack, one)]
            found += [f"{one.name}: {line}" for line in wrong]
    return found + list(_of_logs(stack, declared))


def _of_process(one: Container, info: dict[str, Any]) -> Iterator[str]:
    """User, capabilities and privileges of the first process."""
    lines = Path(f"/proc/{info['State']['Pid']}/status").read_text().splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    wanted = {
        "Uid": _USERS.get(one.service, _APP_USER),
        "CapEff": _OF_CRON if one.service == "cron" else _NO_CAPABILITIES,
        "CapBnd": _OF_CRON if one.service == "cron" else _NO_CAPABILITIES,
        "NoNewPrivs": "1",
        "Seccomp": "2",
    }
    for name, value in wanted.items():
        if status[name][0] != value:
            yield f"{name} is {status[name][0]}, not {value}"


def _of_engine(declared: dict[str, Any], info: dict[str, Any]) -> Iterator[str]:
    """Limits, time to stop and logs."""
    limits, host = declared["deploy"]["resources"]["limits"], info["HostConfig"]
    seconds = {"s": 1, "m": 60}
    stop = sum(int(part[:-1]) * seconds[part[-1]] for part in parts_of(declared["stop_grace_period"]))
    wanted = {
        "memory": (host["Memory"], int(limits["memory"])),
        "processors": (host["NanoCpus"], round(float(limits["cpus"]) * 1e9)),
        "processes": (host["PidsLimit"], limits["pids"]),
        "time to stop": (info["Config"]["StopTimeout"], stop),
        "logs": (host["LogConfig"]["Config"], declared["logging"]["options"]),
        "log driver": (host["LogConfig"]["Type"], "json-file"),
    }
    for name, (is_so, said) in wanted.items():
        if is_so != said:
            yield f"{name}: {is_so}, not {said}"


def _of_files(stack: Stack, one: Container) -> Iterator[str]:
    """Nothing can be written but where a tmpfs or a volume is."""
    for path in ("/", "/etc", "/usr/bin", "/opt", "/var"):
        done = _sh(stack, one, f"touch {path}/drill")
        if "Read-only file system" not in done.stderr and "Permission denied" not in done.stderr:
            yield f"{path} can be written to: {done.stdout}{done.stderr}"
    if _sh(stack, one, "touch /tmp/drill && rm /tmp/drill").returncode:
        yield "/tmp cannot be written to"
    mounts = _sh(stack, one, "cat /proc/mounts").stdout.splitlines()
    root = [line.split()[3].split(",") for line in mounts if line.split()[1] == "/"]
    if not root or "ro" not in root[-1]:
        yield f"its root is not read-only: {root}"


def _of_logs(stack: Stack, declared: dict[str, Any]) -> Iterator[str]:
    """Each line of our own processes is one JSON object, from the first one on."""
    for one in stack.containers():
        if not declared[one.service]["image"].startswith("tandem/"):
            continue
        said = _docker(stack, "logs", one.name)
        for line in (said.stdout + said.stderr).splitlines():
            if not _is_json(line):
                yield f"{one.name} logs a line that is not JSON: {line[:200]}"
                break


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def parts_of(duration: str) -> list[str]:
    """`1m30s` as [`1m`, `30s`]."""
    return duration.replace("m", "m ").replace("s", "s ").split()


def _sh(stack: Stack, one: Container, script: str) -> subprocess.CompletedProcess[str]:
    return _docker(stack, "exec", one.name, "sh", "-c", script)


def _docker(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *words], env=stack.engine.variables(), capture_output=True, text=True, check=False)
