"""The environment in `.venv`: made from the pinned and hashed files in `requirements/`, mended when it is not whole.

Standard library only: dev.py reads it before there is an environment.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class Failure(Exception):
    """What stops a command: a message for people."""


def environment(root: Path, needed: str) -> Path:
    """The Python of `root/.venv` with everything in requirements/`needed`.txt (`run` or `dev`); made or mended first.

    Raises Failure when that is not possible.
    """
    python = root / ".venv" / "bin" / "python"
    if _whole(root, needed):
        return python
    try:
        with _one_at_a_time(root):
            # Whoever had the lock may just have done it.
            if not _whole(root, needed):
                _build(root, needed)
    except OSError as exc:
        # Not writable, a file where a folder should be, a full disk.
        what = f"{exc.filename or root}: {exc.strerror}"
        raise Failure(f"The environment cannot be made: {what}. Mend that, then try again.") from exc
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
    """Whether the environment's Python starts and is the version of this one, and no file of a package is missing."""
    return _starts(root) and not _lacks_files(root / ".venv")


def _lacks_files(folder: Path) -> bool:
    """Whether a file is missing that a package's RECORD names (PyPA: Recording installed projects), or a RECORD itself.

    pip does not notice: what has a folder of metadata is installed. Compiled files come and go and do not count.
    """
    for metadata in folder.glob("lib/python*/site-packages/*.dist-info"):
        try:
            with (metadata / "RECORD").open(encoding="utf-8", newline="") as record:
                names = [row[0] for row in csv.reader(record) if not row[0].endswith(".pyc")]
        except (OSError, IndexError):  # an installation that was interrupted
            return True
        # Thirteen thousand names: joined as text, which takes a tenth of a second.
        if not all(os.path.exists(f"{metadata.parent}/{name}") for name in names):  # noqa: PTH110 - see above
            return True
    return False


def _starts(root: Path) -> bool:
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
    if not folder.exists() and not folder.is_symlink():
        print("Making the environment in .venv; this takes a minute.", flush=True)
        _make(folder)
    elif not folder.is_dir():
        raise Failure(f"{folder} is a file, where the environment's folder should be: move it away, then try again.")
    elif _usable(root) and runs([*_pip_of(folder), "--version"]):
        print("The environment in .venv is incomplete or out of date: mending it.", flush=True)
        stamp.unlink(missing_ok=True)
    else:
        if folder.is_symlink():
            raise Failure(f"{folder} is a link to what does not work here: remove the link, then try again.")
        print(f"The .venv here is damaged, or not of Python {platform.python_version()}: making it again.", flush=True)
        shutil.rmtree(folder)
        _make(folder)
    requirements = root / "requirements" / f"{needed}.txt"
    quietly(
        [*_pip_of(folder), "install", "--require-hashes", "--disable-pip-version-check", "-r", str(requirements)],
        "The packages could not be installed. Is the package index reachable? What is complete is kept: try again.\n"
        "If pip itself is what is missing, on Debian: apt-get install python3-venv",
    )
    stamp.write_text(json.dumps(_wanted(root, needed)), encoding="utf-8")


def _make(folder: Path) -> None:
    # Debian has ensurepip in a package of its own, python3-venv.
    without_pip = [] if runs([sys.executable, "-c", "import ensurepip"]) else ["--without-pip"]
    quietly([sys.executable, "-m", "venv", *without_pip, str(folder)], "The environment could not be made.")


def _pip_of(folder: Path) -> list[str]:
    """pip: the environment's own, else this Python's at work on the environment."""
    python = str(folder / "bin" / "python")
    own = [python, "-m", "pip"]
    return own if runs([*own, "--version"]) else [sys.executable, "-m", "pip", "--python", python]


def runs(command: Sequence[str]) -> bool:
    """Whether `command` ends with 0. What it says is thrown away."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def quietly(command: Sequence[str], failure: str) -> None:
    """Runs `command` without a word, unless it fails. Raises Failure with all it said and then `failure`."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise Failure(f"{done.stdout}\n{failure}")
