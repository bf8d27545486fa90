"""The development stack from its first process to its last, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from stack import processes
from stack.broker_address import offered
from stack.commands import run_once
from stack.failure import StackError
from stack.local_brokers import chosen
from stack.output import Console
from stack.preflight import claim, require_free_port
from stack.processes import Process, Surroundings
from stack.supervisor import Supervisor
from stack.valkey import valkey_server
from stack.welcome import credentials, welcome

_MANAGE = Path(__file__).resolve().parent.parent / "manage.py"


def run(arguments: argparse.Namespace) -> int:
    """Run it as `arguments` say (stack/arguments.py); the exit code. Every refusal is one message on stderr."""
    try:
        local = chosen(arguments.broker) if arguments.broker else None
        if local is not None:
            # Before the settings are read, and for every process of the stack.
            os.environ["BROKER_URL"] = local.url
        around = _surroundings(arguments.host, arguments.port)
        broker = processes.broker(around) if local is None else local.processes(around.var)
        require_free_port(around.host, around.port)
        with ExitStack() as held:
            lock = claim(around.var)
            if local is not None:
                local.prepare(around.var)
                held.enter_context(offered(around.var, local.url))
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
        console.say(f"Starting {process.name}.")
        await supervisor.start(process)
    console.say("Preparing the database.")
    manage = (around.python, str(around.manage))
    migrate = run_once([*manage, "migrate", "--no-input"], what="`manage.py migrate`")
    await supervisor.unless_given_up(migrate)
    bootstrap = run_once([*manage, "bootstrap"], what="`manage.py bootstrap`")
    admin = credentials(await supervisor.unless_given_up(bootstrap))
    for process in processes.services(around):
        console.say(f"Starting {process.name}.")
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
