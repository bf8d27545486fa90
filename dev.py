#!/usr/bin/env python3
"""The one task runner: `python3 dev.py up | test | drill | check | fmt | bench | lock`. Standard library only.

It makes its own environment in `.venv` from the pinned and hashed files in `requirements/`, and repairs it when it is
incomplete or out of date.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - whoever has an older Python gets a sentence, not a SyntaxError
    sys.exit(f"Tandem needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: python3.11 dev.py ...")

import argparse
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent
COUNTS = ("passed", "failed", "errors", "skipped")


class Failure(Exception):
    """What stops a command: a message for people."""


# --- the environment -------------------------------------------------------------------------------------------------


def environment(root: Path, needed: str) -> Path:
    """The Python of `root/.venv` with everything in requirements/`needed`.txt (`run` or `dev`); made or mended first.

    Raises Failure when that is not possible.
    """
    python = root / ".venv" / "bin" / "python"
    if _whole(root, needed):
        return python
    with _one_at_a_time(root):
        # Whoever had the lock may just have done it.
        if not _whole(root, needed):
            _build(root, needed)
    return python


def _wanted(root: Path, needed: str) -> dict[str, str]:
    """What the stamp must hold: the interpreter, and the hash of each file that is installed. dev contains run."""
    names = ("run", "dev") if needed == "dev" else ("run",)
    files = {name: (root / "requirements" / f"{name}.txt").read_bytes() for name in names}
    return {"python": platform.python_version()} | {n: hashlib.sha256(text).hexdigest() for n, text in files.items()}


def _stamp(root: Path) -> dict[str, str]:
    try:
        found = json.loads((root / ".venv" / "tandem.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no stamp, or half of one: the environment is not whole, and that is the answer
        return {}
    return found if isinstance(found, dict) else {}


def _whole(root: Path, needed: str) -> bool:
    return _wanted(root, needed).items() <= _stamp(root).items() and _usable(root)


def _usable(root: Path) -> bool:
    """Whether the environment's Python starts and is the version of this one."""
    python = root / ".venv" / "bin" / "python"
    command = [str(python), "-c", "import platform; print(platform.python_version())"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return False
    return answer.stdout.strip() == platform.python_version()


@contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    (root / "var").mkdir(mode=0o700, exist_ok=True)
    with (root / "var" / "environment.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another dev.py is preparing .venv: waiting for it.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(root: Path, needed: str) -> None:
    folder = root / ".venv"
    stamp = folder / "tandem.json"
    if not folder.exists():
        print("Making the environment in .venv; this takes a minute.", flush=True)
        _make(folder)
    elif _usable(root) and _runs([*_pip_of(folder), "--version"]):
        print("The environment in .venv is incomplete or out of date: mending it.", flush=True)
        stamp.unlink(missing_ok=True)
    else:
        print(f"The .venv here does not work with Python {platform.python_version()}: making it again.", flush=True)
        shutil.rmtree(folder)
        _make(folder)
    requirements = root / "requirements" / f"{needed}.txt"
    _quietly(
        [*_pip_of(folder), "install", "--require-hashes", "--disable-pip-version-check", "-r", str(requirements)],
        "The packages could not be installed. Is the package index reachable? What is complete is kept: try again.\n"
        "If pip itself is what is missing, on Debian: apt-get install python3-venv",
    )
    stamp.write_text(json.dumps(_wanted(root, needed)), encoding="utf-8")


def _make(folder: Path) -> None:
    # Debian has ensurepip in a package of its own, python3-venv.
    without_pip = [] if _runs([sys.executable, "-c", "import ensurepip"]) else ["--without-pip"]
    _quietly([sys.executable, "-m", "venv", *without_pip, str(folder)], "The environment could not be made.")


def _pip_of(folder: Path) -> list[str]:
    """pip: the environment's own, else this Python's at work on the environment."""
    python = str(folder / "bin" / "python")
    own = [python, "-m", "pip"]
    return own if _runs([*own, "--version"]) else [sys.executable, "-m", "pip", "--python", python]


def _runs(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _quietly(command: Sequence[str], failure: str) -> None:
    """Runs `command` without a word, unless it fails. Raises Failure with all it said and then `failure`."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise Failure(f"{done.stdout}\n{failure}")


# --- commands --------------------------------------------------------------------------------------------------------


def up(rest: list[str]) -> int:
    """run everything: web, worker, beat, cron and the embedded broker (--port N, --host ADDRESS, --broker KIND)"""
    python = str(environment(ROOT, "run"))
    os.chdir(ROOT)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.development")
    # In our place, not below us: Ctrl-C and signals reach the supervisor itself.
    os.execv(python, [python, "-m", "stack", *rest])  # noqa: S606 - a list, as S603


def test(rest: list[str]) -> int:
    """run the tests, on SQLite and PostgreSQL; further words go to pytest (then on SQLite only, unless --postgres)"""
    python = str(environment(ROOT, "dev"))
    missing = _missing_after_install()
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        os.environ["TANDEM_REQUIRE_SERVERS"] = "1"
        if missing:
            raise Failure("In CI every server must be there. Missing: " + "; ".join(map(": ".join, missing)))
    arguments = [word for word in rest if word != "--postgres"]
    # Twice as many as cores: many tests wait for the servers and processes that they started.
    pytest = [python, "-m", "pytest", "-n", str(2 * (os.cpu_count() or 1))]
    runs = {"SQLite": [*pytest, *arguments]}
    if not arguments or "--postgres" in rest:
        postgres = [python, "-m", "tests.servers.run_postgres", "--"]
        runs["PostgreSQL"] = [*postgres, *pytest, "-m", "django_db and not live", *arguments]
    if "PostgreSQL" in dict(missing):
        runs.pop("PostgreSQL", None)
    return _run_suites(runs, missing)


def drill(rest: list[str]) -> int:
    """run the drills: long outages and whole stacks, with real servers; further words go to pytest; or chaos --help"""
    _missing_after_install()
    if rest[:1] == ["chaos"]:
        return _call([str(environment(ROOT, "dev")), "-m", "tests.chaos", *rest[1:]])
    return _call([str(environment(ROOT, "dev")), "-m", "pytest", "-m", "drill", "-n", "2", *rest])


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
        if not _runs(install):
            _quietly(["apt-get", "update"], "apt-get update failed.")
            _quietly(install, f"These Debian packages could not be installed: {' '.join(packages)}.")
    return missing()


def check(rest: list[str]) -> int:
    """format, lint, types, import rules, migrations and requirements: everything but the tests"""
    python = str(environment(ROOT, "dev"))
    ruff, imports = (str(Path(python).with_name(name)) for name in ("ruff", "lint-imports"))
    commands = [
        [ruff, "format", "--check", "."],
        [ruff, "check", "."],
        [python, "-m", "mypy", "."],
        [imports, "--no-logo"],
        [python, "manage.py", "makemigrations", "--check", "--dry-run", "--settings", "settings.test"],
        [python, "-m", "pytest", "-q", "tests/test_requirements.py"],
    ]
    failed = [command for command in commands if _call(command, announce=True)]
    for command in failed:
        print(f"FAILED: {' '.join([Path(command[0]).name, *command[1:]])}")
    print("All checks passed." if not failed else f"{len(failed)} of {len(commands)} checks failed.")
    return 1 if failed else 0


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


def lock(rest: list[str]) -> int:
    """write requirements/*.txt anew from pyproject.toml, keeping pins that still fit (--upgrade: the newest)"""
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
    if announce:
        print(f"--- {' '.join([Path(command[0]).name, *command[1:]])}", flush=True)
    return subprocess.run(command, cwd=ROOT, check=False).returncode


COMMANDS = {function.__name__: function for function in (up, test, drill, check, fmt, bench, lock)}


def main() -> int:
    """Returns the exit code of the command."""
    listing = "\n".join(f"  {name:6} {function.__doc__}" for name, function in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="dev.py", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=f"commands:\n{listing}"
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command")
    # Everything behind the command is the command's own, options included.
    arguments = parser.parse_args(sys.argv[1:2])
    if arguments.command in {"check", "fmt"} and sys.argv[2:]:
        parser.error(f"{arguments.command} takes no further words")
    try:
        return COMMANDS[arguments.command](sys.argv[2:])
    except Failure as exc:
        print(exc, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
