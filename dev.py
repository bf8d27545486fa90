#!/usr/bin/env python3
"""The one task runner: `python3 dev.py up | manage | test | drill | check | bench | ...`; `dev.py --help` lists all.

Standard library only: it makes its own environment in `.venv` (stack/environment.py).
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - whoever has an older Python gets a sentence, not a SyntaxError
    sys.exit(f"Tandem needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: python3.11 dev.py ...")

import argparse
import inspect
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from stack import arguments
from stack.environment import Failure, environment, quietly, runs

ROOT = Path(__file__).resolve().parent
CODE = ("api", "backends", "dashboard", "jobs", "scheduling", "settings", "stack", "dev.py", "manage.py")
COUNTS = ("passed", "failed", "errors", "skipped")


def up(rest: list[str]) -> int:
    """run everything: web, worker, beat, cron and broker (--port N, --host ADDRESS, --broker KIND)"""
    # Its help and its refusals need no environment.
    arguments.parser().parse_args(rest)
    python = str(environment(ROOT, "run"))
    os.chdir(ROOT)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.development")
    # Ctrl-C waits until the supervisor can answer it: Python itself would show a traceback while it starts.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    # In our place, not below us: Ctrl-C and signals reach the supervisor itself.
    os.execv(python, [python, "-m", "stack", *rest])  # noqa: S606 - a list, as S603


def manage(rest: list[str]) -> int:
    """run manage.py, Django's command line: doctor, review, shell and more

    Beside a running `up` it uses the same database and broker. `dev.py manage help` lists all its commands.
    """
    python = str(environment(ROOT, "run"))
    os.execv(python, [python, str(ROOT / "manage.py"), *rest])  # noqa: S606 - a list, as S603


def test(rest: list[str]) -> int:
    """run the tests, on SQLite and PostgreSQL; further words go to pytest

    With words for pytest the tests run on SQLite only; --postgres adds PostgreSQL. On Debian, as root, the servers that
    the tests start are installed first. `dev.py test -- --help` shows pytest's own options.
    """
    python = str(environment(ROOT, "dev"))
    missing = _missing_after_install()
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        os.environ["TANDEM_REQUIRE_SERVERS"] = "1"
        if missing:
            raise Failure("In CI every server must be there. Missing: " + "; ".join(map(": ".join, missing)))
    # Images for Docker set it often. A thousand processes are started here, and each would compile all the code again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    words = [word for word in rest if word not in {"--", "--postgres"}]
    cores = os.cpu_count() or 1
    # Twice as many as cores: many tests wait for the servers and processes that they started.
    runs = {"SQLite": [*_side_by_side(python, 2 * cores), *words]}
    if not words or "--postgres" in rest:
        # These wait only for the database, and each process has all tests to collect and a database to make.
        postgres = [python, "-m", "tests.servers.run_postgres", "--", *_side_by_side(python, cores + 1)]
        runs["PostgreSQL"] = [*postgres, "-m", "django_db and not live", *words]
    if "PostgreSQL" in dict(missing):
        runs.pop("PostgreSQL", None)
    return _run_suites(runs, missing)


def _side_by_side(python: str, processes: int) -> list[str]:
    return [python, "-m", "pytest", "-n", str(processes), "--dist", "worksteal"]


def drill(rest: list[str]) -> int:
    """run the drills: long outages and whole stacks, with real servers; further words go to pytest

    Two are commands of their own: `drill chaos --help`, and `drill compose --help`, which starts the compose files.
    """
    if rest[:1] == ["compose"]:
        return _call([str(environment(ROOT, "dev")), "-m", "tests.compose", *rest[1:]])
    _missing_after_install()
    if rest[:1] == ["chaos"]:
        return _call([str(environment(ROOT, "dev")), "-m", "tests.chaos", *rest[1:]])
    return _call([str(environment(ROOT, "dev")), "-m", "pytest", "-m", "drill", "-n", "2", *rest])


def mutate(rest: list[str]) -> int:
    """make small mistakes in the core, one at a time, and print those that no test notices (--sample N --seed S)"""
    return _call([str(environment(ROOT, "dev")), "-m", "tests.mutation", *rest])


def _run_suites(runs: dict[str, list[str]], missing: list[tuple[str, str]]) -> int:
    codes, totals = [], dict.fromkeys(COUNTS, 0)
    with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
        for database, command in runs.items():
            print(f"\n=== The tests on {database} ===", flush=True)
            report = Path(folder) / f"{database}.xml"
            codes.append(_call([*command, f"--junitxml={report}"]))
            for name, count in _counts(report).items():
                totals[name] += count
    for server, how in missing:
        print(f"Not tested, because {server} is missing: {how}.")
    # One truth for all runs, as the last line; a run that broke down altogether has counted nothing.
    worst = max(codes)
    print(", ".join(f"{totals[name]} {name}" for name in COUNTS) + (f"; exit code {worst}" if worst else ""))
    return worst


def _counts(report: Path) -> dict[str, int]:
    if not report.exists():
        return {"errors": 1}
    suites = list(ET.parse(report).getroot().iter("testsuite"))  # noqa: S314 - pytest has just written it
    total, *bad = (sum(int(suite.get(n, 0)) for suite in suites) for n in ("tests", "failures", "errors", "skipped"))
    return dict(zip(COUNTS, (total - sum(bad), *bad), strict=True))


def _missing_after_install() -> list[tuple[str, str]]:
    """The servers tests cannot use here; on Debian, as root, their packages are installed first."""
    from tests.servers.programs import missing, not_installed  # noqa: PLC0415 - a file of this checkout, not of Python

    packages = [server.package for server in not_installed()]
    if packages and os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get"):
        print(f"Installing Debian packages for the tests: {' '.join(packages)}", flush=True)
        # RUNLEVEL=1 keeps Debian from starting the services: tests start their own, on ports of their own.
        quiet = ["env", "RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive"]
        install = [*quiet, "apt-get", "install", "-y", "--no-install-recommends", *packages]
        if not runs(install):
            quietly(["apt-get", "update"], "apt-get update failed.")
            quietly(install, f"These Debian packages could not be installed: {' '.join(packages)}.")
    return missing()


def check(rest: list[str]) -> int:
    """format, lint, types, import rules, security, migrations and requirements: everything but the tests"""
    python = str(environment(ROOT, "dev"))
    ruff, imports = (str(Path(python).with_name(name)) for name in ("ruff", "lint-imports"))
    commands = [
        [ruff, "format", "--check", "."],
        [ruff, "check", "."],
        [python, "-m", "mypy", "."],
        [imports, "--no-logo"],
        # From medium severity on. Ruff's rules S hold the others.
        [python, "-m", "bandit", "-q", "-ll", "-c", "pyproject.toml", "-r", *CODE],
        [python, "manage.py", "makemigrations", "--check", "--dry-run", "--settings", "settings.test"],
        [python, "-m", "pytest", "-q", "tests/test_requirements.py"],
    ]
    failed = [command for command in commands if _call(command, announce=True)]
    for command in failed:
        print(f"FAILED: {' '.join([Path(command[0]).name, *command[1:]])}")
    print("All checks passed." if not failed else f"{len(failed)} of {len(commands)} checks failed.")
    return 1 if failed else 0


def audit(rest: list[str]) -> int:
    """ask PyPI which of the pinned packages have known vulnerabilities; fails where it cannot be asked"""
    # In an environment of its own: it brings two dozen packages, pip among them.
    uvx = [str(environment(ROOT, "dev").parent / "uv"), "tool", "run", "--from", "pip-audit==2.10.1", "pip-audit"]
    return _call([*uvx, "--strict", "--require-hashes", "--disable-pip", "-r", "requirements/run.txt", *rest])


def fmt(rest: list[str]) -> int:
    """format the code and mend what ruff can mend by itself"""
    ruff = str(environment(ROOT, "dev").parent / "ruff")
    return max(_call([ruff, "check", "--fix", "."]), _call([ruff, "format", "."]))


def bench(rest: list[str]) -> int:
    """run all benchmarks, or the one named"""
    known = sorted(path.stem for path in (ROOT / "benchmarks").glob("[a-z]*.py"))
    if not set(names := rest[:1] or known) <= set(known):
        raise Failure(f"There is no such benchmark. There are: {', '.join(known)}.")
    python = str(environment(ROOT, "dev"))
    return max(_call([python, "-m", f"benchmarks.{name}", *rest[1:]]) for name in names)


def screenshots(rest: list[str]) -> int:
    """make the pictures of the dashboard, wide and narrow, light and dark, in var/pictures (--docs, --only NAME)

    With --docs those that the documentation shows are written to docs/pictures/ as well.
    """
    _missing_after_install()
    return _call([str(environment(ROOT, "dev")), "-m", "tests.browser.pictures", *rest])


def client(rest: list[str]) -> int:
    """generate a Python package that calls the REST API, from its OpenAPI document (--to FOLDER)"""
    # Its paths are those of whoever calls.
    command = [str(environment(ROOT, "dev")), str(ROOT / "stack" / "client.py"), *rest]
    return subprocess.run(command, check=False).returncode


def lock(rest: list[str]) -> int:
    """write requirements/*.txt anew from pyproject.toml, keeping pins that still fit (--upgrade: the newest)

    Further words go to `uv pip compile`.
    """
    # Users install from mirrors of their own: no index address belongs into the files.
    flags = ["--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"]
    uv = [str(environment(ROOT, "dev").parent / "uv"), "pip", "compile", *flags, "--no-annotate", "--no-header", *rest]
    files = {
        "requirements/run.txt": ["pyproject.toml"],
        "requirements/dev.txt": ["pyproject.toml", "--group", "dev"],
        "docker/flower.txt": ["docker/flower.in", "-c", "requirements/run.txt"],
    }
    return max(_call([*uv, *words, "-o", name]) for name, words in files.items())


def _call(command: list[str], *, announce: bool = False) -> int:
    """The command's exit code. Ctrl-C reaches it as well; it has the time to end what it has started."""
    if announce:
        print(f"--- {' '.join([Path(command[0]).name, *command[1:]])}", flush=True)
    interrupted = False
    with subprocess.Popen(command, cwd=ROOT) as process:
        while process.returncode is None:
            try:
                process.wait()
            except KeyboardInterrupt:
                interrupted = True
    if interrupted:
        raise KeyboardInterrupt
    return process.returncode


COMMANDS = {
    function.__name__: function
    for function in (up, manage, test, drill, mutate, check, audit, fmt, bench, screenshots, client, lock)
}
WORDLESS = {"check", "fmt"}


def main() -> int:
    """Returns the exit code of the command."""
    listing = "\n".join(f"  {name:11} {_about(name).splitlines()[0]}" for name in COMMANDS)
    parser = argparse.ArgumentParser(
        prog="dev.py",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"commands:\n{listing}\n\ndev.py COMMAND --help says more about one of them.",
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command")
    # Everything behind the command is the command's own, options included.
    name, rest = parser.parse_args(sys.argv[1:2]).command, sys.argv[2:]
    if rest and rest[0] in {"-h", "--help"} and name != "up":
        print(f"usage: dev.py {name}{'' if name in WORDLESS else ' [WORD ...]'}\n\n{_about(name)}")
        return 0
    if rest and name in WORDLESS:
        parser.error(f"{name} takes no further words")
    try:
        return COMMANDS[name](rest)
    except Failure as exc:
        print(exc, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


def _about(name: str) -> str:
    return inspect.getdoc(COMMANDS[name]) or ""


if __name__ == "__main__":
    sys.exit(main())
