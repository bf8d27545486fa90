"""A bad request changes nothing. Its answer names the bad members and says what to write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from api.errors import MOST_ERRORS
from scheduling.models import Schedule
from tests.api.asking import SCHEDULES, made, of, pointers, sent, stored, wanted
from tests.api.conformance import CheckedClient

SURROGATE, NUL = "\ud800", "a\0b"
HUGE = 10**30
SINGLE: list[tuple[str, Any, str]] = [
    # the member, its bad value, and what the detail must tell
    ("name", 3, "string"), ("name", None, "null"), ("name", [], "string"), ("name", True, "string"),
    ("name", "  ", "blank"), ("name", "x" * 201, "200"), ("name", NUL, "ull character"),
    ("name", SURROGATE, "U+D800"),
    ("description", 3, "string"), ("description", {}, "string"), ("description", NUL, "ull character"),
    ("description", SURROGATE, "U+D800"), ("description", "x" * 10_001, "10000"), ("description", None, "null"),
    ("job", "demo.process_dat", "did you mean demo.process_data"), ("job", 1, "string"), ("job", None, "null"),
    ("job", NUL, "ull character"), ("job", SURROGATE, "U+D800"), ("job", "", "blank"),
    ("parameters", [], "object"), ("parameters", "x", "object"), ("parameters", 3, "object"),
    ("parameters", None, "null"),
    ("parameters", {"steps": NUL}, "U+0000"), ("parameters", {SURROGATE: 1}, "U+D800"),
    ("parameters", {"steps": "x" * 100_001}, "100,000"),
    ("cron", 5, "string"), ("cron", None, "null"), ("cron", [], "string"), ("cron", "61 * * * *", "0 to 59"),
    ("cron", "* * * *", "five fields"), ("cron", "0 22-2 * * *", "22-23,0-2"), ("cron", "0 0 30 2 *", "never"),
    ("cron", "* * * * *" + NUL, "ull character"), ("cron", SURROGATE, "U+D800"),
    ("cron", "0" + ",1" * 600 + " * * * *", "1000"),
    ("cron", "\u0665 * * * *", "minute"), ("cron", "", "either"), ("cron", "@reboot", "reboot"),
    ("timezone", "Mars/Base", "IANA"), ("timezone", "europe/berlin", "Europe/Berlin"), ("timezone", 3, "string"),
    ("timezone", None, "null"), ("timezone", "../../etc/passwd", "IANA"), ("timezone", "/etc/localtime", "IANA"),
    ("timezone", NUL, "ull character"), ("timezone", SURROGATE, "U+D800"), ("timezone", "x" * 65, "64"),
    ("starts_at", "2099-01-01T00:00:00", "offset"), ("starts_at", "2099-01-01", "RFC 3339"),
    ("starts_at", 3, "RFC 3339"),
    ("starts_at", 1.5, "RFC 3339"), ("starts_at", "2099-01-01T00:00:00.5Z", "whole seconds"),
    ("starts_at", "2099-01-01T00:00:60Z", "RFC 3339"), ("starts_at", "2099-02-30T00:00:00Z", "RFC 3339"),
    ("starts_at", "0001-01-01T00:00:00Z", "1970"), ("starts_at", "0001-01-01T00:00:00+14:00", "RFC 3339"),
    ("starts_at", "9999-12-31T23:59:59Z", "9998"), ("ends_at", "9999-12-31T23:59:59-14:00", "RFC 3339"),
    ("ends_at", "0001-01-01T00:00:00Z", "1970"),
    ("ends_at", "\u0662\u0660\u0669\u0669-01-01T00:00:00Z", "RFC 3339"), ("ends_at", [], "RFC 3339"),
    ("backend", "quartz", "beat, crontab, auto"), ("backend", 1, "string"), ("backend", None, "null"),
    ("backend", NUL, "ull character"), ("backend", SURROGATE, "U+D800"), ("backend", "", "blank"),
    ("executor", "moon", "worker, inline, auto"), ("executor", [], "string"), ("executor", SURROGATE, "U+D800"),
    ("host", 3, "string"), ("host", NUL, "ull character"), ("host", SURROGATE, "U+D800"), ("host", None, "null"),
    ("overlap", "maybe", "skip, queue, replace, allow"), ("overlap", [], "skip, queue"),
    ("overlap", {}, "skip, queue"),
    ("overlap", None, "null"), ("overlap", SURROGATE, "skip, queue"), ("overlap", "", "skip, queue"),
    ("catch_up", "some", "none, latest, all"), ("catch_up", 0, "none, latest, all"),
    ("grace", -1, "366 days"), ("grace", 367 * 86400, "366 days"), ("grace", HUGE, "whole seconds"),
    ("grace", 1.5, "whole seconds"),
    ("grace", "x", "ISO 8601"), ("grace", None, "null"), ("grace", True, "whole seconds"), ("grace", "P", "ISO 8601"),
    ("grace", "PT", "ISO 8601"), ("grace", "P1Y", "ISO 8601"), ("grace", "P" + "9" * 5000 + "D", "ISO 8601"),
    ("grace", "PT\u0665M", "ISO 8601"), ("grace", "-PT5M", "ISO 8601"), ("catch_up_window", -1, "366 days"),
    ("catch_up_window", "P367D", "366 days"), ("catch_up_window", [], "ISO 8601"),
    ("paused", "yes", "true or false"), ("paused", 1, "true or false"), ("paused", None, "null"),
    ("paused", [], "true or false"),
    ("priority", 10, "0 to 9"), ("priority", -1, "0 to 9"), ("priority", HUGE, "0 to 9"), ("priority", "5", "integer"),
    ("priority", True, "integer"), ("priority", None, "null"), ("queue", "a b", "letters"), ("queue", 3, "string"),
    ("queue", "a\nb", "letters"), ("queue", SURROGATE, "U+D800"), ("on_lost", "forget", "retry"),
    ("timeout", 0, "least one"),
    ("timeout", HUGE, "least one"), ("soft_timeout", "x", "ISO 8601"),
    ("tz", "UTC", "no such member: choose from"), (SURROGATE, 1, "no such member"), ("", 1, "no such member"),
    ("next_due_at", None, "no such member"), ("routed_to", "beat", "no such member"), ("id", 7, "no such member"),
]  # fmt: skip
EVERY: list[tuple[Any, str]] = [
    (1.5, "ISO 8601"), ("5", "ISO 8601"), (0, "least one"), (-1, "least one"), (True, "ISO 8601"), (HUGE, "least one"),
    (2**31, "least one"),
    (2**31 - 1, "366 days"), ("P1Y", "ISO 8601"), ("PT0S", "least one"), ("PT0.5S", "ISO 8601"), ({}, "ISO 8601"),
    (SURROGATE, "ISO 8601"), (None, "either"),
]  # fmt: skip
SEVERAL: list[tuple[dict[str, Any], dict[str, str]]] = [
    # members, and each place at fault with what must be told of it
    ({"every": 60}, {"/cron": "either"}),
    ({"cron": "", "every": 60, "timezone": "x"}, {"/timezone": "IANA"}),
    ({"starts_at": "2099-01-02T00:00:00Z", "ends_at": "2099-01-01T00:00:00Z"}, {"/ends_at": "after starts_at"}),
    ({"starts_at": "2099-01-01T00:00:00Z", "ends_at": "2099-01-01T01:00:00+01:00"}, {"/ends_at": "after starts_at"}),
    ({"catch_up": "all", "overlap": "skip"}, {"/overlap": "queue or allow"}),
    ({"catch_up": "all"}, {"/overlap": "queue or allow"}),
    ({"cron": "", "every": 30, "backend": "crontab"}, {"/every": "multiple of 60"}),
    ({"cron": "", "every": 60, "starts_at": "2099-01-01T00:00:07Z", "backend": "crontab"},
    {"/every": "whole minute"}),
    ({"backend": "beat", "executor": "inline"}, {"/executor": "worker"}),
    ({"backend": "crontab", "host": "nowhere"}, {"/host": "crontab_agent"}),
    ({"cron": "", "every": 30, "executor": "inline"}, {"/backend": "multiple of 60"}),
    ({"name": 1, "grace": "x", "zone": 1}, {"/name": "string", "/grace": "ISO 8601", "/zone": "no such member"}),
    ({"name": 1, "job": "x", "backend": "x", "zone": 1},
    {"/name": "string", "/job": "no job", "/backend": "no backend", "/zone": "no such member"}),
    ({"job": "x", "cron": "", "every": 30, "backend": "crontab"}, {"/job": "no job", "/every": "multiple of 60"}),
    ({"cron": 3, "every": 60}, {"/cron": "string"}),
    ({"cron": "x", "backend": "x", "executor": "y"},
    {"/cron": "five fields", "/backend": "no backend", "/executor": "no executor"}),
    ({"executor": 3, "database_away": "run"}, {"/executor": "string"}),
    ({"name": 1, "grace": "x"}, {"/name": "string", "/grace": "ISO 8601"}),
    ({"cron": "x", "job": "x", "grace": -1}, {"/cron": "five fields", "/job": "no job", "/grace": "366 days"}),
    ({"parameters": {"steps": "many"}}, {"/parameters/steps": "integer"}),
    ({"parameters": {"steps": 1.5, "pause": 61}}, {"/parameters/steps": "integer", "/parameters/pause": "60"}),
    ({"parameters": {"steps": HUGE}}, {"/parameters/steps": "1000"}),
    ({"parameters": {"a/b~c.d\\e": 1}}, {"/parameters/a~1b~0c.d\\e": "steps, pause"}),
    ({"parameters": {"": 1}}, {"/parameters/": "steps, pause"}),
    ({"job": "http.fetch"}, {"/parameters/url": "required"}),
    ({"job": "http.fetch", "parameters": {"url": "file:///etc/passwd"}}, {"/parameters/url": "http"}),
    ({"job": "http.fetch", "parameters": {"url": "http://a.example/", "headers": {"x.y": 3}}},
    {"/parameters/headers/x.y": "string"}),
    ({"a/b~": 1, "c.d": 2}, {"/a~1b~0": "no such member", "/c.d": "no such member"}),
]  # fmt: skip


def body(**members: Any) -> dict[str, Any]:
    """The body of a valid schedule with these members changed. None is sent as null."""
    return wanted() | members


TABLE: list[tuple[dict[str, Any], dict[str, str]]] = [
    *[(body(**{name: value}), {f"/{name}".replace(SURROGATE, "\\ud800"): said}) for name, value, said in SINGLE],
    *[(body(cron="", every=value), {("/cron" if value is None else "/every"): said}) for value, said in EVERY],
    *[(body(**members), places) for members, places in SEVERAL],
    ({"cron": "* * * * *"}, {"/name": "required", "/job": "required"}),
    ({}, {"/name": "required", "/job": "required", "/cron": "either"}),
]


def refused(response: Any, places: dict[str, str]) -> None:
    assert response.status_code == 400
    assert response.json()["code"] == "invalid"
    assert sorted(pointers(response)) == sorted(places)
    for error in response.json()["errors"]:
        assert places[error["pointer"]] in error["detail"]


# Each table is one test: nothing changes, so that all of its requests find the same schedules.
def test_a_bad_request_changes_nothing(operator: CheckedClient, crontab: Path, subtests: pytest.Subtests) -> None:
    beat, cron = made(operator, backend="beat"), made(operator, backend="crontab")
    before = stored(crontab)
    for asked, places in TABLE:
        text = json.dumps(asked)
        with subtests.test(text=text[:200]):
            refused(sent(operator, "POST", SCHEDULES, text), places)
            for present in (beat, cron):
                refused(sent(operator, "PUT", of(present), text), places)
            assert stored(crontab) == before


PATCHES = [(name, value, said) for name, value, said in SINGLE if (name, value) != ("cron", "")]


def test_a_bad_change_changes_nothing(operator: CheckedClient, crontab: Path, subtests: pytest.Subtests) -> None:
    schedule = made(operator, backend="crontab")
    before = stored(crontab)
    for name, value, said in PATCHES:
        text = json.dumps({name: value})
        with subtests.test(text=text[:200]):
            response = sent(operator, "PATCH", of(schedule), text)
            refused(response, {f"/{name}".replace(SURROGATE, "\\ud800"): said})
            assert stored(crontab) == before


@pytest.mark.parametrize(
    "change",
    [
        {"cron": "* * * * *", "every": 60}, {"cron": ""}, {"every": 30}, {"executor": "moon"}, {"backend": "beat"},
        {"host": "nowhere"}, {"catch_up": "all"}, {"ends_at": "2098-01-01T00:00:00Z"}, {"job": "http.fetch"},
    ],
)  # fmt: skip
def test_a_change_that_does_not_fit_what_is_there_changes_nothing(
    operator: CheckedClient, crontab: Path, change: dict[str, Any]
) -> None:
    schedule = made(operator, backend="crontab", executor="inline", starts_at="2099-01-01T00:00:00Z")
    before = stored(crontab)
    response = operator.patch(of(schedule), change, format="json")
    assert response.status_code == 400
    assert pointers(response) != []
    assert stored(crontab) == before


NAMED = b'{"name":"n","job":"demo.process_data","cron":"* * * * *",'
NO_JSON = {
    "broken": b"{", "two values": b"{} {}", "single quotes": b"{'name':'n'}", "trailing comma": b'{"name":"n",}',
    "not UTF-8": b'{"name":"\xe9"}', "NaN": NAMED + b'"grace":NaN}', "Infinity": NAMED + b'"grace":-Infinity}',
    "nested lists": NAMED + b'"parameters":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "nested objects": NAMED + b'"parameters":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
    "endless digits": NAMED + b'"grace":' + b"9" * 5_000 + b"}", "white space": b"   ",
    "UTF-16": '{"name":"n"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}", "binary": bytes(range(256)),
}  # fmt: skip


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_what_is_no_json_is_refused(
    operator: CheckedClient, crontab: Path, method: str, subtests: pytest.Subtests
) -> None:
    schedule = made(operator)
    before = stored(crontab)
    address = SCHEDULES if method == "POST" else of(schedule)
    for name, text in NO_JSON.items():
        with subtests.test(name):
            response = sent(operator, method, address, text)
            assert response.status_code == 400
            assert response.json()["code"] == "parse_error"
            assert stored(crontab) == before


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_json_that_is_no_object_is_refused(
    operator: CheckedClient, crontab: Path, method: str, subtests: pytest.Subtests
) -> None:
    schedule = made(operator)
    before = stored(crontab)
    address = SCHEDULES if method == "POST" else of(schedule)
    for text in (b"[]", b'"x"', b"3", b"null", b"true", b"[{}]", b"1e400"):
        with subtests.test(text=text):
            response = sent(operator, method, address, text)
            assert response.status_code == 400
            assert pointers(response) == [""]
            assert stored(crontab) == before


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"1.5", b"1e2"])
@pytest.mark.parametrize("member", [b"grace", b"catch_up_window", b"every"])
def test_a_number_with_a_fraction_or_beyond_all_bounds_is_no_duration(
    operator: CheckedClient, crontab: Path, member: bytes, number: bytes
) -> None:
    text = NAMED + b'"' + member + b'":' + number + b"}"
    response = sent(operator, "POST", SCHEDULES, text)
    assert response.status_code == 400
    assert pointers(response) == ["/" + member.decode()]
    assert Schedule.objects.count() == 0


def test_an_infinite_parameter_is_refused(operator: CheckedClient, crontab: Path) -> None:
    text = NAMED + b'"parameters":{"pause":1e400}}'
    response = sent(operator, "POST", SCHEDULES, text)
    assert response.status_code == 400
    assert pointers(response) == ["/parameters"]


def test_an_empty_body_names_what_is_needed(operator: CheckedClient, crontab: Path) -> None:
    response = sent(operator, "POST", SCHEDULES, b"")
    refused(response, {"/name": "required", "/job": "required", "/cron": "either"})


def test_a_body_of_two_megabytes_is_not_read(operator: CheckedClient, crontab: Path) -> None:
    text = json.dumps(body(description="x" * 2_000_000))
    response = sent(operator, "POST", SCHEDULES, text)
    assert response.status_code == 413
    assert response.json()["code"] == "too_large"
    assert f"{settings.TANDEM_MAX_BODY_BYTES:,}" in response.json()["detail"]
    assert Schedule.objects.count() == 0


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("application/x-www-form-urlencoded", "name=n&job=demo.process_data&cron=*"),
        ("multipart/form-data; boundary=b",
        '--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nn\r\n--b--\r\n'),
        ("text/plain", "{}"), ("application/xml", "<a/>"), ("nonsense", "{}"),
    ],
)  # fmt: skip
def test_other_kinds_of_bodies_are_refused(operator: CheckedClient, crontab: Path, kind: str, text: str) -> None:
    response = operator.generic("POST", SCHEDULES, text, content_type=kind)
    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_media_type"
    assert Schedule.objects.count() == 0


def test_the_list_of_errors_is_bounded(operator: CheckedClient, crontab: Path) -> None:
    response = operator.post(SCHEDULES, {f"m{number}": 1 for number in range(5_000)}, format="json")
    assert response.status_code == 400
    assert len(pointers(response)) == MOST_ERRORS
