"""`python -m tests.chaos`: see `drill`. The exit code is 1 when something differs."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.chaos.chaos_settings")
django.setup()

from tests.chaos.drill import Drill, Wanted  # noqa: E402 - models can be imported once Django is set up


def main() -> int:
    """Run one drill. Its folder is kept when something differs."""
    wanted = _wanted()
    print(
        f"{wanted.database} and {wanted.broker}, {wanted.beats} beats, {wanted.minutes:g} minutes, seed {wanted.seed}"
    )
    folder = Path(tempfile.mkdtemp(prefix="tandem-chaos-"))
    wrong = Drill(wanted, folder).run()
    if not wrong:
        shutil.rmtree(folder)
        print("Nothing differs.")
        return 0
    print(f"{len(wrong)} differences (the logs are in {folder}):")
    print("\n".join(wrong[:100]))
    return 1


def _wanted() -> Wanted:
    parser = argparse.ArgumentParser(prog="dev.py drill chaos", description="A whole stack, load, and random faults.")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="postgres")
    parser.add_argument("--broker", choices=["embedded", "redis", "rabbitmq"], default="redis")
    parser.add_argument("--beats", type=int, default=1, metavar="N")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), metavar="N")
    parser.add_argument("--minutes", type=float, default=3.0, metavar="M")
    parser.add_argument("--only", default="", metavar="WORD", help="only faults with this in their name")
    parser.add_argument("--without", default="", metavar="WORDS", help="no faults with one of these in their name")
    return Wanted(**vars(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
