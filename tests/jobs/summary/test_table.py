import csv
import io
from dataclasses import replace
from datetime import timedelta, timezone

from jobs.summary.page import as_html, as_text, headline
from jobs.summary.table import HEADER, as_csv
from tests.jobs.summary.test_figures import of, row

HOSTILE = '=HYPERLINK("http://x/";"y"),\r\n<script>alert(1)</script>'


def test_the_table_has_a_line_for_each_group_and_failure() -> None:
    found = of([row(1, schedule=HOSTILE), row(2, status="FAILED", error=f"{HOSTILE}\nmore")])
    [header, *lines] = csv.reader(io.StringIO(as_csv(found), newline=""))
    assert header == HEADER
    assert {len(line) for line in lines} == {len(HEADER)}
    assert [line[:3] for line in lines] == [
        ["all", "all", "2"],
        ["job", "a.b", "2"],
        ["schedule", f"'{HOSTILE}", "1"],
        ["failure", "n", "2"],
    ]
    everything = dict(zip(header, lines[0], strict=True))
    assert (everything["completed"], everything["failed"], everything["p50_s"]) == ("1", "1", "1.000")
    assert lines[3][-1].startswith("'=HYPERLINK")


def test_the_page_runs_nothing_of_what_the_ledger_holds() -> None:
    page = as_html(of([row(1, job=HOSTILE, schedule=HOSTILE), row(2, status="FAILED", error="<img src=x onerror=y>")]))
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;img src=x onerror=y&gt;" in page


def test_a_period_without_tasks_is_a_page_too() -> None:
    found = of([])
    assert "0 tasks, 0 failed" in as_text(found)
    assert "<td>0</td>" in as_html(found)


def test_the_page_says_when_there_were_more() -> None:
    assert "the newest 1 are counted" in as_html(of([row(), row()], most=1))


def test_the_period_is_in_utc_whatever_zone_its_times_have() -> None:
    found = of([row()])
    berlin = timezone(timedelta(hours=2))
    elsewhere = replace(found, since=found.since.astimezone(berlin), until=found.until.astimezone(berlin))
    assert headline(elsewhere) == headline(found)
