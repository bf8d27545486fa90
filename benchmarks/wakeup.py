"""What a wake-up of cron costs: Tandem with and without its agent, beside plain Django and django-crontab's way.

    python3 dev.py bench wakeup

The contenders run in turn, in the same run; each figure is the median. CPU includes what the agent spends. An empty
Django project stands for both others: `manage.py check` is plain Django, and a command that looks a job up by its hash,
imports it and calls it is what django-crontab's `manage.py crontab run HASH` does.

Then 300 schedules are due in one minute, woken by one line, and by 300 lines at once: the seconds until the last one
has started, and the most memory that all processes had together.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
RUNS = 7
MANY = 300
PLAIN_COMMAND = """
import hashlib, json
from importlib import import_module
from django.core.management.base import BaseCommand

JOBS = [["*/5 * * * *", "plain.jobs.nothing"]]

class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("subcommand")
        parser.add_argument("hash")

    def handle(self, *args, **options):
        by_hash = {hashlib.md5(json.dumps(job).encode()).hexdigest(): job for job in JOBS}
        module, name = by_hash.get(options["hash"], JOBS[0])[1].rsplit(".", 1)
        getattr(import_module(module), name)()
"""


def environment(folder: Path) -> dict[str, str]:
    """The variables of an installation in `folder`."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "settings.development",
        "DATABASE_URL": f"sqlite:///{folder / 'tandem.sqlite3'}",
        "TANDEM_VAR": str(folder),
        "TANDEM_CRONTAB": f"file:{folder / 'crontab'}",
        "LOG_LEVEL": "WARNING",
    }


def installation(folder: Path) -> Path:
    """The wrapper of a new installation without schedules."""
    folder.mkdir()
    for words in (["migrate", "--verbosity", "0"], ["crontab_agent", "--once"], ["due", "--run"]):
        subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=environment(folder), check=True)
    return folder / "tandem-cron"


def plain_project(folder: Path) -> Path:
    """The manage.py of an empty Django project with the command `crontab run HASH`."""
    subprocess.run([sys.executable, "-m", "django", "startproject", "plain", str(folder.parent)], check=True)
    commands = folder / "management" / "commands"
    commands.mkdir(parents=True)
    (commands / "crontab.py").write_text(PLAIN_COMMAND)
    (folder / "jobs.py").write_text("def nothing():\n    pass\n")
    settings = folder / "settings.py"
    settings.write_text(settings.read_text() + "\nINSTALLED_APPS.append('plain')\n")
    return folder.parent / "manage.py"


@contextmanager
def agent(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An agent that answers, and has done its first round."""
    command = [sys.executable, "manage.py", "crontab_agent"]
    with subprocess.Popen(command, cwd=ROOT, env=environment(folder)) as process:
        try:
            while not (folder / "agent" / "socket").exists():
                time.sleep(0.1)
            time.sleep(3)
            yield process
        finally:
            process.terminate()


def cpu_of(pid: int) -> float:
    """Milliseconds of CPU of a living process (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def once(command: list[str], folder: Path) -> tuple[float, float]:
    """Milliseconds of CPU and MB at the peak of one run."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return (used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss / 1024


def memory() -> float:
    """MB of all our descendants together; what they share counts once."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            children.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(int(path.parent.name))
        except (OSError, IndexError):
            continue  # it has just ended
    total, waiting = 0, [os.getpid()]
    while waiting:
        for child in children.get(waiting.pop(), []):
            waiting.append(child)
            try:
                lines = Path(f"/proc/{child}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue  # as above
            total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return total / 1024


def burst(folder: Path, lines: int) -> tuple[float, float]:
    """Seconds until the last of MANY due schedules has started, and MB at the peak, woken by `lines` lines."""
    load = [sys.executable, "-m", "benchmarks._wakeup_load"]
    subprocess.run([*load, "due", str(MANY)], cwd=ROOT, env=environment(folder), check=True)
    begun, most = time.time(), 0.0
    clients = [subprocess.Popen([str(folder / "tandem-cron"), "due"]) for _ in range(lines)]
    with subprocess.Popen(
        [*load, "wait", str(MANY)], cwd=ROOT, env=environment(folder), stdout=subprocess.PIPE
    ) as last:
        while last.poll() is None:
            most = max(most, memory())
            # A look at all processes is work, too.
            time.sleep(1)
        started = json.loads(last.stdout.read()) if last.stdout else 0.0
    for client in clients:
        client.wait()
    return started - begun, most


def main() -> None:
    """Print the two tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with_agent, alone = (installation(folder / part) for part in ("with", "alone"))
        plain = [sys.executable, str(plain_project(folder / "plain"))]
        contenders = {
            "Tandem, the agent answers": [str(with_agent), "due"],
            "Tandem, without an agent": [str(alone), "due"],
            "empty Django project, manage.py check": [*plain, "check"],
            "the same, django-crontab's way": [*plain, "crontab", "run", "hash"],
        }
        with agent(folder / "with") as resident:
            found: dict[str, list[tuple[float, float]]] = {title: [] for title in contenders}
            for _ in range(RUNS):
                for title, command in contenders.items():
                    before = cpu_of(resident.pid)
                    cpu, mb = once(command, folder)
                    of_agent = cpu_of(resident.pid) - before if command[0] == str(with_agent) else 0.0
                    found[title].append((cpu + of_agent, mb))
            print(f"{'a wake-up that finds nothing':<42}{'CPU (ms)':>10}{'peak (MB)':>11}")
            for title, figures in found.items():
                cpu, mb = (median(column) for column in zip(*figures, strict=True))
                print(f"{title:<42}{cpu:>10.0f}{mb:>11.0f}")
            print(f"\n{f'{MANY} schedules in one minute':<42}{'last (s)':>10}{'all (MB)':>11}")
            for title, lines in {"one line": 1, f"{MANY} lines": MANY}.items():
                seconds, mb = burst(folder / "with", lines)
                print(f"{title:<42}{seconds:>10.1f}{mb:>11.0f}")


if __name__ == "__main__":
    main()
