"""`python -m tests.compose`: see `drill`. The exit code is 1 when something was wrong."""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from stack.environment import Failure
from tests.compose import machine, rootfs
from tests.compose.isolation import remove_cgroups, room
from tests.compose.steps import PARTS

ROOT: Final = Path(__file__).resolve().parents[2]
# What is costly to make, and does not change from run to run: delete it to have it made anew.
KEPT: Final = ROOT / "var" / "compose"
BROKERS: Final = ("redis", "rabbitmq")


def main() -> int:
    """Make the room, run the drill in it, and leave nothing behind but what is kept for the next run."""
    wanted = _wanted()
    # As Ctrl-C: what is left on the machine is removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"Brokers: {', '.join(wanted.broker)}; parts: {', '.join(wanted.only)}; seed {wanted.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="tandem-compose-"))
    name = folder.name
    try:
        machine.prepare()
        KEPT.mkdir(parents=True, exist_ok=True)
        print("The root of the engine (the first time it takes minutes) ...", flush=True)
        root = rootfs.engine_root(KEPT)
        _copy(folder / "checkout")
        given = {"folder": str(folder), "kept": str(KEPT), "root": str(root), "cgroup": name}
        given |= {"brokers": wanted.broker, "parts": wanted.only, "seed": wanted.seed}
        inner = [sys.executable, "-m", "tests.compose.inside", json.dumps(given)]
        with room(inner, root / "usr/bin/docker-init") as process:
            return process.wait()
    except Failure as exc:
        print(exc, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    finally:
        remove_cgroups(name)
        shutil.rmtree(folder)


def _copy(to: Path) -> None:
    """The files of the checkout that git knows, or would take: the drill writes secrets, and a further migration."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def _wanted() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dev.py drill compose", description="Start the compose files with a real engine, and do harm to them."
    )
    parser.add_argument("--broker", action="append", choices=BROKERS, help="only this one")
    parser.add_argument("--only", action="append", choices=[*PARTS], help="only this part, after the start")
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(1_000_000), metavar="N", help="the order of the harm"
    )
    wanted = parser.parse_args()
    wanted.broker = wanted.broker or [*BROKERS]
    wanted.only = wanted.only or [*PARTS]
    return wanted


if __name__ == "__main__":
    sys.exit(main())
