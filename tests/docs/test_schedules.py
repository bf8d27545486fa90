"""docs/schedules.md is run: its examples, and its tables against the code."""

from __future__ import annotations

import ast
import json
import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from pytest_django import Settings

from api.schedules.serializers import ScheduleInput
from scheduling import drafts
from scheduling.backend import Capabilities, all_backends
from scheduling.errors import InvalidTrigger
from scheduling.models import CatchUp, Overlap, SyncState
from scheduling.planning import Policy, plan
from scheduling.timing import Cron, Every, Trigger
from scheduling.timing.expression import MACROS
from scheduling.timing.zones import zone as zone_named
from tests.api.asking import made, of
from tests.api.conformance import CheckedClient, operations
from tests.api.conftest import admin, crontab, operator
from tests.conftest import at
from tests.docs.pages import DOCS, ROOT, examples, section, table

__all__ = ["admin", "crontab", "operator"]

PAGE = (DOCS / "schedules.md").read_text(encoding="utf-8")
MEMBERS = {name: default for name, default, _ in table(PAGE, "| member | default | meaning |")}


def written(shown: object) -> Any:
    """A value as the page writes it."""
    return json.loads(str(shown))


@pytest.mark.parametrize("name", ["report", "interval"])
def test_an_example_is_answered_as_shown(operator: CheckedClient, crontab: Path, name: str) -> None:
    [body], [answer] = examples(PAGE, f"ask={name}"), examples(PAGE, f"answer={name}")
    response = operator.post("/api/schedules/", body, format="json")
    assert response.status_code == 201, response.json()
    found = response.json()
    assert {member: found[member] for member in answer} == answer


def test_the_members_are_those_of_the_request() -> None:
    assert sorted(MEMBERS) == sorted(ScheduleInput().fields)
    needed = [name for name, field in ScheduleInput().fields.items() if field.required]
    assert [name for name, default in MEMBERS.items() if default == "needed"] == needed


def test_the_defaults_are_those_of_the_page(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator)
    told = {name: written(default) for name, default in MEMBERS.items() if default not in {"needed", "chosen"}}
    assert {name: schedule[name] for name in told if name != "cron"} == {
        name: default for name, default in told.items() if name != "cron"
    }


def test_the_macros_are_those_of_the_engine() -> None:
    assert dict(table(PAGE, "| macro | stands for |")) == MACROS


def test_the_refusals_are_told_as_shown() -> None:
    rows = table(PAGE, "| written | the refusal |")
    assert len(rows) == 10
    for expression, told in rows:
        with pytest.raises(InvalidTrigger) as refused:
            Cron.parse(expression)
        assert refused.value.detail == told


BERLIN = zone_named("Europe/Berlin")


def of_the_night(trigger: Trigger, day: str) -> str:
    """The occurrences from 01:00 to 03:59 on Berlin's clocks, as the page writes them."""
    begin = datetime.combine(datetime.fromisoformat(day), time(1), BERLIN)
    found = trigger.occurrences(begin - timedelta(seconds=1), begin.astimezone(UTC) + timedelta(hours=6))
    local = [moment.astimezone(BERLIN) for moment in found]
    return " ".join(moment.isoformat(timespec="minutes")[11:] for moment in local if moment.hour < 4) or "none"


def test_the_nights_of_clock_changes_are_as_the_engine_has_them() -> None:
    nights = "2026-03-29", "2026-10-25"
    rows = table(PAGE, "| expression | 2026-03-29, 02:00 becomes 03:00 | 2026-10-25, 03:00 becomes 02:00 |")
    assert len(rows) == 7
    for expression, *told in rows:
        hourly = expression == "every hour"
        trigger: Trigger = Every(3600, at("2026-01-01 00:00")) if hourly else Cron.parse(expression, "Europe/Berlin")
        assert told == [of_the_night(trigger, night) for night in nights], expression


def test_overlap_is_as_planned() -> None:
    rows = table(PAGE, "| `overlap` | the new one is | |")
    assert [name for name, _, _ in rows] == Overlap.values
    for name, status, _ in rows:
        found = plan(
            Cron.parse("0 * * * *"), at("2026-11-20 09:00"), at("2026-11-20 10:00"), Policy(overlap=name), open_tasks=1
        )
        assert [decision.status for decision in found.decisions] == [status]
        assert found.replace == (name == "replace")


def test_catching_up_is_as_planned() -> None:
    rows = table(PAGE, "| back at | `catch_up` | 10:00 | 11:00 | 12:00 |")
    assert {name for _, name, *_ in rows} == set(CatchUp.values)
    for back, name, *told in rows:
        policy = Policy(catch_up=name, overlap="allow")
        found = plan(Cron.parse("0 * * * *"), at("2026-11-20 09:30"), at(f"2026-11-20 {back}"), policy)
        assert [str(decision.status) for decision in found.decisions] == told


def test_what_begins_anew_is_what_the_code_says() -> None:
    assert {name for [name] in table(PAGE, "| member |")} == drafts.TIMING


def test_every_request_is_listed() -> None:
    listed = {tuple(request.split(" ")) for request, _ in table(PAGE, "| request | |")}
    assert listed == {(method, path) for method, path in operations() if path.startswith("/api/schedules/")}


def test_the_backends_are_as_they_say() -> None:
    rows = table(PAGE, "| backend | seconds | executors | belongs to a host |")
    yes = {"yes": True, "no": False}
    told = {
        name: Capabilities(yes[seconds], tuple(executors.replace("`", "").split(", ")), yes[per_host])
        for name, seconds, executors, per_host in rows
    }
    assert told == {backend.name: backend.capabilities for backend in all_backends()}


def test_the_rules_of_routing_are_those_of_the_settings() -> None:
    conditions: dict[str, dict[str, Any]] = {
        "always": {},
        "`executor` is `inline`": {"executor": "inline"},
        "`sub_minute` is true": {"sub_minute": True},
    }
    told = [
        {**conditions[rule], "backend": backend, "because": reason}
        for rule, backend, reason in table(PAGE, "| rule | backend | reason |")
    ]
    assert told == configured.TANDEM_ROUTING


def test_schedules_are_routed_as_shown(operator: CheckedClient, crontab: Path) -> None:
    rows = table(PAGE, "| asked for | backend | executor | reason |")
    assert len(rows) == 5
    for asked, *told in rows:
        routing = made(operator, **{"cron": None, **written(asked)})["routing"]
        assert [routing["backend"], routing["executor"], routing["reason"]] == told, asked


def test_every_reason_against_a_backend_is_listed() -> None:
    paths = [ROOT / "scheduling" / "routing.py", ROOT / "backends" / "crontab" / "checks.py"]
    codes = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                codes.add(ast.unparse(node.args[1]).strip("'"))
    assert "f'unknown_{field}" in codes
    named = codes - {"f'unknown_{field}"} | {"unknown_backend", "unknown_executor"}
    assert {code for code, _ in table(section(PAGE, "Routing"), "| code | |")} == named


def test_the_move_of_the_page_works(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator)
    [body] = examples(PAGE, "move")
    moved = operator.post(of(schedule, "move"), body, format="json").json()
    assert moved["routing"]["backend"] == "crontab"


def test_the_move_of_many_of_the_page_works(operator: CheckedClient, crontab: Path) -> None:
    made(operator, name="nightly")
    [body] = examples(PAGE, "move-many")
    [one] = operator.post("/api/schedules/move/?q=nightly&backend=beat", body, format="json").json()["schedules"]
    assert (one["outcome"], one["routed_to"]) == ("moved", "crontab")


def test_the_states_of_sync_are_those_of_the_code() -> None:
    assert [state for state, _ in table(PAGE, "| `state` | |")] == SyncState.values


def test_the_sync_of_the_page_works(admin: CheckedClient, settings: Settings, crontab: Path) -> None:
    [body], [answer] = examples(PAGE, "sync"), examples(PAGE, "synced")
    for name in settings.TANDEM_BACKENDS:
        assert admin.post(f"/api/backends/{name}/sync/", body, format="json").json() == answer


def test_the_examples_are_all_run() -> None:
    kinds = re.findall(r"^```json (\S+)$", PAGE, re.MULTILINE)
    of_intervals = ["answer=interval", "answer=report", "ask=interval", "ask=report"]
    assert sorted(kinds) == [*of_intervals, "move", "move-many", "sync", "synced"]
    assert PAGE.count("```") == 2 * len(kinds)
