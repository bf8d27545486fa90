"""A job's parameters as fields of a form, from the JSON Schema of the job. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from scheduling.errors import Problem
from scheduling.secret_values import MEMBER
from scheduling.storable import Json

# What the names of these fields begin with: a parameter may be called like a field of the schedule.
PREFIX: Final = "parameters."
# The field that holds all parameters of a job whose schema is not known here.
WHOLE: Final = "parameters"
# A text that may be longer gets several lines.
_LONG: Final = 500


@dataclass(frozen=True, slots=True)
class Parameter:
    """One field. `kind` says how it is entered: text, long, number, choice, flag, lines (a list of texts), json."""

    name: str
    kind: str
    value: str
    required: bool
    about: str
    choices: tuple[str, ...]
    usual: str
    # Whether its schema calls it secret, so that only a reference to a secret should be written here.
    is_secret: bool

    @property
    def field(self) -> str:
        """Its name in the form, which is also where the domain reports a problem with it."""
        return PREFIX + self.name

    @property
    def label(self) -> str:
        """Its name as words."""
        return self.name.replace("_", " ").capitalize()


def parameters(schema: Mapping[str, Any], entered: Mapping[str, str]) -> list[Parameter]:
    """The fields of a schema, with what was entered (by the names of the parameters). The required ones come first."""
    required = set(schema.get("required", ()))
    found = [
        Parameter(
            name=name,
            # A reference to a secret is a text, whatever the value is that it stands for.
            kind="text" if _reference(entered.get(name, "")) else _kind(about),
            value=entered.get(name, ""),
            required=name in required,
            about=str(about.get("description", "")),
            choices=tuple(map(str, about.get("enum", ()))),
            usual="" if about.get("default") is None else _shown(about["default"], _kind(about)),
            is_secret=about.get("writeOnly") is True or about.get("format") == "password",
        )
        for name, about in schema.get("properties", {}).items()
    ]
    return sorted(found, key=lambda each: not each.required)


def shown(schema: Mapping[str, Any], values: Mapping[str, Json]) -> dict[str, str]:
    """Stored parameters as somebody would enter them."""
    known = schema.get("properties", {})
    return {name: _shown(value, _kind(known.get(name, {}))) for name, value in values.items()}


def read(schema: Mapping[str, Any], entered: Mapping[str, str]) -> tuple[dict[str, Json], list[Problem]]:
    """The parameters that were entered, and what cannot be read. What is left empty is left out, so it has its default.

    A number that is none stays a text: the job's own check says what is wrong with it.
    """
    values: dict[str, Json] = {}
    problems: list[Problem] = []
    for name, about in schema.get("properties", {}).items():
        text = entered.get(name, "")
        # A text that must be there may be empty: the job decides.
        if not text.strip():
            continue
        try:
            values[name] = _read(text, about)
        except ValueError as exc:
            problems.append(Problem(PREFIX + name, "not_json", f"Write JSON: {exc}"))
    return values, problems


def read_whole(text: str) -> tuple[Json, list[Problem]]:
    """All parameters as one JSON object, and what is wrong with it."""
    try:
        return json.loads(text or "{}"), []
    except ValueError as exc:
        return {}, [Problem(WHOLE, "not_json", f"Write a JSON object: {exc}")]


def _kind(about: Mapping[str, Any]) -> str:
    if "enum" in about:
        return "choice"
    ways = [way for way in about.get("anyOf", [about]) if way.get("type") != "null"]
    if len(ways) > 1:
        return "json"
    kind = ways[0].get("type") if ways else None
    if kind == "array" and ways[0].get("items", {}).get("type") == "string":
        return "lines"
    if kind == "string":
        return "text" if (ways[0].get("maxLength") or about.get("maxLength") or _LONG + 1) <= _LONG else _text(ways[0])
    return {"integer": "number", "number": "number", "boolean": "flag"}.get(str(kind), "json")


def _text(about: Mapping[str, Any]) -> str:
    """An address or a path is one line, however long it may be."""
    return "text" if about.get("format") or about.get("maxLength") else "long"


def _read(text: str, about: Mapping[str, Any]) -> Json:
    if reference := _reference(text):
        return reference
    match _kind(about):
        case "lines":
            return [line.strip() for line in text.splitlines() if line.strip()]
        case "flag":
            return {"true": True, "false": False}.get(text, text)
        case "number":
            return _number(text.strip())
        case "json":
            return _json(text, about)
        case _:
            return text


def _reference(text: str) -> dict[str, Json] | None:
    """The reference to a secret that the text is, if it is one: {"$secret": "NAME"}."""
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else None
    except ValueError:
        return None
    return found if isinstance(found, dict) and set(found) == {MEMBER} else None


def _number(text: str) -> Json:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return text
    # JSON has neither of the others.
    return number if number - number == 0 else text


def _json(text: str, about: Mapping[str, Any]) -> Json:
    """JSON; or a text as it is where the schema allows one and it does not look like JSON."""
    texts = any(way.get("type") == "string" for way in about.get("anyOf", ()))
    if texts and text.lstrip()[:1] not in {"{", "["}:
        return text
    parsed: Json = json.loads(text)
    return parsed


def _shown(value: Json, kind: str) -> str:
    if isinstance(value, dict) and set(value) == {MEMBER}:
        return json.dumps(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if kind == "lines" and isinstance(value, list):
        return "\n".join(map(str, value))
    return json.dumps(value, ensure_ascii=False, indent=2 if kind == "json" else None)
