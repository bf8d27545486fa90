"""docs/api.md is run: its examples, and its tables against the code."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient

import api.urls  # noqa: F401 - with it every module of the API is loaded, and the whole family of errors is known
from api.errors import MOST_ERRORS, problem_response
from api.etags import VersionRequired
from api.fields import Instant, Seconds
from api.idempotency import KeyInUse, KeyReused
from api.pagination import NewestFirst
from api.permissions import Scope
from scheduling.errors import InvalidRequest, InvalidTrigger, TandemError
from scheduling.roles import Role
from scheduling.words import UnknownLanguage
from tests.api.asking import made, of
from tests.api.conformance import CheckedClient, openapi, operations
from tests.api.conftest import admin, checked, crontab, operator, viewer
from tests.api.test_permissions import LEAST, with_scopes
from tests.api.two_owners import somebody
from tests.docs.pages import DOCS, ROOT, examples, section, table

__all__ = ["admin", "crontab", "operator", "viewer"]

PAGE = (DOCS / "api.md").read_text(encoding="utf-8")
STATUSES = {code: int(status) for code, status, _ in table(PAGE, "| code | status | when |")}
TIMES, DURATIONS = (part.partition("\n\n")[2] for part in PAGE.split("**Times**")[1].split("**Durations**"))


def family(base: type[TandemError] = TandemError) -> Iterator[type[TandemError]]:
    yield base
    for kind in base.__subclasses__():
        yield from family(kind)


def made_of(kind: type[TandemError]) -> TandemError:
    if issubclass(kind, InvalidRequest):
        return kind([])
    if issubclass(kind, InvalidTrigger):
        return kind("", field="zone")
    return kind("")


@pytest.mark.parametrize(("rows", "field"), [(TIMES, Instant()), (DURATIONS, Seconds())])
def test_times_and_durations_are_taken_as_shown(rows: str, field: Any) -> None:
    shown = table(rows, "| written | taken as |")
    assert len(shown) > 5
    for written, taken in shown:
        if taken == "refused":
            with pytest.raises(ValidationError):
                field.to_internal_value(json.loads(written))
        else:
            assert field.to_representation(field.to_internal_value(json.loads(written))) == json.loads(taken)


@pytest.mark.parametrize("name", ["form", "meaning"])
def test_an_error_looks_as_shown(operator: CheckedClient, crontab: Path, name: str) -> None:
    [body], [answer] = examples(PAGE, f"ask={name}"), examples(PAGE, f"answer={name}")
    found = operator.post("/api/schedules/", body, format="json").json()
    assert {member: found.get(member) for member in answer} == answer
    assert name == "meaning" or found == answer


def test_every_error_of_the_family_is_listed_with_its_status() -> None:
    # Of the jobs of the tests, and of whoever installs this, nothing is said.
    ours = {kind for kind in family() if kind.__module__.startswith(("scheduling.", "api.", "backends."))}
    assert len(ours) > 10
    for kind in ours:
        response = problem_response(made_of(kind), {})
        assert STATUSES[kind.code] == (response.status_code if response else 500), kind


def test_a_language_that_is_not_offered_is_a_part_of_an_invalid_request(viewer: CheckedClient) -> None:
    response = viewer.post("/api/cron/describe/?language=xx", {"cron": "* * * * *"}, format="json")
    assert response.status_code == STATUSES["unknown_language"]
    assert [error["code"] for error in response.json()["errors"]] == [UnknownLanguage.code]


def _bad_token(_: CheckedClient) -> Any:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer 0123456789abcdef0123456789abcdef")
    return client.get("/api/tasks/")


OTHERS: dict[str, Callable[[CheckedClient], Any]] = {
    "parse_error": lambda client: client.generic("POST", "/api/tasks/", "{", content_type="application/json"),
    "not_authenticated": lambda _: APIClient().get("/api/tasks/"),
    "authentication_failed": _bad_token,
    "permission_denied": lambda _: checked("viewer").post("/api/tasks/", {}, format="json"),
    "insufficient_scope": lambda _: with_scopes(Role.ADMIN, Scope.READ).post("/api/tasks/", {}, format="json"),
    "bound_to_owner": lambda _: somebody("alice", bound_to="red").rest.get("/api/hosts/"),
    "method_not_allowed": lambda client: client.put("/api/tasks/", {}, format="json"),
    "not_acceptable": lambda client: client.get("/api/tasks/", HTTP_ACCEPT="image/png"),
    "too_large": lambda client: client.generic(
        "POST", "/api/tasks/", " " * (configured.TANDEM_MAX_BODY_BYTES + 1), content_type="application/json"
    ),
    "unsupported_media_type": lambda client: client.generic("POST", "/api/tasks/", "a=1", content_type="text/csv"),
}


# docs and code name the same; tests/api/ has each of them answered.
OWN = (KeyInUse, KeyReused, VersionRequired)


@pytest.mark.parametrize("code", OTHERS)
def test_what_is_refused_before_the_domain_is_asked(operator: CheckedClient, code: str) -> None:
    response = OTHERS[code](operator)
    assert (response.status_code, response.json()["code"]) == (STATUSES[code], code)


def test_what_the_api_itself_refuses_is_listed_with_its_status() -> None:
    for kind in OWN:
        response = problem_response(kind(), {})
        assert response is not None
        assert STATUSES[kind.default_code] == response.status_code == kind.status_code


def test_no_other_code_is_listed() -> None:
    assert set(STATUSES) == {kind.code for kind in family() if kind.__module__.startswith("scheduling.")} | {
        *OTHERS,
        *(kind.default_code for kind in OWN),
        "internal",
        "database_unavailable",
        "too_many_connections",
        # tests/api/limits/ and tests/live/test_edge.py
        "throttled",
        "too_slow",
    }


def codes_in(room: str) -> Iterator[str]:
    """The codes of the Problems that a room makes, where the code is written there."""
    for path in (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="Problem") | ast.Attribute(attr="_problem"),
                    args=[_, ast.Constant(value=str(code)), *_],
                ):
                    yield code


def test_every_code_of_a_part_is_listed() -> None:
    listed = {code for code, _ in table(section(PAGE, "Errors"), "| code | |")}
    written = {code for room in ("scheduling", "api", "backends") for code in codes_in(room)}
    # Routing puts it together of two words.
    assert listed == written | {"unknown_backend"}


FORM = [
    ({"name": None}, "null"),
    ({"name": " "}, "blank"),
    ({"name": 3}, "invalid"),
    ({"name": "x" * 201}, "max_length"),
    ({"overlap": "x"}, "invalid_choice"),
    ({"colour": "red"}, "unknown"),
]


@pytest.mark.parametrize(("members", "code"), FORM)
def test_the_codes_of_the_form_are_listed(operator: CheckedClient, members: dict[str, Any], code: str) -> None:
    body = {"name": "x", "job": "demo.process_data", "cron": "* * * * *"} | members
    response = operator.post("/api/schedules/", body, format="json")
    assert [error["code"] for error in response.json()["errors"]] == [code]
    assert f"`{code}`" in PAGE.partition("The codes of `errors`")[2].partition("\n\n")[0]


@pytest.mark.parametrize(("count", "code"), [(0, "min_value"), (1000, "max_value")])
def test_the_codes_of_numbers_are_listed(viewer: CheckedClient, count: int, code: str) -> None:
    response = viewer.post("/api/cron/describe/", {"cron": "* * * * *", "count": count}, format="json")
    assert [error["code"] for error in response.json()["errors"]] == [code]
    assert f"`{code}`" in PAGE.partition("The codes of `errors`")[2].partition("\n\n")[0]


def test_the_errors_of_jobs_are_those_of_the_code() -> None:
    told = dict(table(PAGE, "| error | code |"))
    assert told == {kind.__name__: kind.code for kind in family() if kind.__module__.startswith("jobs.")}


def test_the_roles_are_those_of_the_code() -> None:
    assert [role for role, _ in table(PAGE, "| role | may |")] == [role.name.lower() for role in Role]
    told = {tuple(operation.split(" ")): Role[role.upper()] for operation, role in table(PAGE, "| operation | role |")}
    usual = {key: Role.VIEWER if key[0] == "GET" else Role.OPERATOR for key in LEAST}
    assert told == {key: role for key, role in LEAST.items() if role is not usual[key]}


def test_the_scopes_are_those_of_the_code() -> None:
    assert [scope for scope, _ in table(PAGE, "| scope | for |")] == list(Scope)


def test_the_bounds_are_those_of_the_code() -> None:
    assert f"at most {configured.TANDEM_MAX_BODY_BYTES:,} bytes" in PAGE
    assert f"at most {MOST_ERRORS:,} parts" in PAGE
    assert f"is {NewestFirst.page_size} where nothing is said,\nand at most {NewestFirst.max_page_size}." in PAGE
    assert f"is good for {configured.TANDEM_TOKEN_DAYS} days" in PAGE


def parameters(where: str) -> dict[str, set[str]]:
    """What the schema says of each list that has pages."""
    found = {}
    for path, methods in openapi()["paths"].items():
        names = {about["name"] for about in methods.get("get", {}).get("parameters", []) if about["in"] == where}
        if "cursor" in names:
            found[path] = names - {"cursor", "limit", "ordering", "fields"}
    return found


def test_the_filters_are_those_of_the_schema() -> None:
    rows = {
        path: set(re.findall(r"`([/\w]+)`", names))
        for path, names in table(PAGE, "| list | parameters beside `limit`, `cursor`, `ordering` and `fields` |")
    }
    alike = {path: rows.get(min(names), names) for path, names in rows.items()}
    assert alike == parameters("query")


def test_the_orders_are_those_of_the_schema() -> None:
    found = {}
    for path, methods in openapi()["paths"].items():
        for about in methods.get("get", {}).get("parameters", []):
            if about["name"] == "ordering":
                found[path] = {name.removeprefix("-") for name in about["schema"]["enum"]}
    rows = table(PAGE, "| list | `ordering`, with or without `-` |")
    assert {path: set(re.findall(r"`(\w+)`", names)) for path, names in rows} == found


def test_a_page_is_as_told(viewer: CheckedClient) -> None:
    assert set(viewer.get("/api/tasks/").json()) == {"results", "next", "previous"}
    assert viewer.get("/api/tasks/?limit=201").status_code == 400


def test_the_operations_that_look_at_if_match_are_those_of_the_schema() -> None:
    listed = {tuple(operation.split(" ")) for [operation] in table(PAGE, "| operation |")}
    assert listed == {
        (method, path)
        for method, path in operations()
        if any(about["name"] == "If-Match" for about in openapi()["paths"][path][method.lower()].get("parameters", []))
    }


def test_a_version_is_as_told(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator)
    etag = operator.get(of(schedule)).headers["ETag"]
    assert re.fullmatch('"1-[0-9a-f]{16}"', etag)
    for given, status in ((etag, 200), (etag, STATUSES["stale_version"]), ('W/"2"', 200), ("*", 200), ("3", 400)):
        response = operator.patch(of(schedule), {"name": given}, format="json", HTTP_IF_MATCH=given)
        assert response.status_code == status, given


def test_the_examples_are_all_run() -> None:
    kinds = re.findall(r"^```json (\S+)$", PAGE, re.MULTILINE)
    assert kinds == ["ask=form", "answer=form", "ask=meaning", "answer=meaning"]
    # tests/live/test_client.py runs the one of Python.
    assert PAGE.count("```python\n") == 1
    assert PAGE.count("```") == 2 * len([*kinds, "python"])
