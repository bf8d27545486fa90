"""docs/decisions/README.md lists every decision, with its title, date and status."""

from __future__ import annotations

import re
from datetime import date

from tests.docs.pages import DOCS, table

FOLDER = DOCS / "decisions"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")


def rows() -> list[list[str]]:
    return table(PAGE, "| date | decision | status |")


def test_every_decision_is_listed_by_its_title_and_no_other() -> None:
    listed = [re.fullmatch(r"\[(.+)\]\((.+)\)", decision) for _, decision, _ in rows()]
    assert all(listed)
    titles = {
        path.name: path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        for path in FOLDER.glob("*.md")
        if path.name != "README.md"
    }
    assert sorted((found[2], found[1]) for found in listed if found) == sorted(titles.items())


def test_dates_are_in_order() -> None:
    dates = [date.fromisoformat(day) for day, _, _ in rows()]
    assert dates == sorted(dates)


def test_a_decision_is_in_force_or_names_the_one_in_its_place() -> None:
    for _, _, status in rows():
        found = re.fullmatch(r"replaced by \[.+\]\((.+\.md)\)", status)
        assert status == "in force" or (found and (FOLDER / found[1]).is_file()), status
