"""Inside a snapshot every query sees the same state, nobody can write, and others can."""

from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from scheduling.models import Host
from scheduling.verification.snapshot import snapshot


def add(name: str) -> None:
    Host.objects.create(name=name, crontab="file:/x", zone="UTC", heartbeat_at=timezone.now())


def add_elsewhere(name: str) -> None:
    """Add a row over a connection of its own."""

    def work() -> None:
        add(name)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_others_write_and_the_snapshot_does_not_see_it() -> None:
    with snapshot() as now:
        assert abs((now - timezone.now()).total_seconds()) < 60
        assert Host.objects.count() == 0
        add_elsewhere("one")
        assert Host.objects.count() == 0
    assert Host.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_nobody_writes_inside_and_afterwards_one_may() -> None:
    with pytest.raises(DatabaseError), snapshot():
        add("one")
    add("two")
    assert list(Host.objects.values_list("name", flat=True)) == ["two"]


@pytest.mark.django_db
def test_the_transaction_of_the_caller_is_used() -> None:
    add("one")
    with snapshot():
        assert Host.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_rows_are_read_chunk_by_chunk_behind_a_pooler_too(monkeypatch: pytest.MonkeyPatch) -> None:
    add("one")
    pooled = {**connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS": True}
    monkeypatch.setattr(connections["default"], "settings_dict", pooled)
    with snapshot():
        rows = Host.objects.iterator(chunk_size=1)
        assert next(rows).name == "one"
        assert cursors_at_the_server() == (1 if connection.vendor == "postgresql" else 0)
        assert list(rows) == []
    assert connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] is True


def cursors_at_the_server() -> int:
    if connection.vendor == "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE '\\_django%%'", [])
        [count] = cursor.fetchone()
        return int(count)
