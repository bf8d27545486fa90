"""Many requests for schedules of one crontab at the same time, to a real web process and Debian's real `crontab`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from backends.crontab.block import split
from backends.crontab.installation import owner
from backends.crontab.targets import UserTarget
from scheduling.models import Schedule, SyncState
from tests.live.installation import Installation
from tests.live.watching import Web
from tests.servers import user_crontab
from tests.servers.plugin import require

pytestmark = [pytest.mark.live, pytest.mark.shares("the user's crontab"), pytest.mark.timeout(300)]

FOREIGN = b"MAILTO=root\r\n17 4 * * * /bin/true # somebody's\n"
# Seconds. Each of them waits for the writes of those before it, one after the other.
PATIENCE = 120.0


@pytest.fixture
def web(on_postgres: Installation, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A web process that writes the user's crontab."""
    require("cron")
    settings.VAR = on_postgres.folder
    monkeypatch.setenv("TANDEM_CRONTAB", "user")
    with user_crontab.borrowed(FOREIGN):
        yield Web(on_postgres)
        on_postgres.close()


# Debian's crontab waits for the next second where two tables would have the time of the same one.
@pytest.mark.parametrize("many", [20, pytest.param(100, marks=pytest.mark.drill)])
def test_schedules_that_are_asked_for_at_once_all_have_their_line(
    web: Web, on_postgres: Installation, many: int
) -> None:
    expressions = [f"{number % 60} {number // 60} * * *" for number in range(many)]

    def ask(cron: str) -> int:
        body = {"name": cron, "job": "demo.process_data", "backend": "crontab", "cron": cron}
        # The pool of connections is small: 503 asks to try again, and here it says that nothing was stored.
        while (answer := web.answer("/api/schedules/", body, patience=PATIENCE)[0]) == 503:
            time.sleep(0.2)
        return answer

    with ThreadPoolExecutor(many) as asking:
        assert set(asking.map(ask, expressions)) == {201}
    assert sorted(Schedule.objects.values_list("cron", flat=True)) == sorted(expressions)
    table = user_crontab.below_header()
    parts = split(table, owner(UserTarget()))
    assert parts.foreign == FOREIGN
    lines = parts.block.decode().splitlines()
    assert [sum(line.startswith(f"{cron} ") for line in lines) for cron in expressions] == [1] * len(expressions)
    # Who waited too long for the lock was told so, although a later one wrote the line: the agent sees that.
    assert on_postgres.start("manage.py", "crontab_agent", "--once").wait() == 0
    assert set(Schedule.objects.values_list("sync_state", flat=True)) == {SyncState.IN_SYNC}
    assert user_crontab.below_header() == table
