"""docs/review.md: its examples work, and its tables match the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cron_descriptor import Options, get_description

from scheduling.timing import Cron
from scheduling.words import clock_of, describe, language_name, languages
from tests.conftest import a_schedule, client_as

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "review.md").read_text(encoding="utf-8")


def example(name: str) -> Any:
    [found] = re.findall(rf"```json {name}\n(.*?)```", PAGE, re.DOTALL)
    return json.loads(found)


def rows(header: str) -> list[list[str]]:
    """The cells of the table that begins with this header."""
    table = PAGE.partition(header)[2].partition("\n\n")[0]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[1:]]


def test_the_table_of_sentences_is_true() -> None:
    options = Options()
    options.locale_code = "en_US"
    options.use_24hour_time_format = True
    found = rows("| expression | cron-descriptor | Tandem |")
    assert len(found) == 7
    for expression, theirs, ours in found:
        assert get_description(expression, options) == theirs
        assert describe(Cron.parse(expression)) == f"{ours}, UTC time"


def test_the_languages_are_those_offered() -> None:
    found = rows("| code | language | hours |")
    assert found == [[one, language_name(one), str(clock_of(one))] for one in languages()]


def test_every_warning_of_the_code_is_listed() -> None:
    listed = set(
        re.findall(r"^\| `([a-z_]+)` \|", PAGE.partition("## Warnings")[2].partition("\n## ")[0], re.MULTILINE)
    )
    sources = [*(ROOT / "scheduling" / "review").glob("*.py"), *(ROOT / "scheduling" / "timing").glob("*.py")]
    used = {code for path in sources for code in re.findall(r'ReviewWarning\(\s*"([a-z_]+)"', path.read_text())}
    assert listed == used


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("describe", "/api/cron/describe/"),
        ("review", "/api/cron/review/"),
        ("adopt", "/api/cron/import/"),
        ("preview", ""),
    ],
)
def test_the_examples_work(name: str, address: str, settings: Any, tmp_path: Path) -> None:
    settings.TANDEM_CRONTAB = f"file:{tmp_path / 'crontab'}"
    settings.TANDEM_CRON_IMPORT = example("import")
    address = address or f"/api/schedules/{a_schedule().pk}/preview/"
    response = client_as("admin").post(address, example(name), format="json")
    assert response.status_code == 200, response.json()
    if name == "adopt":
        assert response.json()["lines"][0]["outcome"] == "would_create"
