"""Moving all schedules that match, over REST and from the command line."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from scheduling.models import Schedule
from tests.api.asking import made, pointers, stored
from tests.api.conformance import CheckedClient

MOVE = "/api/schedules/move/"


def asked(client: CheckedClient, query: str = "", **body: Any) -> Any:
    return client.post(f"{MOVE}{query}", {"backend": "crontab"} | body, format="json")


def test_a_dry_run_is_the_default_and_stores_nothing(operator: CheckedClient, crontab: Path) -> None:
    made(operator, name="nightly clean")
    made(operator, name="other")
    before = stored(crontab)
    answer = asked(operator, "?q=nightly").json()
    assert answer["dry_run"] is True
    assert [(one["name"], one["outcome"], one["routed_to"]) for one in answer["schedules"]] == [
        ("nightly clean", "would_move", "crontab")
    ]
    assert stored(crontab) == before


def test_what_matches_moves(operator: CheckedClient, crontab: Path) -> None:
    nightly, other = made(operator, name="nightly clean"), made(operator, name="other")
    [one] = asked(operator, "?q=nightly", dry_run=False).json()["schedules"]
    assert (one["schedule"], one["outcome"]) == (nightly["id"], "moved")
    assert Schedule.objects.get(pk=nightly["id"]).routed_to == "crontab"
    assert Schedule.objects.get(pk=other["id"]).routed_to == "beat"
    assert b"nightly clean" in crontab.read_bytes()


def test_a_list_of_schedules_moves(operator: CheckedClient, crontab: Path) -> None:
    first, second, third = (made(operator, name=name)["id"] for name in ("a", "b", "c"))
    outcomes = asked(operator, ids=[third, first], dry_run=False).json()["schedules"]
    assert [(one["schedule"], one["outcome"]) for one in outcomes] == [(first, "moved"), (third, "moved")]
    assert Schedule.objects.get(pk=second).routed_to == "beat"


def test_a_list_that_cannot_be_moves_nothing(operator: CheckedClient, crontab: Path) -> None:
    there = made(operator)["id"]
    assert pointers(asked(operator, ids=[there, there + 1], dry_run=False)) == ["/ids/1"]
    assert pointers(asked(operator, ids=[there, there], dry_run=False)) == ["/ids/1"]
    assert pointers(asked(operator, "?q=a", ids=[there], dry_run=False)) == ["/ids"]
    assert asked(operator, ids=[], dry_run=False).json()["schedules"] == []
    assert Schedule.objects.get().routed_to == "beat"


@pytest.mark.parametrize("query", ["?limit=5", "?cursor=x", "?nmae=x", "?backend=nowhere"])
def test_a_wrong_filter_moves_nothing(operator: CheckedClient, crontab: Path, query: str) -> None:
    made(operator)
    assert asked(operator, query, dry_run=False).status_code == 400
    assert Schedule.objects.get().routed_to == "beat"


def test_a_place_that_cannot_be_is_named(operator: CheckedClient, crontab: Path) -> None:
    assert pointers(asked(operator, backend="nowhere")) == ["/backend"]
    assert pointers(asked(operator, backend="beat", host="db1")) == ["/host"]


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("move", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_moves_and_prints_a_line_for_each(operator: CheckedClient, crontab: Path) -> None:
    made(operator, name="nightly clean")
    assert "would_move crontab" in told("--to", "crontab", "--where", "q=nightly", "--dry-run")
    assert Schedule.objects.get().routed_to == "beat"
    assert "moved crontab" in told("--to", "crontab", "--all")
    assert Schedule.objects.get().routed_to == "crontab"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--where NAME=VALUE, or --all"),
        (("--where", "nmae=x"), "no such parameter"),
        (("--where", "backend=nowhere"), "--where backend"),
        (("--all", "--host", "db9"), "refused"),
    ],
)
def test_the_command_says_what_is_wrong(
    operator: CheckedClient, crontab: Path, arguments: tuple[str, ...], message: str
) -> None:
    made(operator)
    with pytest.raises(CommandError, match=message):
        told("--to", "crontab", *arguments)
    assert Schedule.objects.get().routed_to == "beat"
