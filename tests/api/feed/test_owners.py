"""Live status shows the tasks of one's own owner only."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from api.bindings import service
from api.feed.admission import visitor_of
from api.feed.connections import Visitor, still_admitted
from api.feed.messages import Update
from api.feed.subscriptions import Subscription
from scheduling import clock
from scheduling.events import log as event_log
from scheduling.events.horizon import Horizon
from scheduling.models import Task
from tests.api.feed.test_admission import scope
from tests.api.tasks.test_reads import a_task
from tests.api.two_owners import owner, somebody
from tests.tokens import token_for

pytestmark = pytest.mark.django_db

RED, BLUE = 1, 2


def owned(number: int) -> Task:
    """A task of this owner, with its first event."""
    task = a_task()
    Task.objects.filter(pk=task.pk).update(owner=number)
    return task


@pytest.mark.parametrize(
    ("access", "seen"), [(None, 3), (frozenset({RED}), 1), (frozenset({RED, BLUE}), 2), (frozenset(), 0)]
)
def test_a_subscription_takes_only_what_its_client_may_see(access: frozenset[int] | None, seen: int) -> None:
    subscription = Subscription(Horizon(0), lambda: None, access)
    for number in (RED, BLUE, None):
        subscription.offer(Update(1, 1, "{}", owner=number))
    assert len(subscription._waiting) == seen


def test_what_was_missed_is_filtered_as_well(db: None) -> None:
    red, blue = owned(RED), owned(BLUE)
    reached, before = event_log.head(), event_log.of_task(red.pk, after=0, limit=1)[0].pk - 1
    found, end = event_log.between(before, reached, limit=10, access=frozenset({RED}))
    assert end == reached.high
    assert {event.task_id for event in found} == {red.pk}
    assert {event.task_id for event in event_log.between(before, reached, limit=10)[0]} == {red.pk, blue.pk}
    assert event_log.last_of(blue.pk, access=frozenset({RED})) is None
    assert event_log.last_of(blue.pk, access=frozenset({BLUE})) is not None


def test_a_long_log_of_others_is_looked_through_in_steps(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "LOOKED_THROUGH", 1)
    others, own = owned(BLUE), owned(RED)
    reached, after = event_log.head(), event_log.of_task(others.pk, after=0, limit=1)[0].pk - 1
    found = []
    while after < reached.high:
        page, after = event_log.between(after, reached, limit=10, access=frozenset({RED}))
        found.append([event.task_id for event in page])
    # Entries of the audit log have numbers of the same sequence.
    assert (found[0], found[-1], max(map(len, found[:-1]))) == ([], [own.pk], 0)


def test_an_event_has_the_owner_of_its_task(db: None) -> None:
    task = owned(BLUE)
    ids = [event.pk for event in event_log.of_task(task.pk, after=0, limit=10)]
    assert [getattr(event, "owner", None) for event in event_log.events(ids)] == [BLUE] * len(ids)


def test_a_connection_ends_when_its_user_is_bound_to_something_else(db: None) -> None:
    one = somebody("alice", bound_to="red").user
    bound = frozenset({owner("red").pk})
    visitor = visitor_of(scope(user=one))
    assert visitor == Visitor(one.pk, None, bound)
    assert still_admitted([visitor]) == {visitor}
    service.bind(owner("blue"), user=one, now=clock.now())
    assert still_admitted([visitor]) == set()


def test_a_connection_of_who_is_bound_to_nothing_shows_nothing_where_that_is_set(db: None, settings: Settings) -> None:
    one, root = somebody("alice", bound_to="red").user, somebody("root").user
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    before = visitor_of(scope(user=one))
    assert before is not None
    service.unbind(owner("red"), user=one, now=clock.now())
    settings.TANDEM_UNBOUND_SEES = "nothing"
    assert still_admitted([before]) == set()
    visitors = [visitor_of(scope(user=User.objects.get(pk=user.pk))) for user in (one, root)]
    assert visitors == [Visitor(one.pk, None, frozenset()), Visitor(root.pk, None, None)]
    assert still_admitted([each for each in visitors if each]) == set(visitors)


def test_a_bound_token_narrows_what_its_user_sees(db: None) -> None:
    one, red = somebody("carol").user, owner("red")
    text = token_for(one, owner=red.pk)
    visitor = visitor_of(scope({"Authorization": f"Bearer {text}"}))
    assert visitor is not None
    assert visitor.access == frozenset({red.pk})
    assert still_admitted([visitor]) == {visitor}
