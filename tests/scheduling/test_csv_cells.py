"""No cell of a CSV is a formula."""

from __future__ import annotations

import pytest

from scheduling.csv_cells import safe


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", " -2", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"],
)
def test_no_spreadsheet_takes_a_text_for_a_formula(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "nightly - 2", "'=1", "1"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert safe(text) == text
