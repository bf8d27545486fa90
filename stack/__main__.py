"""Runs the development stack until Ctrl-C. Exit code 0 after a stop that was asked for, 1 otherwise."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import signal
import sys
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from stack import processes
from stack.commands import run_once
from stack.failure import StackError
from stack.local_brokers import KINDS, chosen
from stack.output import Console
from stack.preflight import claim, require_free_port
from stack.processes import Process, Surroundings
from stack.supervisor import Supervisor
from stack.valkey import valkey_server
from stack.welcome import credentials, welcome

_MANAGE = Path(__file__).resolve().parent.parent / "manage.py"


def main() -> int:
    """Returns the exit code; every refusal is one message on stderr."""
    arguments = _arguments()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.development")
    # Lines appear when they are written, not when a buffer is full.
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    try:
        local = chosen(arguments.broker) if arguments.broker else None
        if local is not None:
            # Before the settings are read, and for every process of the stack.
            os.environ["BROKER_URL"] = local.url
        around = _surroundings(arguments.host, arguments.port)
        broker = processes.broker(around) if local is None else local.processes(around.var)
        require_free_port(around.host, around.port)
        lock = claim(around.var)
        if local is not None:
            local.prepare(around.var)
        return asyncio.run(_supervise(around, broker, lock))
    except (ImproperlyConfigured, ImportError, StackError) as exc:
        sys.stderr.write(f"{exc}\n")
        return 1


async def _supervise(around: Surroundings, broker: list[Process], lock: int) -> int:
    plan = [*broker, *processes.services(around)]
    console = Console(sys.stdout, [process.name for process in plan])
    supervisor = Supervisor(console, around.var / "log", keep_open=(lock,))
    work = asyncio.create_task(_run(around, broker, supervisor, console))
    asked = 0

    def stop() -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            console.say("Stopping; once more kills at once.")
            work.cancel()
        else:
            supervisor.kill()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await asyncio.wait({work})
    finally:
        await supervisor.stop()
    if work.cancelled():
        console.say("Everything has stopped.")
        return 0
    work.result()
    return 1


async def _run(around: Surroundings, broker: list[Process], supervisor: Supervisor, console: Console) -> None:
    first_time = not (around.var / "credentials").exists()
    if around.broker_program is not None:
        processes.broker_folder(around.var).mkdir(mode=0o700, exist_ok=True)
    for process in broker:
        await supervisor.start(process)
    manage = (around.python, str(around.manage))
    migrate = run_once([*manage, "migrate", "--no-input"], what="`manage.py migrate`")
    await supervisor.unless_given_up(migrate)
    bootstrap = run_once([*manage, "bootstrap"], what="`manage.py bootstrap`")
    admin = credentials(await supervisor.unless_given_up(bootstrap))
    for process in processes.services(around):
        await supervisor.start(process)
    console.block(welcome(_url(around), admin, first_time=first_time))
    await supervisor.unless_given_up(asyncio.Event().wait())


def _surroundings(host: str, port: int) -> Surroundings:
    return Surroundings(
        python=sys.executable,
        manage=_MANAGE,
        var=settings.VAR,
        broker_program=valkey_server() if settings.BROKER_KIND == "embedded" else None,
        broker_socket=settings.BROKER_SOCKET,
        crontab=settings.TANDEM_CRONTAB,
        host=host,
        port=port,
        unique=secrets.token_hex(4),
    )


def _url(around: Surroundings) -> str:
    host = f"[{around.host}]" if ":" in around.host else around.host
    return f"http://{host}:{around.port}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py up", description="Run the development stack until Ctrl-C.")
    parser.add_argument("--host", default="127.0.0.1", help="the address the web server listens on (%(default)s)")
    parser.add_argument("--port", type=_port, default=8000, help="and its port (%(default)s)")
    parser.add_argument(
        "--broker", choices=KINDS, help="a broker of this machine's own programs instead of the embedded one"
    )
    return parser.parse_args()


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: write a number from 1 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
