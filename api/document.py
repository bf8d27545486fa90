"""What is added to the OpenAPI document when its operations are known? Problems, headers, and the rows of short lists.

Each function is a hook of drf-spectacular: it takes the whole document and returns it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from api.errors import MEDIA_TYPE, MOST_ERRORS
from api.etags import IF_MATCH, IF_MATCH_OF_SCHEDULE, IF_NONE_MATCH
from api.examples import EXAMPLES
from api.rows import FIELDS
from scheduling.words import languages

Json = dict[str, Any]


class _Refusal(NamedTuple):
    """A response of the components: its name, when it is answered, and its headers."""

    name: str
    when: str
    headers: tuple[str, ...] = ()


_HEADERS: Final[Mapping[str, Json]] = {
    "Content-Language": {
        "description": "The language of the words.",
        "schema": {"type": "string", "enum": languages()},
    },
    "ETag": {"description": "The version and a digest of the answer.", "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "This is the answer to an earlier request with the same `Idempotency-Key`.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Location": {"description": "The address of what was created.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer", "minimum": 1}},
    "WWW-Authenticate": {"description": "How to say who asks.", "schema": {"type": "string"}},
}
_REFUSALS: Final[Mapping[str, _Refusal]] = {
    "400": _Refusal("Invalid", "Something in the request cannot be: `errors` says what."),
    "401": _Refusal("Unknown", "No token and no session, or a token that is no good.", ("WWW-Authenticate",)),
    "403": _Refusal("Forbidden", "The role, the scopes of the token or the owner does not allow it."),
    "404": _Refusal("NotThere", "There is no such thing, or it may not be seen."),
    "406": _Refusal("NotAcceptable", "`Accept` names no form that there is."),
    "408": _Refusal("TooSlow", "The body did not arrive in time."),
    "409": _Refusal("Conflict", "The present state does not allow it."),
    "412": _Refusal("Stale", "It is not the version that is meant."),
    "413": _Refusal("TooLarge", "The body has more bytes than are read."),
    "415": _Refusal("NotReadable", "The body is in no form that is read."),
    "422": _Refusal("KeyReused", "This `Idempotency-Key` was sent with another request."),
    "428": _Refusal("VersionNeeded", "The installation asks for `If-Match`."),
    "429": _Refusal("TooMany", "Too many requests.", ("Retry-After",)),
    "503": _Refusal("Away", "The database or the backend is away.", ("Retry-After",)),
}
_CODE: Final[Json] = {"type": "string", "pattern": "^[a-z_]+$", "description": "For programs; it stays as it is."}
_DETAIL: Final[Json] = {"type": "string", "minLength": 1, "description": "For people."}
_SCHEMAS: Final[Mapping[str, Json]] = {
    "Problem": {
        "type": "object",
        "description": "Why a request is refused (RFC 9457).",
        "required": ["type", "title", "status", "code", "detail"],
        "additionalProperties": False,
        "properties": {
            "type": {"type": "string", "enum": ["about:blank"]},
            "title": {"type": "string", "minLength": 1},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": _CODE,
            "detail": _DETAIL,
            "errors": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_ERRORS,
                "items": {"$ref": "#/components/schemas/PartProblem"},
            },
        },
    },
    "PartProblem": {
        "type": "object",
        "description": "What is wrong with one part of the request.",
        "required": ["pointer", "code", "detail"],
        "additionalProperties": False,
        "properties": {
            "pointer": {
                "type": "string",
                "pattern": "^(/|$)",
                "description": "A JSON pointer (RFC 6901) into the body, or `/` and the name of a parameter.",
            },
            "code": _CODE,
            "detail": _DETAIL,
        },
    },
}


def with_problems(result: Json, **_: Any) -> Json:
    """The document, in which each operation names the problems that it can answer, and no others."""
    components = result["components"]
    components["schemas"] |= _SCHEMAS
    components["headers"] = dict(_HEADERS)
    components["responses"] = {one.name: _problem(one) for one in _REFUSALS.values()}
    for path, method, operation in _operations(result):
        found = {
            status: {"$ref": f"#/components/responses/{_REFUSALS[status].name}"}
            for status in _statuses(path, method, operation)
        }
        operation["responses"] = dict(sorted((operation["responses"] | found).items()))
    return result


def with_headers(result: Json, **_: Any) -> Json:
    """The document, in which each answer names its headers. No answer must have all of them: a dry run has few."""
    for _path, method, operation in _operations(result):
        given = {about["name"] for about in operation.get("parameters", [])}
        for status, response in operation["responses"].items():
            names = sorted(_headers(method, status, given))
            if names:
                response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return result


def with_numbers(result: Json, **_: Any) -> Json:
    """The document, in which the ids in addresses are numbers, as they are in bodies."""
    for _path, _method, operation in _operations(result):
        for about in operation.get("parameters", []):
            if about["schema"].get("pattern") == "^[0-9]{1,18}$":
                about["schema"] = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
    return result


def with_bodies(result: Json, **_: Any) -> Json:
    """The document, in which each body has an example and takes no other members than those that it names."""
    schemas = result["components"]["schemas"]
    for _path, _method, operation in _operations(result):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is not None:
            name = _named(content["schema"])
            content["example"] = EXAMPLES[name]
            _close(name, schemas)
    return result


def _close(name: str, schemas: Json) -> None:
    """Refuse unknown members of this schema, and of those that it refers to: `api.fields.StrictSerializer`."""
    schemas[name]["additionalProperties"] = False
    for member in schemas[name]["properties"].values():
        inner = member.get("items", {}).get("$ref")
        if inner is not None and "properties" in schemas[inner.rpartition("/")[2]]:
            _close(inner.rpartition("/")[2], schemas)


def _named(schema: Json) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def with_short_rows(result: Json, **_: Any) -> Json:
    """The document, in which the rows of a list that takes `fields` may be short: they have some members, or all."""
    schemas = result["components"]["schemas"]
    for _path, _method, operation in _operations(result):
        if all(one["name"] != FIELDS for one in operation.get("parameters", [])):
            continue
        page = _named(operation["responses"]["200"]["content"]["application/json"]["schema"])
        rows = schemas[page]["properties"]["results"]
        if "$ref" not in rows["items"]:  # The page of another list with the same rows, which was done already.
            continue
        whole = _named(rows["items"])
        short = f"{whole}Part"
        schemas[short] = {name: value for name, value in schemas[whole].items() if name != "required"} | {
            "description": f"The members of {whole} that `{FIELDS}` names.",
            "minProperties": 1,
            "additionalProperties": False,
        }
        rows["items"] = {"anyOf": [rows["items"], {"$ref": f"#/components/schemas/{short}"}]}
    return result


def _operations(result: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _problem(refusal: _Refusal) -> Json:
    shown: Json = {
        "description": refusal.when,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("Content-Language", *refusal.headers)}
    return shown | {"headers": headers}


def _statuses(path: str, method: str, operation: Json) -> set[str]:
    """The statuses of the refusals of an operation, by what it takes."""
    parameters = operation.get("parameters", [])
    headers = {about["name"]: about for about in parameters if about["in"] == "header"}
    found = {"401", "403", "406", "429", "503"}
    # An address that is not known is 404, and an ETag that is not known is no error: neither can be invalid.
    if "requestBody" in operation or any(
        about["in"] == "query" or about["name"] != IF_NONE_MATCH.name for about in parameters if about["in"] != "path"
    ):
        found.add("400")
    # A `format` that does not exist is answered like an unknown address.
    if "{" in path or any(about["name"] == "format" for about in parameters):
        found.add("404")
    if "requestBody" in operation:
        found |= {"408", "413", "415"}
    if "Idempotency-Key" in headers:
        found |= {"409", "422"}
    if IF_MATCH.name in headers:
        found.add("412")
    if headers.get(IF_MATCH.name, {}).get("description") == IF_MATCH_OF_SCHEDULE.description:
        found.add("428")
    if _may_conflict(method, operation, headers):
        found.add("409")
    return found


def _may_conflict(method: str, operation: Json, headers: Mapping[str, Json]) -> bool:
    """Whether a PUT or DELETE may be refused because of what is stored."""
    # Several may create one key at once, and delete it again.
    a_key = method == "put" and IF_NONE_MATCH.name in headers
    # There are no keys for secrets, or schedules use it.
    a_secret = method in {"put", "delete"} and "secrets" in operation["tags"]
    return a_key or a_secret


def _headers(method: str, status: str, given: set[str]) -> set[str]:
    """The headers of a success, by what the operation takes."""
    found: set[str] = set()
    if not status.startswith(("2", "3")) or status == "204":
        return found
    versioned = method != "delete" and not given.isdisjoint({IF_MATCH.name, IF_NONE_MATCH.name})
    if versioned or status in {"201", "202"}:
        found.add("ETag")
    if status == "201":
        found.add("Location")
    if "language" in given and status != "304":
        found.add("Content-Language")
    if "Idempotency-Key" in given:
        found.add("Idempotency-Replayed")
    return found
