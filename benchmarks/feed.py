"""How long an event of the ledger takes to a thousand open sockets.

    python3 dev.py bench feed [SOCKETS]

One uvicorn process and the embedded broker, on SQLite and (if it is installed) on PostgreSQL. Two patterns: each socket
follows one task, so that each event goes to one client; and all sockets follow all tasks, so that each event goes to
all clients. It prints the time from just before the event's transaction until the client has the message, and the
server's CPU time and memory.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.servers.postgres import PostgresServer  # noqa: E402 - after the path to it
from tests.servers.programs import program  # noqa: E402 - as above
from tests.servers.redis_like import ValkeyServer  # noqa: E402 - as above

SOCKETS: Final = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
TASK_EVENTS: Final = 150
FEED_EVENTS: Final = 6
PAUSE: Final = 0.02
FEED_PAUSE: Final = 0.4


def main() -> None:
    """Print the table. In a process with `FEED_BENCH` in its environment: measure one column and print it as JSON."""
    if "FEED_BENCH" in os.environ:
        sys.stdout.write(json.dumps(measure()) + "\n")
        return
    columns = {"SQLite": in_process_of_its_own("sqlite")}
    if program("postgres") is not None:
        columns["PostgreSQL"] = in_process_of_its_own("postgresql")
    print(f"{f'{SOCKETS} open sockets':<44}" + "".join(f"{name:>12}" for name in columns))
    for line in columns["SQLite"]:
        print(f"{line:<44}" + "".join(f"{column[line]:>12,.1f}" for column in columns.values()))


def in_process_of_its_own(kind: str) -> dict[str, float]:
    """One column of the table, measured in a new process."""
    with ExitStack() as stack:
        var = tempfile.mkdtemp(prefix="tandem-bench-")
        stack.callback(shutil.rmtree, var)
        broker = stack.enter_context(ValkeyServer())
        url = f"sqlite:///{var}/bench.sqlite3"
        if kind == "postgresql":
            url = stack.enter_context(PostgresServer()).url
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "settings.test",
            "TANDEM_TEST_OWNER": "alone",
            "TANDEM_VAR": var,
            "DATABASE_URL": url,
            "BROKER_URL": broker.url,
            "LOG_LEVEL": "WARNING",
            "FEED_BENCH": kind,
            "TANDEM_LIVE_CONNECTIONS": str(2 * SOCKETS),
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=environment, check=True)
        done = subprocess.run(
            [sys.executable, __file__, str(SOCKETS)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True
        )
    rates: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return rates


def measure() -> dict[str, float]:
    """All measurements, on the database and the broker of the environment."""
    import django  # noqa: PLC0415 - only this process has settings

    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415 - after setup()

    from tests.servers.server import free_port  # noqa: PLC0415 - as above
    from tests.tokens import token_for  # noqa: PLC0415 - as above

    token = token_for(User.objects.create_superuser("bench"))
    port = free_port()
    options = ["--port", str(port), "--ws-per-message-deflate", "false"]
    web = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "settings.asgi:application", *options], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    try:
        return asyncio.run(Watchers(f"ws://127.0.0.1:{port}/ws/tasks/", token, web.pid).measure())
    finally:
        web.terminate()
        web.wait()


class Watchers:
    """Clients in this process. They record how long each event took to each of them."""

    def __init__(self, address: str, token: str, server: int) -> None:
        self._address, self._token, self._server = address, token, server
        self._sent: dict[tuple[int, int], float] = {}
        self._taken: list[float] = []
        self._expected = 0
        self._all_taken = asyncio.Event()

    async def measure(self) -> dict[str, float]:
        """The times of both patterns, and the server's CPU time and memory."""
        tasks = await asyncio.to_thread(running_tasks, SOCKETS)
        begun = time.monotonic()
        async with AsyncExitStack() as stack:
            await self._follow(stack, [f"{task.pk}/" for task in tasks])
            connected = time.monotonic() - begun
            one = await self._round(tasks[:TASK_EVENTS], 1, PAUSE)
        async with AsyncExitStack() as stack:
            await self._follow(stack, [""] * SOCKETS)
            memory, cpu = memory_of(self._server), cpu_seconds(self._server)
            all_of_them = await self._round(tasks[:FEED_EVENTS], SOCKETS, FEED_PAUSE)
            cpu = cpu_seconds(self._server) - cpu
        return {
            "connecting all of them, s": connected,
            "one task each: p50, ms": one[len(one) // 2] * 1000,
            "one task each: p99, ms": one[len(one) * 99 // 100] * 1000,
            "all on the feed: p50, ms": all_of_them[len(all_of_them) // 2] * 1000,
            "all on the feed: p99, ms": all_of_them[len(all_of_them) * 99 // 100] * 1000,
            "all on the feed: server's CPU, ms an event": cpu / FEED_EVENTS * 1000,
            "server's memory, MB": memory / 1e6,
        }

    async def _follow(self, stack: AsyncExitStack, paths: list[str]) -> None:
        from websockets.asyncio.client import connect  # noqa: PLC0415 - as above

        at_once = asyncio.Semaphore(50)
        headers = {"Authorization": f"Bearer {self._token}"}

        async def follow(path: str) -> None:
            async with at_once:
                client = await stack.enter_async_context(
                    connect(
                        self._address + path, additional_headers=headers, open_timeout=60, close_timeout=1, proxy=None
                    )
                )
                if path:
                    await client.recv()
            watcher = asyncio.create_task(self._watch(client))
            stack.callback(watcher.cancel)

        await self._until_up()
        await asyncio.gather(*(follow(path) for path in paths))

    async def _until_up(self) -> None:
        host, port = self._address.removeprefix("ws://").partition("/")[0].split(":")
        while True:
            try:
                _, writer = await asyncio.open_connection(host, int(port))
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return

    async def _watch(self, client: Any) -> None:
        async for text in client:
            now = time.monotonic()
            told = json.loads(text)
            if begun := self._sent.get((told["task"], told["event"])):
                self._taken.append(now - begun)
                if len(self._taken) == self._expected:
                    self._all_taken.set()

    async def _round(self, tasks: list[Any], clients: int, pause: float) -> list[float]:
        """Write an event for each task. Returns the seconds from event to client, for each client, ascending."""
        self._taken, self._expected = [], len(tasks) * clients
        self._all_taken.clear()
        for task in tasks:
            await asyncio.to_thread(self._report, task)
            await asyncio.sleep(pause)
        async with asyncio.timeout(30):
            await self._all_taken.wait()
        return sorted(self._taken)

    def _report(self, task: Any) -> None:
        from django.utils import timezone  # noqa: PLC0415 - as above

        from scheduling import ledger  # noqa: PLC0415 - as above

        task.events += 1
        self._sent[task.pk, task.events] = time.monotonic()
        ledger.progress(task, done=1, total=2, message="half", now=timezone.now())


def running_tasks(count: int) -> list[Any]:
    """Tasks that are RUNNING in the ledger; no process runs them."""
    from django.utils import timezone  # noqa: PLC0415 - as above

    from scheduling import ledger  # noqa: PLC0415 - as above
    from scheduling.models import Task  # noqa: PLC0415 - as above

    now = timezone.now()
    made = [Task(name="bench", job="demo.process_data", status="RUNNING", executor="worker") for _ in range(count)]
    return ledger.record(made, now)


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used so far, in seconds (proc(5): utime and stime, in ticks)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> int:
    """The resident memory of a process, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
