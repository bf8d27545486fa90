"""What `dev.py up` can be told. Standard library only: dev.py answers `up --help` before there is an environment."""

from __future__ import annotations

import argparse
from typing import Final, Literal

LocalBrokerKind = Literal["redis", "rabbitmq"]

KINDS: Final[tuple[LocalBrokerKind, ...]] = ("redis", "rabbitmq")


def parser() -> argparse.ArgumentParser:
    """Gives `host`, `port`, and `broker`, which is None or one of KINDS."""
    made = argparse.ArgumentParser(
        prog="dev.py up",
        description="Run the development stack until Ctrl-C: web, worker, beat, cron and broker.",
        epilog="Everything is kept under var/; the environment variable TANDEM_VAR names another folder.",
        allow_abbrev=False,
    )
    made.add_argument("--host", default="127.0.0.1", help="the address the web server listens on (%(default)s)")
    made.add_argument("--port", type=_port, default=8000, help="and its port (%(default)s)")
    made.add_argument("--broker", choices=KINDS, help="run a server installed here instead of the embedded broker")
    return made


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: write a number from 1 to 65535")
    return int(text)
