"""DATABASE_URL becomes DATABASES."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import make_conninfo

from settings.databases import database, direct_database, for_web


def test_sqlite_has_one_writer_that_never_fails_half_way() -> None:
    made = database("sqlite:////srv/tandem.sqlite3")
    assert made["NAME"] == "/srv/tandem.sqlite3"
    assert made["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in made["OPTIONS"]["init_command"]
    assert made["TEST"]["NAME"] == "/srv/test-tandem.sqlite3"


def test_an_sqlite_that_is_too_old_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 34, 1))
    with pytest.raises(ImproperlyConfigured, match=r"needs 3\.35\.0 or newer: use a newer Python, or set DATABASE_URL"):
        database("sqlite:////srv/tandem.sqlite3")
    assert database("postgresql://u@db/tandem")["NAME"] == "tandem"


def test_postgresql_is_waited_for_briefly_and_checked_before_use() -> None:
    made = database("postgresql://u:p%40ss@db:5433/tandem")
    assert (made["HOST"], made["PORT"], made["PASSWORD"], made["NAME"]) == ("db", 5433, "p@ss", "tandem")
    assert made["OPTIONS"]["connect_timeout"] == 2
    assert made["CONN_HEALTH_CHECKS"] is True


def test_a_network_that_is_cut_is_noticed_within_seconds_unless_the_url_says_otherwise() -> None:
    made = database("postgresql://u@db/tandem")["OPTIONS"]
    assert (made["tcp_user_timeout"], made["keepalives_idle"]) == (10_000, 5)
    assert made["keepalives_interval"] * made["keepalives_count"] == 6
    # libpq knows them.
    assert make_conninfo(**{name: made[name] for name in made if name.startswith(("tcp", "keepalives"))})
    assert database("postgresql://u@db/tandem?tcp_user_timeout=60000")["OPTIONS"]["tcp_user_timeout"] == 60_000


@pytest.mark.parametrize(
    ("words", "threshold"), [("", 5), ("?prepare_threshold=none", None), ("?prepare_threshold=0", 0)]
)
def test_what_the_ledger_does_often_is_prepared_unless_the_url_says_otherwise(
    words: str, threshold: int | None
) -> None:
    assert database(f"postgresql://u@db/tandem{words}")["OPTIONS"]["prepare_threshold"] == threshold


def test_behind_a_pooler_in_transaction_mode_no_session_is_relied_on() -> None:
    made = database("postgresql://u@pooler:6432/tandem?pooler=transaction")
    assert made["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert made["OPTIONS"]["prepare_threshold"] is None
    assert "pooler" not in made["OPTIONS"]
    assert database("postgresql://u@db/tandem")["DISABLE_SERVER_SIDE_CURSORS"] is False


def test_a_pooler_that_keeps_prepared_statements_may_be_used_so() -> None:
    made = database("postgresql://u@pooler:6432/tandem?pooler=transaction&prepare_threshold=3")
    assert made["OPTIONS"]["prepare_threshold"] == 3


def test_a_pooler_of_another_kind_is_refused_with_what_to_write() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"DATABASE_URL is not usable: write \?pooler=transaction, or leave"):
        database("postgresql://u:hunter2@pooler/tandem?pooler=statement")


def test_the_direct_address_leads_to_postgresql_itself() -> None:
    made = direct_database("postgresql://u:p%40ss@db:5433/tandem")
    assert made is not None
    assert (made["HOST"], made["PORT"], made["PASSWORD"]) == ("db", 5433, "p@ss")
    assert direct_database("") is None


@pytest.mark.parametrize(
    "url",
    ["hunter2", "sqlite:////srv/hunter2", "postgresql://u:hunter2@h/d?pooler=transaction", "mysql://u:hunter2@h/d"],
)
def test_any_other_direct_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_DIRECT_URL is not usable: write ") as refused:
        direct_database(url)
    assert "hunter2" not in str(refused.value)


def test_web_shares_connections_to_postgresql_and_keeps_none() -> None:
    made = database("postgresql://u@db/tandem")
    for_web(made, connections=7)
    assert made["CONN_MAX_AGE"] == 0
    assert (made["OPTIONS"]["pool"]["max_size"], made["OPTIONS"]["pool"]["timeout"]) == (7, 2)


def test_web_waits_briefly_for_the_lock_of_sqlite_and_workers_for_long() -> None:
    made = database("sqlite:////srv/tandem.sqlite3")
    assert made["OPTIONS"]["timeout"] == 20
    for_web(made, connections=7)
    assert (made["CONN_MAX_AGE"], made["OPTIONS"]["timeout"]) == (0, 2)
    assert database("sqlite:////srv/other.sqlite3")["OPTIONS"]["timeout"] == 20


@pytest.mark.parametrize(
    "url", ["mysql://u:hunter2@h/d", "hunter2", "", "postgresql://u:hunter2@h:port/d", "postgresql://"]
)
def test_anything_else_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is not usable: write ") as refused:
        database(url)
    assert "hunter2" not in str(refused.value)
