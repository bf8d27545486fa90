"""The cron host as it is in its container, made of namespaces: its mounts, capabilities and users, and Debian's cron.

The machine's own crontabs are out of sight in there (mount_namespaces(7)), and so are its processes.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

import psycopg
import pytest

from tests.deployment.outside import OF_THE_IMAGE, PATIENCE_SECONDS, Outside
from tests.deployment.tools import ROOT
from tests.servers.namespaces import available, first_inside, namespaces
from tests.servers.plugin import require
from tests.servers.postgres import PostgresServer

pytestmark = [pytest.mark.live, pytest.mark.drill, pytest.mark.timeout(240)]

# A minute until cron's next look, a quarter until the agent's, and time for what cron starts.
_LONGEST_SECONDS = 120.0
_CREATE = """
from django.utils import timezone
from scheduling import schedules
schedules.create(
    name="each minute", job="demo.process_data", cron="* * * * *", parameters={"pause": 0},
    backend="crontab", executor="inline", now=timezone.now(),
)
"""


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    """A migrated PostgreSQL, and no broker: what cron runs inline needs none."""
    require("PostgreSQL")
    require("cron")
    if not available():
        pytest.skip("namespaces are not available: run the tests as root, outside a container")
    found = Outside("redis", tmp_path)
    with PostgresServer() as postgres:
        found.keep("database_url", postgres.url)
        found.keep("broker_url", "redis://127.0.0.1:1/0")
        done = found.once("migrate")
        assert done.returncode == 0, done.stderr
        yield found


def users(folder: Path) -> list[str]:
    """Files as the image has them (Dockerfile, stage `cron`), and the commands that mount them."""
    tandem = "tandem:x:10001:10001::/var/lib/tandem:/usr/sbin/nologin\n"
    files = {
        "/etc/passwd": f"root:x:0:0:root:/root:/bin/bash\n{tandem}",
        "/etc/group": "root:x:0:\ntandem:x:10001:\ncrontab:x:10002:tandem\n",
        "/etc/shadow": "root:*:20000:0:99999:7:::\ntandem:!:20000:0:99999:7:::\n",
        "/etc/pam.d/cron": "".join(
            line for line in Path("/etc/pam.d/cron").read_text().splitlines(keepends=True) if "pam_loginuid" not in line
        ),
    }
    commands = []
    for path, content in files.items():
        file = folder / path.replace("/", "_")
        file.write_text(content)
        commands.append(f"mount --bind {quote(str(file))} {path}")
    return commands


def mounts(outside: Outside) -> list[str]:
    """The container's places to write to, its secrets, and nothing else that can be written."""
    commands = ["mount -t tmpfs none /var/lib", "mkdir /var/lib/tandem"]
    for place in outside.services["cron"]["tmpfs"]:
        path, _, options = place.partition(":")
        options = options if "exec" in options.split(",") else f"noexec,{options}"
        # The tests' own files are in /tmp: it stays what it is, a mount of its own that can be written.
        own = "mount --bind /tmp /tmp" if path == "/tmp" else f"mount -t tmpfs -o nosuid,nodev,{options} none {path}"
        commands.append(own)
    commands += ["mkdir /run/secrets", f"cp {quote(str(outside.secrets))}/* /run/secrets/"]
    if sys.base_prefix.startswith("/root/"):
        # The user `tandem` has to reach this Python.
        python = quote(sys.base_prefix)
        commands += ["mount -t tmpfs none /mnt", "mkdir /mnt/python", f"mount --bind {python} /mnt/python"]
        commands += ["mount -t tmpfs -o mode=0755 none /root", f"mkdir -p {python}"]
        commands += [f"mount --bind /mnt/python {python}"]
    return [*commands, "mount -o remount,bind,ro /"]


def entry(outside: Outside) -> str:
    """The container's command with its variables and no more capabilities than it has there."""
    service = outside.services["cron"]
    capabilities = ",".join(["-all", *(f"+{name.lower()}" for name in service["cap_add"])])
    path = f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin"
    variables = {**OF_THE_IMAGE, **service["environment"], "TANDEM_VAR": "/var/lib/tandem", "PATH": path}
    words = ["setpriv", "--no-new-privs", f"--bounding-set={capabilities}", "--inh-caps=-all", "env", "-i"]
    words += [f"{name}={value}" for name, value in variables.items()]
    return "exec " + " ".join(map(quote, [*words, *service["command"]]))


@contextmanager
def container(outside: Outside) -> Iterator[subprocess.Popen[bytes]]:
    """The cron host as process 1 of namespaces of its own; everything in them ends with it."""
    script = ["set -e", *users(outside.folder), *mounts(outside), entry(outside)]
    with outside.log_of("cron").open("wb") as log:
        command = ["sh", "-c", "\n".join(script)]
        with namespaces(command, cwd=ROOT, stdout=log, stderr=log) as process:
            yield process


def until(true: Callable[[], bool], process: subprocess.Popen[bytes], outside: Outside) -> None:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while not true():
        log = outside.log_of("cron").read_text(errors="replace")
        assert process.poll() is None, log
        assert time.monotonic() < deadline, log
        time.sleep(0.2)


def rows(outside: Outside, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect((outside.secrets / "database_url").read_text()) as connection:
        return connection.execute(query.encode()).fetchall()


def inside(process: subprocess.Popen[bytes], *words: str) -> str:
    """What a command in the container writes; '' where it fails."""
    first = first_inside(process)
    if first is None:
        return ""
    enter = ["nsenter", "--target", str(first), "--mount", "--pid"]
    done = subprocess.run([*enter, *words], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def is_well(process: subprocess.Popen[bytes], outside: Outside) -> bool:
    kind, text = outside.services["cron"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    # Docker runs it in the image's folder, with the image's variables.
    python = quote(str(Path(sys.executable).parent))
    script = f"cd {quote(str(ROOT))}; export TANDEM_VAR=/var/lib/tandem PATH={python}:$PATH; {text.replace('$$', '$')}"
    return "agent is well" in inside(process, "sh", "-c", script)


def test_debians_cron_runs_a_schedule_as_the_unprivileged_user(outside: Outside) -> None:
    with container(outside) as process:
        until(lambda: is_well(process, outside), process, outside)
        until(lambda: rows(outside, "SELECT name FROM tandem_scheduling_host") == [("cron",)], process, outside)
        # The API's side has no crontab, and finds the one host that has.
        made = outside.once("web", ["python", "manage.py", "shell", "-c", _CREATE])
        assert made.returncode == 0, made.stderr
        query = "SELECT woken_by, host FROM tandem_scheduling_task WHERE status = 'COMPLETED'"
        until(lambda: bool(rows(outside, query)), process, outside)
        assert rows(outside, query)[0] == ("crontab", "cron")

        # Root's are cron's daemon and process 1; all else is `tandem`, and so is the table.
        table = inside(process, "stat", "-c", "%U %a", "/var/spool/cron/crontabs/tandem")
        assert table == "tandem 600\n"
        kept = inside(process, "stat", "-c", "%U %a", "/var/lib/tandem/tandem-cron")
        assert kept == "tandem 700\n"
        wrapper = inside(process, "cat", "/var/lib/tandem/tandem-cron")
        assert "export DATABASE_URL_FILE=/run/secrets/database_url\n" in wrapper
        assert (outside.secrets / "database_url").read_text() not in wrapper

        first = first_inside(process)
        assert first is not None
        os.kill(first, signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0


def test_this_machine_has_what_the_namespaces_need() -> None:
    require("cron")
    assert all(shutil.which(name) for name in ("unshare", "nsenter", "setpriv"))
