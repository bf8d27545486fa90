"""Parameters of jobs as fields of a form, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboard.schedules.edit.parameters import parameters, read, read_whole, shown
from scheduling.registry import definition, definitions


def of(job: str) -> dict[str, Any]:
    return definition(job).schema()


@pytest.mark.parametrize(
    ("job", "name", "kind"),
    [
        ("http.fetch", "url", "text"), ("http.fetch", "method", "choice"), ("http.fetch", "timeout", "number"),
        ("http.fetch", "headers", "json"), ("http.fetch", "body", "json"), ("http.fetch", "fail_on_error", "flag"),
        ("email.send", "to", "lines"), ("email.send", "cc", "lines"), ("email.send", "body", "long"),
        ("email.send", "subject", "text"), ("files.clean", "folder", "text"), ("workflow.start", "workflow", "json"),
    ],
)  # fmt: skip
def test_each_kind_of_schema_has_its_kind_of_field(job: str, name: str, kind: str) -> None:
    (found,) = [each for each in parameters(of(job), {}) if each.name == name]
    assert found.kind == kind


def test_what_is_needed_comes_first_and_defaults_are_shown() -> None:
    found = parameters(of("http.fetch"), {"url": "https://example.org/"})
    assert [(each.name, each.required, each.value) for each in found[:1]] == [("url", True, "https://example.org/")]
    assert {each.name: each.usual for each in found}["method"] == "GET"


def test_every_job_can_be_entered() -> None:
    for each in definitions():
        assert {found.name for found in parameters(each.schema(), {})} == set(each.schema().get("properties", {}))


@pytest.mark.parametrize(
    ("job", "values"),
    [
        ("http.fetch", {"url": "https://example.org/", "timeout": 2.5, "fail_on_error": False, "headers": {"A": "b"}}),
        ("http.fetch", {"url": "https://example.org/", "body": "as it is"}),
        ("http.fetch", {"url": "https://example.org/", "body": [1, {"a": None}]}),
        ("email.send", {"to": ["a@example.org", "b@example.org"], "subject": "s", "body": "two\nlines"}),
        ("demo.process_data", {"steps": 3}),
        ("http.fetch", {"url": {"$secret": "hook"}, "method": {"$secret": "verb"}, "headers": {"$secret": "headers"}}),
        ("demo.process_data", {"steps": {"$secret": "steps"}}),
    ],
)
def test_stored_parameters_are_read_back_as_they_are(job: str, values: dict[str, Any]) -> None:
    assert read(of(job), shown(of(job), values)) == (values, [])


def test_a_reference_to_a_secret_is_entered_as_a_text() -> None:
    found = parameters(of("http.fetch"), {"method": '{"$secret": "verb"}', "url": '{"$secret": 1, "b": 2}'})
    assert {each.name: each.kind for each in found if each.name in {"method", "url"}} == {
        "url": "text",
        "method": "text",
    }
    assert read(of("http.fetch"), {"url": '{"$secret": '}) == ({"url": '{"$secret": '}, [])


@pytest.mark.parametrize(
    ("about", "is_secret"), [({"writeOnly": True}, True), ({"format": "password"}, True), ({"format": "uri"}, False)]
)
def test_a_secret_field_asks_for_the_name_of_a_secret(about: dict[str, Any], is_secret: bool) -> None:
    (found,) = parameters({"properties": {"key": {"type": "string", **about}}}, {})
    assert found.is_secret is is_secret


@pytest.mark.parametrize("text", ["many", "nan", "inf", "1e999"])
def test_a_number_that_is_none_is_left_to_the_job(text: str) -> None:
    assert read(of("demo.process_data"), {"steps": text}) == ({"steps": text}, [])


def test_broken_json_is_told_at_its_field() -> None:
    values, problems = read(of("http.fetch"), {"headers": "{not json"})
    assert (values, [(each.field, each.code) for each in problems]) == ({}, [("parameters.headers", "not_json")])
    assert [each.field for each in read_whole("{not json")[1]] == ["parameters"]
    assert read_whole(json.dumps({"a": 1})) == ({"a": 1}, [])
