"""In which language a request is answered: `?language=`, Accept-Language, the setting."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from api.language import language_of
from scheduling.errors import InvalidRequest


def asking(header: str, query: str = "") -> Request:
    return Request(APIRequestFactory().get(f"/{query}", headers={"Accept-Language": header}))


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"), ("de-AT", "de"), ("DE-at", "de"), ("en-US,en;q=0.9", "en-us"), ("en-GB", "en"),
        ("sw, fr;q=0.5", "fr"), ("fr;q=0.2, de;q=0.8", "de"), ("de;q=0, it", "it"), ("*", "en"), ("sw, *;q=0.1", "en"),
        ("zh-CN", "zh"), ("zh-Hans-CN", "zh"), ("zh-TW, en;q=0.1", "en"), ("no", "nb"), ("pt-BR", "pt"),
        ("it," + ",".join(["sw;q=0.1"] * 10_000), "it"),
    ],
)  # fmt: skip
def test_the_language_liked_best_is_taken(header: str, language: str) -> None:
    assert language_of(asking(header)) == language


@pytest.mark.parametrize("header", ["", ";;,", "de;q=0", "de;q=0.5;q=0.5", "de_AT", "x" * 10_000])
def test_a_header_that_names_nothing_leaves_it_to_the_setting(header: str, settings: Any) -> None:
    settings.TANDEM_LANGUAGE = "fr"
    assert language_of(asking(header)) == "fr"


@pytest.mark.parametrize("header", ["sw", "zh-TW", "xx, yy;q=0.5", "sw;q=1"])
def test_a_header_that_accepts_nothing_offered_falls_back_to_the_setting(header: str, settings: Any) -> None:
    settings.TANDEM_LANGUAGE = "fr"
    assert language_of(asking(header)) == "fr"


def test_what_the_address_says_goes_before_the_header() -> None:
    assert language_of(asking("de", "?language=fr")) == "fr"
    with pytest.raises(InvalidRequest):
        language_of(asking("de", "?language=sw"))
