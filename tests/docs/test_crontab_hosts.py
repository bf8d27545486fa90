"""docs/crontab-hosts.md is run: its block, its script, its tables and its request."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from backends.crontab import agent, block, entries, lines, loop, targets, wake_up, wrapper
from backends.crontab.spool import store, wakes
from scheduling.errors import BackendError, InvalidRequest, Misconfigured
from scheduling.hosts import default_host
from scheduling.models import DatabaseAway, Host, Schedule
from scheduling.review.crontab_text import MOST_COMMAND_BYTES
from tests.api.conformance import CheckedClient
from tests.api.conftest import crontab, operator
from tests.conftest import a_schedule, at
from tests.docs.pages import DOCS, examples, section, table

__all__ = ["crontab", "operator"]

PAGE = (DOCS / "crontab-hosts.md").read_text(encoding="utf-8")
NOW = at("2026-11-20 12:00")
COMMAND = "/srv/tandem/var/tandem-cron"


def shown(kind: str) -> str:
    [text] = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(text)


def a_host(name: str) -> Host:
    return Host.objects.create(name=name, crontab="user:1000", zone="Europe/Berlin", heartbeat_at=timezone.now())


def test_the_values_of_the_setting_are_those_of_the_page(settings: Settings) -> None:
    rows = {value: rest for value, *rest in table(PAGE, "| value | the table | its lines are run by | in the zone |")}
    assert list(rows) == ["user", "file:/srv/tandem/crontab", "none"]
    assert targets.parse("none") is None
    assert isinstance(targets.parse("user"), targets.UserTarget)
    file = targets.parse("file:/srv/tandem/crontab")
    assert file is not None
    assert file.zone() == rows["file:/srv/tandem/crontab"][-1] == "UTC"
    with pytest.raises(Misconfigured, match="write none, user, or file:/absolute/path"):
        targets.parse("yes")


def test_the_block_is_the_one_that_is_written() -> None:
    drafts = [
        Schedule(pk=42, name="Nightly report", cron="30 2 * * 1-5", timezone="Europe/Berlin", anchor=NOW),
        Schedule(pk=43, name="Every five minutes", cron="*/5 * * * *", anchor=NOW),
    ]
    wanted = [entries.line_of(draft, zone_name="Europe/Berlin", now=NOW) for draft in drafts]
    foreign = b"MAILTO=ops@example.org\n17 * * * * /usr/local/bin/other\n"
    written = block.splice(foreign, lines.render(wanted, command=COMMAND, zone="Europe/Berlin"))
    assert written.decode() == shown("crontab block")
    assert block.splice(written, b"") == foreign


def test_the_script_is_the_one_that_is_written() -> None:
    text = shown("sh script")
    variables = dict(re.findall(r"^export (\w+)=(.*)$", text, re.MULTILINE))
    command = ["/srv/tandem/.venv/bin/python", "/srv/tandem/manage.py"]
    assert wrapper.script(variables, folder="/srv/tandem", command=command).decode() == text
    assert wrapper.command_of(Path(COMMAND)) == COMMAND


def test_the_times_are_those_of_the_code() -> None:
    named = {name for _, name in table(PAGE, "| | how often |")}
    assert named == {"SYNC_EVERY", "STEP_SECONDS"}
    assert f"`SYNC_EVERY` is {agent.SYNC_EVERY.total_seconds():g} seconds" in PAGE
    assert f"`STEP_SECONDS` is {loop.STEP_SECONDS:g}." in PAGE
    assert f"{targets.UserTarget.spacing} seconds apart" in PAGE


def test_the_bounds_are_those_of_the_code() -> None:
    refused = section(PAGE, "What is written").partition("Refused")[2]
    assert f"{block.MOST_LINES:,} lines" in refused
    assert f"{MOST_COMMAND_BYTES} bytes" in refused
    line = lines.BlockLine(1, "* * * * *")
    longest = "x" * (MOST_COMMAND_BYTES - len(" fire 1"))
    assert lines.entry(line, longest).schedule_id == 1
    with pytest.raises(BackendError):
        lines.entry(line, longest + "x")
    with pytest.raises(BackendError):
        block.splice(b"\n" * block.MOST_LINES, b"x\n")
    for character in "%#\\\n":
        with pytest.raises(BackendError):
            wrapper.command_of(Path(f"/srv/{character}/tandem-cron"))


@pytest.mark.parametrize("damaged", [block.BEGIN, block.END, b"\n".join([block.BEGIN, block.END] * 2)])
def test_a_damaged_block_is_refused(damaged: bytes) -> None:
    with pytest.raises(BackendError, match="delete these lines and everything between them"):
        block.split(damaged + b"\n")


def test_a_schedule_of_another_host_waits_for_its_agent(operator: CheckedClient, crontab: Path) -> None:
    a_host("db1")
    [body], [answer] = examples(PAGE, "host"), examples(PAGE, "pending")
    response = operator.post("/api/schedules/", body, format="json")
    assert response.status_code == 201, response.json()
    assert response.json()["routing"]["host"] == "db1"
    assert response.json()["sync"] == answer


def test_a_host_that_never_reported_is_refused(operator: CheckedClient, crontab: Path) -> None:
    [body] = examples(PAGE, "host")
    response = operator.post("/api/schedules/", body, format="json")
    assert [error["code"] for error in response.json()["errors"]] == ["no_crontab"]


REPORTED: dict[str, list[str]] = {"any": ["db1", "db2"], "none": [], "one": ["db1"], "several": ["db1", "db2"]}
HOSTS = table(PAGE, "| this machine | hosts that have reported | the schedule goes to |")


@pytest.mark.django_db
@pytest.mark.parametrize(("here", "reported", "goes_to"), HOSTS)
def test_where_a_schedule_without_a_host_goes(
    settings: Settings, tmp_path: Path, here: str, reported: str, goes_to: str
) -> None:
    settings.TANDEM_CRONTAB = "none" if here == "none" else f"file:{tmp_path / 'crontab'}"
    for name in REPORTED[reported]:
        a_host(name)
    expected = {"this machine": settings.TANDEM_HOST, "that one": "db1", "refused": ""}[goes_to]
    assert default_host() == expected
    if expected:
        assert a_schedule(backend="crontab").host == expected
    else:
        with pytest.raises(InvalidRequest) as refused:
            a_schedule(backend="crontab")
        assert [problem.code for problem in refused.value.problems] == ["no_crontab"]


def test_the_examples_are_all_run() -> None:
    kinds = re.findall(r"^```(\w+ \w+)$", PAGE, re.MULTILINE)
    assert kinds == ["json host", "json pending", "crontab block", "sh script"]
    assert PAGE.count("```") == 2 * len(kinds)


def test_what_is_told_of_the_spool_is_so() -> None:
    told = section(PAGE, "When the database is away")
    rows = table(PAGE, "| `database_away` | now | when the database is back |")
    assert [name for name, *_ in rows] == DatabaseAway.values
    assert sum(wake_up.PAUSES) == 20
    assert f"{store.MOST_RUNS:,} runs or {store.MOST_BYTES // 10**6} MB" in told
    assert f"{wakes.MOST_WAKES}\nwake-ups" in told
    assert f"the newest {store.MOST_CONFLICTS}." in told
