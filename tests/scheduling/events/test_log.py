"""Reading the event log."""

from __future__ import annotations

from django.utils import timezone

from scheduling import ledger
from scheduling.events import log as event_log
from scheduling.events.horizon import Horizon
from scheduling.models import Task
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule


def run(task: Task) -> None:
    claimed = ledger.claim(task.pk, 1, worker="test", now=timezone.now())
    assert claimed is not None
    assert ledger.complete(claimed, result={"n": task.pk}, now=timezone.now())


def test_the_end_of_an_empty_log_is_its_beginning(db: None) -> None:
    assert event_log.head().position == event_log.news(event_log.head()).reached.position


def test_what_was_there_before_is_no_news(db: None) -> None:
    old, new = a_task(a_schedule()), a_task(a_schedule())
    run(old)
    since = event_log.head()
    assert event_log.news(since).seen == []
    run(new)
    news = event_log.news(since)
    assert [task_id for _, task_id in news.seen] == [new.pk, new.pk]
    assert [event.number for event in event_log.events(event_id for event_id, _ in news.seen)] == [2, 3]
    assert event_log.news(news.reached).seen == []


def test_what_is_between_two_places_can_be_read_later(db: None) -> None:
    task = a_task(a_schedule())
    since = event_log.head()
    run(task)
    reached = event_log.news(since).reached
    run(a_task(a_schedule()))
    assert [event.number for event in event_log.between(since.position, reached, limit=10)[0]] == [2, 3]
    assert [event.number for event in event_log.between(since.position, reached, limit=1)[0]] == [2]
    assert event_log.between(reached.position, reached, limit=10) == ([], reached.high)


def test_a_reader_that_goes_on_from_page_to_page_meets_each_event_once(db: None) -> None:
    after = event_log.head().position
    run(a_task(a_schedule()))
    reached = event_log.head()
    found = []
    while after < reached.high:
        page, after = event_log.between(after, reached, limit=1)
        found += [event.number for event in page]
    assert found == [1, 2, 3]


def test_an_event_in_a_gap_is_left_to_the_reader_that_meets_it_later(db: None) -> None:
    run(task := a_task(a_schedule()))
    first, gap, last = (event.pk for event in event_log.of_task(task.pk, after=0, limit=3))
    page, end = event_log.between(first - 1, Horizon(last, {gap: 1}), limit=10)
    assert ([event.pk for event in page], end) == ([first, last], last)


def test_a_task_is_read_with_its_last_event(db: None) -> None:
    task = a_task(a_schedule())
    run(task)
    last = event_log.last_of(task.pk)
    assert last is not None
    assert (last.number, last.status, last.task.result) == (3, "COMPLETED", {"n": task.pk})
    assert event_log.last_of(task.pk + 1) is None
    assert [event.number for event in event_log.of_task(task.pk, after=1, limit=1)] == [2]
