"""Reading the event log of PostgreSQL, where events appear out of the order of their ids."""

from __future__ import annotations

import psycopg
import pytest
from django.utils import timezone

from scheduling import ledger
from scheduling.events import log as event_log
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.live.installation import Installation

pytestmark = pytest.mark.live


def test_gaps_that_a_full_batch_left_out_are_read_with_the_next(
    on_postgres: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, early = a_task(a_schedule()), a_task(a_schedule())
    since = event_log.head()
    with psycopg.connect(on_postgres.database_url) as open_transaction:
        open_transaction.execute("UPDATE tandem_scheduling_task SET events = 3 WHERE id = %s", [late.pk])
        open_transaction.execute(
            "INSERT INTO tandem_scheduling_taskevent (task_id, number, at, status, detail)"
            " VALUES (%(task)s, 2, now(), 'RUNNING', '{}'), (%(task)s, 3, now(), 'RUNNING', '{}')",
            {"task": late.pk},
        )
        assert ledger.claim(early.pk, 1, worker="me", now=timezone.now())
        news = event_log.news(since)
        assert [task_id for _, task_id in news.seen] == [early.pk]
        assert len(news.reached.gaps) == 2
        open_transaction.commit()
    # Both gaps can be filled now, and no batch has room for more than one of them.
    monkeypatch.setattr(event_log, "BATCH", 1)
    found = []
    while (news := event_log.news(news.reached)).seen:
        found += [event.number for event in event_log.events(event_id for event_id, _ in news.seen)]
    assert found == [2, 3]
    assert not news.reached.gaps
