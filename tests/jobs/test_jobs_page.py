"""docs/jobs.md is run: its examples, and its tables against the schemas."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from django.apps import apps

from jobs.apps import JOB_MODULES
from scheduling import registry
from scheduling.registry import definition, definitions

PAGE = (Path(__file__).parents[2] / "docs" / "jobs.md").read_text(encoding="utf-8")
SHIPPED = ["demo.process_data", "files.clean", "http.fetch"]


@pytest.fixture
def own_jobs() -> Iterator[ModuleType]:
    """A module for the examples; what they register is forgotten afterwards."""
    before = dict(registry._jobs)
    module = ModuleType("jobs_page_example")
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]
    registry._jobs.clear()
    registry._jobs.update(before)


def test_the_application_registers_the_jobs_that_ship() -> None:
    assert apps.get_app_config("jobs").name == "jobs"
    found = [job.name for job in definitions() if job.function.__module__ in JOB_MODULES]
    assert found == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_each_example_of_parameters_is_accepted(name: str) -> None:
    examples = re.findall(rf"```json job={re.escape(name)}\n(.*?)```", PAGE, re.DOTALL)
    assert examples
    for example in examples:
        assert definition(name).check(json.loads(example)) == json.loads(example)


@pytest.mark.parametrize("name", SHIPPED)
def test_each_table_has_the_parameters_of_the_schema(name: str) -> None:
    section = PAGE.partition(f"## {name}\n")[2].partition("\n## ")[0]
    table = section.partition("| default |\n")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(definition(name).schema()["properties"])


@pytest.mark.parametrize("name", SHIPPED)
def test_each_parameter_says_what_it_is(name: str) -> None:
    described = definition(name).schema()["properties"]
    assert all(about.get("description") for about in described.values()), described


def test_the_examples_of_a_job_of_ones_own_run(own_jobs: ModuleType) -> None:
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        exec(compile(example, "docs/jobs.md", "exec"), own_jobs.__dict__)  # noqa: S102 - our own page, which this test is about
    assert definition("shop.remind").summary == "Remind customers of their baskets."
