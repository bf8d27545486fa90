"""Jobs, and the schemas that their signatures are."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field

from scheduling.errors import InvalidRequest, Misconfigured
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


def test_the_jobs_that_ship_are_there() -> None:
    assert {"demo.process_data", "http.fetch", "files.clean"} <= {found.name for found in definitions()}
