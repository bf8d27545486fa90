"""/api/cron/review/: a whole crontab, or all schedules, as JSON, text and CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.asking import made, pointers, stored
from tests.api.conformance import CheckedClient
from tests.conftest import client_as

REVIEW = "/api/cron/review/"
CRONTAB = "A=1\n30 2 * * * backup\n@reboot x\n99 * * * * y\n0 0 13 * 5 =z%in\n"


@pytest.fixture
def plain(db: None) -> APIClient:
    """A viewer whose client also accepts answers that are not JSON."""
    return client_as("viewer")


def test_every_line_is_told_and_nothing_is_written(viewer: CheckedClient, crontab: Path) -> None:
    before = stored(crontab)
    body = {"crontab": CRONTAB, "timezone": "Europe/Berlin", "count": 1}
    found = viewer.post(REVIEW, body, format="json").json()
    assert (found["form"], found["entry_count"], found["error_count"]) == ("user", 3, 1)
    assert [line["kind"] for line in found["lines"]] == ["assignment", "entry", "at_start", "error", "entry"]
    entry = found["lines"][1]
    assert entry["words"] == "At 02:30, Europe/Berlin time"
    assert entry["environment"] == {"A": "1"}
    assert len(entry["next_occurrences"]) == 1
    assert entry["next_occurrences"][0]["local"][11:16] == "02:30"
    assert entry["warnings"][0]["clock_changes"]
    assert found["lines"][3]["error_code"] == "invalid_time"
    assert stored(crontab) == before


def test_words_follow_the_language(viewer: CheckedClient, crontab: Path) -> None:
    found = viewer.post(f"{REVIEW}?language=fr&clock=24", {"crontab": CRONTAB}, format="json").json()
    assert found["lines"][1]["words"] == "À 02:30, fuseau horaire UTC"
    assert found["language"] == "fr"


def test_a_text_body_is_a_crontab(viewer: CheckedClient, crontab: Path) -> None:
    body = b"\xef\xbb\xbf17 * * * * r\xf6\xf6t x\n"
    found = viewer.post(f"{REVIEW}?form=system&count=2&timezone=Asia/Tokyo", body, content_type="text/plain").json()
    assert (found["form"], found["timezone"]) == ("system", "Asia/Tokyo")
    assert found["lines"][0]["error_code"] == "bad_user"


def test_the_user_column_is_found(viewer: CheckedClient, crontab: Path) -> None:
    found = viewer.post(REVIEW, {"crontab": "17 *\t* * *\troot    cd /\n"}, format="json").json()
    assert (found["form"], found["lines"][0]["user"]) == ("system", "root")


def test_the_table_comes_as_text(plain: APIClient, crontab: Path) -> None:
    response = plain.post(REVIEW, {"crontab": CRONTAB}, format="json", headers={"Accept": "text/plain"})
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    text = response.content.decode()
    assert "    2  30 2 * * *\n       At 02:30, UTC time\n" in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_csv_comes_without_formulas(plain: APIClient, crontab: Path) -> None:
    response = plain.post(REVIEW, {"crontab": CRONTAB}, format="json", headers={"Accept": "text/csv"})
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.content.decode(), newline="")))
    assert rows[4]["command"] == "'=z"
    assert len(rows) == 5


@pytest.mark.parametrize("accept", ["text/plain", "text/csv"])
def test_an_error_is_a_problem_document_whatever_was_asked_for(plain: APIClient, crontab: Path, accept: str) -> None:
    response = plain.post(REVIEW, {"crontab": 5}, format="json", headers={"Accept": accept})
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["errors"][0]["pointer"] == "/crontab"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/crontab"), ({"crontab": "x", "form": "both"}, "/form"), ({"crontab": "x", "count": 21}, "/count"),
        ({"crontab": "x", "timezone": "Mars"}, "/timezone"), ({"crontab": "a\0b"}, "/crontab"),
        ({"crontab": "\n" * 20_001}, "/crontab"), ({"crontab": "x", "a": 1}, "/a"),
        ({"crontab": ["x"]}, "/crontab"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(
    viewer: CheckedClient, crontab: Path, body: dict[str, Any], pointer: str
) -> None:
    response = viewer.post(REVIEW, body, format="json")
    assert response.status_code == 400
    assert pointers(response) == [pointer]


def test_a_truncated_utf_8_character_is_refused(viewer: CheckedClient, crontab: Path) -> None:
    response = viewer.post(REVIEW, b'{"crontab": "\\ud800"}', content_type="application/json")
    assert response.status_code == 400
    assert pointers(response) == ["/crontab"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/json"])
def test_more_than_a_megabyte_is_refused(viewer: CheckedClient, crontab: Path, content_type: str) -> None:
    response = viewer.post(REVIEW, b"#" * 1_000_001, content_type=content_type)
    assert response.status_code == 413
    assert response.json()["code"] == "too_large"


def test_an_empty_crontab_has_no_lines(viewer: CheckedClient, crontab: Path) -> None:
    assert viewer.post(REVIEW, {"crontab": ""}, format="json").json()["lines"] == []


def test_the_schedules_are_reviewed_alike(operator: CheckedClient, crontab: Path) -> None:
    one = made(operator, name="nightly", cron="30 2 * * *", timezone="Europe/Berlin")
    two = made(operator, name="often", cron=None, every=30, paused=True)
    found = operator.get(REVIEW, {"count": "1", "language": "de"}).json()
    assert [(line["number"], line["kind"], line["text"]) for line in found["lines"]] == [
        (one["id"], "schedule", "nightly"),
        (two["id"], "paused", "often"),
    ]
    assert found["lines"][0]["words"] == "Um 02:30 Uhr, Zeitzone Europe/Berlin"
    assert found["form"] == ""


def test_the_schedules_come_as_text_and_csv(plain: APIClient, operator: CheckedClient, crontab: Path) -> None:
    made(operator, name="nightly", cron="30 2 * * *")
    assert "30 2 * * *  nightly" in plain.get(REVIEW, headers={"Accept": "text/plain"}).content.decode()
    assert b",nightly\r\n" in plain.get(REVIEW, headers={"Accept": "text/csv"}).content


@pytest.mark.parametrize("count", ["x", "-1", "21", "9" * 50, ""])
def test_a_count_that_cannot_be_is_refused(viewer: CheckedClient, crontab: Path, count: str) -> None:
    response = viewer.get(REVIEW, {"count": count})
    assert response.status_code == 400
    assert pointers(response) == ["/count"]
