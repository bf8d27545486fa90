"""Jobs, and the schemas that are made from their signatures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Optional

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field

from scheduling.errors import InvalidRequest, Misconfigured, Problem
from scheduling.registry import JobDefinition, UnknownJob, _jobs, definition, definitions, job


@pytest.fixture
def sized() -> Any:
    """A registered job with a required and a bounded parameter."""

    @job("test.sized")
    def run(context: object, *, size: Annotated[int, Field(ge=1, description="How many.")], label: str = "x") -> object:
        """Do it by size.

        More about it.
        """
        return [size, label]

    yield definition("test.sized")
    _jobs.pop("test.sized")


def test_a_signature_is_a_schema(sized: JobDefinition) -> None:
    schema = sized.schema()
    assert schema["required"] == ["size"]
    assert schema["properties"]["size"]["minimum"] == 1
    assert schema["properties"]["size"]["description"] == "How many."
    assert schema["additionalProperties"] is False
    assert sized.summary == "Do it by size."
    assert "More about it." in sized.description


def test_parameters_reach_the_function(sized: JobDefinition) -> None:
    assert sized.run(None, {"size": 3}) == [3, "x"]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "parameters.size"),
        ({"size": 0}, "parameters.size"),
        ({"size": True}, "parameters.size"),
        ({"size": "3"}, "parameters.size"),
        ({"size": 1, "label": 5}, "parameters.label"),
        ({"size": 1, "other": 1}, "parameters.other"),
        ("text", "parameters"),
        ({"size": 1, "label": "\x00"}, "parameters"),
        ({"size": float("inf")}, "parameters"),
        ({"size": 1, "label": "x" * 200_000}, "parameters"),
    ],
)
def test_what_does_not_fit_is_named(sized: JobDefinition, parameters: object, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        sized.check(parameters)
    assert [problem.field for problem in refused.value.problems] == [field]


def test_an_unknown_job_names_its_neighbours() -> None:
    with pytest.raises(UnknownJob, match=r"did you mean demo\.process_data"):
        definition("demo.proces_data")


def test_two_jobs_of_one_name_are_refused(sized: JobDefinition) -> None:
    def other(context: object) -> None: ...

    other.__module__ = "elsewhere"
    with pytest.raises(Misconfigured, match=r"Two jobs are called test\.sized"):
        job("test.sized")(other)


def test_a_signature_that_is_no_schema_is_refused() -> None:
    untyped = lambda context, *, size: size  # noqa: E731 - a lambda has no type hints, which is what is refused

    def positional(context: object, size: int) -> None: ...

    for function in (untyped, positional):
        with pytest.raises(Misconfigured, match="keyword-only, with a type hint"):
            job("test.wrong")(function)
    assert "test.wrong" not in _jobs


class Colour(StrEnum):
    """An enumeration of an application."""

    RED = "red"
    BLUE = "blue"


class Part(BaseModel):
    """One part of an order."""

    model_config = ConfigDict(extra="forbid")

    name: str
    count: Annotated[int, Field(ge=1)] = 1
    colour: Colour = Colour.RED


class Order(BaseModel):
    """Several parts."""

    parts: list[Part]
    notes: dict[str, int] = {}


@pytest.fixture
def rich() -> Iterator[JobDefinition]:
    """A job whose parameters have many kinds of type."""

    @job("test.rich", rule=before_its_end)
    def run(
        context: object,
        *,
        order: Order,
        mode: Literal["fast", "slow"] = "fast",
        colour: Colour = Colour.BLUE,
        start: datetime | None = None,
        end: Optional[datetime] = None,  # noqa: UP045 - the other way to write it, which is to work as well
        sizes: list[int | Part] | None = None,
        json: dict[str, Any] | None = None,
        schema: str = "",
        model_name: str = "",
    ) -> object:
        return [order, mode, colour, start, sizes, json, schema, model_name]

    yield definition("test.rich")
    _jobs.pop("test.rich")


def before_its_end(*, start: datetime | None, end: datetime | None, **_: object) -> Iterator[Problem]:
    if start is not None and end is not None and end <= start:
        yield Problem("end", "too_early", "Write an end after the start.")


def test_types_of_all_kinds_are_a_schema_and_reach_the_function(rich: JobDefinition) -> None:
    order = {"parts": [{"name": "a", "colour": "blue"}], "notes": {"x": 1}}
    given: dict[str, Any] = {
        "order": order,
        "mode": "slow",
        "colour": "red",
        "start": "2026-01-02T03:04:05Z",
        "sizes": [1, {"name": "b"}],
        "json": {"a": [None]},
        "schema": "s",
        "model_name": "m",
    }
    made = Order(parts=[Part(name="a", colour=Colour.BLUE)], notes={"x": 1})
    start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    sizes = [1, Part(name="b")]
    assert rich.check(given) == given
    assert rich.run(None, given) == [made, "slow", Colour.RED, start, sizes, {"a": [None]}, "s", "m"]
    schema = rich.schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(given)
    assert schema["properties"]["mode"]["enum"] == ["fast", "slow"]
    assert schema["$defs"]["Colour"]["enum"] == ["red", "blue"]
    assert schema["required"] == ["order"]


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"mode": "odd"}, ["mode"]),
        ({"colour": "green"}, ["colour"]),
        ({"start": "soon"}, ["start"]),
        ({"order": {}}, ["order.parts"]),
        ({"order": {"parts": [{"name": "a"}, {"name": 5}]}}, ["order.parts.1.name"]),
        ({"order": {"parts": [{"name": "a", "count": 0}]}}, ["order.parts.0.count"]),
        ({"order": {"parts": [{"name": "a", "size": 0}]}}, ["order.parts.0.size"]),
        ({"order": {"parts": [{}]}}, ["order.parts.0.name"]),
        ({"order": {"parts": {}}}, ["order.parts"]),
        ({"order": {"parts": [], "notes": {"a.b": "x"}}}, ["order.notes.a\\1b"]),
        ({"sizes": [1, "x"]}, ["sizes.1", "sizes.1"]),
        ({"sizes": [{"name": 5}]}, ["sizes.0", "sizes.0.name"]),
        ({"parameter_mode": "fast"}, ["parameter_mode"]),
        ({"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, ["end"]),
    ],
)
def test_what_is_wrong_inside_is_named_by_its_place(
    rich: JobDefinition, wrong: dict[str, Any], fields: list[str]
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        rich.check({"order": {"parts": []}} | wrong)
    assert sorted(problem.field for problem in refused.value.problems) == [f"parameters.{field}" for field in fields]


def test_an_unknown_member_of_a_part_is_not_called_a_parameter(rich: JobDefinition) -> None:
    with pytest.raises(InvalidRequest) as refused:
        rich.check({"order": {"parts": [{"name": "a", "size": 1}]}})
    assert "it takes" not in refused.value.problems[0].detail


def test_a_type_without_a_schema_is_refused_where_it_is_registered() -> None:
    class Opaque:
        pass

    def unknown(context: object, *, thing: Opaque) -> None: ...

    unknown.__annotations__["thing"] = Opaque
    with pytest.raises(Misconfigured, match="has no JSON Schema"):
        job("test.wrong")(unknown)

    def hidden(context: object, *, thing: OnlyHere) -> None: ...  # type: ignore[name-defined]  # noqa: F821 - what is refused

    with pytest.raises(Misconfigured, match="top level of its module"):
        job("test.wrong")(hidden)
    assert "test.wrong" not in _jobs


def test_the_jobs_that_ship_are_there() -> None:
    assert {"demo.process_data", "http.fetch", "files.clean"} <= {found.name for found in definitions()}
