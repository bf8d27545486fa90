"""docs/crontab-hosts.md is run: its block, its script, its tables and its request."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from backends.crontab import agent, block, entries, flavours, kept_tables, lines, look, loop, targets, wrapper
from backends.crontab.owner import Owner, installation_id
from backends.crontab.spool import store, wakes
from backends.crontab.targets import SystemTable
from scheduling.difference import DifferenceKind
from scheduling.errors import BackendError, InvalidRequest, Misconfigured
from scheduling.hosts import default_host
from scheduling.models import DatabaseAway, Host, Schedule
from scheduling.review.crontab_text import MOST_COMMAND_BYTES
from tests.api.conformance import CheckedClient
from tests.api.conftest import crontab, operator
from tests.conftest import a_schedule, at
from tests.docs.pages import DOCS, ROOT, examples, section, table

__all__ = ["crontab", "operator"]

PAGE = (DOCS / "crontab-hosts.md").read_text(encoding="utf-8")
NOW = at("2026-11-20 12:00")
COMMAND = "/srv/tandem/var/tandem-cron"
OWNER = Owner(installation_id("/srv/tandem/var"), f"{COMMAND} due".encode())


def shown(kind: str) -> str:
    [text] = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(text)


def a_host(name: str) -> Host:
    return Host.objects.create(name=name, crontab="user:1000", zone="Europe/Berlin", heartbeat_at=timezone.now())


def test_the_values_of_the_setting_are_those_of_the_page(settings: Settings) -> None:
    rows = {value: rest for value, *rest in table(PAGE, "| value | the table | its lines are run by | in the zone |")}
    in_cron_d = "cron.d:/etc/cron.d/tandem"
    assert list(rows) == ["user", in_cron_d, f"{in_cron_d}:www-data", "file:/srv/tandem/crontab", "none"]
    for setting in (in_cron_d, f"{in_cron_d}:www-data"):
        # A user that every Linux has.
        found = targets.parse(setting.replace("www-data", "nobody"))
        assert isinstance(found, SystemTable)
        assert str(found.path) == "/etc/cron.d/tandem"
    assert targets.parse("none") is None
    assert isinstance(targets.parse("user"), targets.UserTarget)
    file = targets.parse("file:/srv/tandem/crontab")
    assert file is not None
    assert file.zone() == rows["file:/srv/tandem/crontab"][-1] == "UTC"
    with pytest.raises(Misconfigured, match=r"write none, user, cron\.d:/etc/cron\.d/tandem, or file:/absolute/path"):
        targets.parse("yes")


def test_the_kinds_of_cron_are_as_shown() -> None:
    shown_flavours = {what: cells for what, *cells in table(PAGE, "| | Debian's cron | cronie | busybox |")}
    kinds = (flavours.DEBIAN, flavours.CRONIE, flavours.BUSYBOX)
    for what, name in (
        ("reads `CRON_TZ`", "cron_tz"),
        ("reads `/etc/cron.d`", "cron_d"),
        ("makes up for clock changes", "catches_up"),
    ):
        assert shown_flavours[what] == ["yes" if getattr(kind, name) else "no" for kind in kinds]
    for what, names in (
        ("a table has at most", ("most_lines", "most_entries")),
        ("a command has at most", ("most_command_bytes",)),
        ("between two entries stand at most", ("most_comment_bytes",)),
    ):
        for kind, cell in zip(kinds, shown_flavours[what], strict=True):
            [limit] = {getattr(kind, name) for name in names} - {None} or {None}
            assert cell.partition(" ")[0] == (f"{limit:,}" if limit else "")


def test_what_is_told_is_what_the_real_program_makes_us_tell() -> None:
    tested = (ROOT / "tests" / "live" / "test_cron_faults.py").read_text(encoding="utf-8")
    for _, told in table(PAGE, "| | what is told |"):
        assert told in tested


def test_the_block_is_the_one_that_is_written() -> None:
    drafts = [
        Schedule(pk=42, name="Nightly report", cron="30 2 * * 1-5", timezone="Europe/Berlin", anchor=NOW),
        Schedule(pk=43, name="Every five minutes", cron="*/5 * * * *", anchor=NOW),
        Schedule(pk=44, name="Early", cron="0 6 * * *", anchor=NOW),
        Schedule(pk=45, name="Mail", cron="30 2 * * 1-5", timezone="Europe/Berlin", anchor=NOW),
    ]
    wanted = entries.groups_of(drafts, zone_name="Europe/Berlin", now=NOW)
    foreign = b"MAILTO=ops@example.org\n17 * * * * /usr/local/bin/other\n"
    written = block.splice(foreign, lines.render(wanted, command=COMMAND, zone="Europe/Berlin"), OWNER)
    assert written.decode() == shown("crontab block")
    assert block.splice(written, b"", OWNER) == foreign


def test_the_script_is_the_one_that_is_written() -> None:
    text = shown("sh script")
    variables = dict(re.findall(r"^export (\w+)=(.*)$", text, re.MULTILINE))
    python = "/srv/tandem/.venv/bin/python"
    command = wrapper.asking(python, "/srv/tandem/var/agent", [python, "-E", "/srv/tandem/manage.py"])
    # This checkout is elsewhere.
    command = [word.replace(str(ROOT), "/srv/tandem") for word in command]
    assert wrapper.script(variables, folder="/srv/tandem", command=command).decode() == text
    assert wrapper.command_of(Path(COMMAND)) == COMMAND


def test_the_times_are_those_of_the_code() -> None:
    named = {name for _, name in table(PAGE, "| | how often |")}
    assert named == {"at once", "SYNC_EVERY", "STEP_SECONDS"}
    assert f"`SYNC_EVERY` is {agent.SYNC_EVERY.total_seconds():g} seconds" in PAGE
    assert f"`STEP_SECONDS` is {loop.STEP_SECONDS:g}." in PAGE
    assert f"{targets.UserTarget.spacing} seconds apart" in PAGE


def test_the_bounds_are_those_of_the_code() -> None:
    refused = section(PAGE, "What is written").partition("Refused")[2]
    assert f"{block.MOST_LINES:,} lines" in refused
    assert f"{MOST_COMMAND_BYTES} bytes" in refused
    group = lines.Group(("* * * * *",), "words", ((1, "name"),))
    longest = "x" * (MOST_COMMAND_BYTES - len(" due"))
    assert lines.entries_of([group], longest)[0].schedule_ids == (1,)
    with pytest.raises(BackendError):
        lines.entries_of([group], longest + "x")
    assert f"{lines.MOST_COMMENT_CHARACTERS} printable characters" in PAGE
    assert f"`{entries.EVERY_MINUTE}`" in PAGE
    with pytest.raises(BackendError):
        block.splice(b"\n" * block.MOST_LINES, b"x\n", OWNER)
    for character in "%#\\\n":
        with pytest.raises(BackendError):
            wrapper.command_of(Path(f"/srv/{character}/tandem-cron"))


def test_what_is_mended_is_named() -> None:
    kinds = [row[0].strip("`") for row in table(PAGE, "| fault | what it is | what the next sync does |")]
    # Entries that are missing, changed or left over need no table to be found.
    assert kinds == list(DifferenceKind)[3:]


def test_the_tables_that_are_kept_are_those_of_the_page() -> None:
    assert f"`{kept_tables.FOLDER}/`" in PAGE
    assert kept_tables.MOST_KEPT == 10
    assert "The last ten tables" in PAGE


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
    assert sum(look.PAUSES) == 20
    assert f"{store.MOST_RUNS:,} runs or {store.MOST_BYTES // 10**6} MB" in told
    assert f"{wakes.MOST_WAKES}\nwake-ups" in told
    assert f"the newest {store.MOST_CONFLICTS}." in told
