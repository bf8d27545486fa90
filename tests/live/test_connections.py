"""How many connections each kind of process has at PostgreSQL: the numbers of docs/scale-out.md, counted under load."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import psycopg
import pytest
from django.conf import settings

from scheduling.lifecycle import OPEN, Status
from scheduling.models import Task
from tests.conftest import a_schedule
from tests.live.installation import Installation
from tests.live.watching import Web, message

pytestmark = [pytest.mark.live, pytest.mark.drill]

# Smaller than the defaults, so that each limit is reached.
WEB_PROCESSES: Final = 2
WEB_CONNECTIONS: Final = 3
WORKER_PROCESSES: Final = 3
COMMANDS: Final = 3
CLIENTS: Final = 24
REQUESTS: Final = 240
_ROWS: Final = re.compile(r"^\| (web|worker|beat|cron host) \| [^|]* \| `([^`]+)` \|$", re.MULTILINE)


def promised() -> dict[str, int]:
    """The formulas of the page, for the numbers of this test."""
    page = (settings.BASE_DIR / "docs" / "scale-out.md").read_text(encoding="utf-8")
    numbers = {
        "TANDEM_WEB_CONNECTIONS": WEB_CONNECTIONS,
        "WEB_CONCURRENCY": WEB_PROCESSES,
        "WORKER_CONCURRENCY": WORKER_PROCESSES,
        "commands": COMMANDS,
    }
    found = {}
    for kind, formula in _ROWS.findall(page):
        words = [str(numbers.get(word, word)) for word in formula.split()]
        sums = [word.split(" * ") for word in " ".join(words).split(" + ")]
        found[kind] = sum(int(one[0]) * int(one[1]) if len(one) > 1 else int(one[0]) for one in sums)
    assert found.keys() == {"web", "worker", "beat", "cron host"}
    return found


@contextmanager
def counted(database_url: str) -> Iterator[Counter[str]]:
    """The most connections at a time of each application_name, from the beginning of the block on."""
    most: Counter[str] = Counter()
    over = threading.Event()
    statement = "SELECT application_name, count(*) FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1"

    def count() -> None:
        with psycopg.connect(database_url, autocommit=True) as session:
            while not over.wait(0.02):
                for name, number in session.execute(statement).fetchall():
                    most[name] = max(most[name], number)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def test_no_process_has_more_than_the_page_says(
    on_postgres: Installation, record_property: Callable[[str, object], None]
) -> None:
    there = on_postgres
    plain = there.database_url

    def named(kind: str) -> dict[str, Any]:
        return {"DATABASE_URL": f"{plain}?application_name={kind}".replace(" ", "%20")}

    crontab = {"TANDEM_CRONTAB": f"file:{there.folder / 'crontab'}", "TANDEM_INLINE_CONCURRENCY": str(COMMANDS)}
    job: dict[str, Any] = {"job": "live.append", "parameters": {"path": str(there.runs)}}
    for _ in range(10):
        a_schedule(every=1, overlap="allow", **job)
    with counted(plain) as most, ExitStack() as open_sockets:
        pools: dict[str, Any] = {"WEB_CONCURRENCY": str(WEB_PROCESSES), "TANDEM_WEB_CONNECTIONS": str(WEB_CONNECTIONS)}
        web = Web(there, **named("web"), **pools)
        there.start("manage.py", "beat", **named("beat"))
        there.start("manage.py", "cron_runner", **named("cron host"), **crontab)
        words = ("worker", "-n", "worker@%h", "--concurrency", str(WORKER_PROCESSES))
        there.start("-m", "celery", "-A", "settings.celery", *words, **named("worker"))
        asked = web.post("/api/tasks/", {"name": "watched", **job})
        for _ in range(5):
            message(open_sockets.enter_context(web.watch(f"/ws/tasks/{asked['id']}/")))
        inline = {"name": "inline", "executor": "inline", "job": "demo.process_data", "parameters": {"pause": 1}}
        bodies = [{"name": "one", **job} if number % 20 else inline for number in range(REQUESTS)]
        with ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(lambda body: web.answer("/api/tasks/", body), bodies))
        there.until(lambda: not Task.objects.filter(workflow=None, schedule=None, status__in=OPEN).exists())
    # 503: no connection of the pool was free within its two seconds.
    assert {status for status, _ in answers} <= {201, 503}
    stored = [body for body, (status, _) in zip(bodies, answers, strict=True) if status == 201]
    assert Task.objects.filter(executor="inline", status=Status.COMPLETED).count() == stored.count(inline)
    found = {kind: (most[kind], number) for kind, number in promised().items()}
    record_property("connections counted, and promised", found)
    assert all(0 < counted_most <= number for counted_most, number in found.values()), found
