"""docs/jobs.md: its examples are accepted, and its tables match the schemas."""

import json
import re
from pathlib import Path

import pytest
from django.apps import apps
from pytest_django import Settings

from jobs.apps import JOB_MODULES
from jobs.commands import parsed
from scheduling.registry import definition, definitions

PAGE = (Path(__file__).parents[2] / "docs" / "jobs.md").read_text(encoding="utf-8")
SHIPPED = [
    "command.run",
    "database.backup",
    "demo.process_data",
    "email.send",
    "files.clean",
    "http.fetch",
    "report.tasks",
    "xml.to_json",
]


@pytest.fixture(autouse=True)
def _commands_of_the_page(settings: Settings) -> None:
    [example] = re.findall(r"```json commands\n(.*?)```", PAGE, re.DOTALL)
    settings.TANDEM_COMMANDS = json.loads(example)


def test_the_application_registers_the_jobs_that_ship() -> None:
    assert apps.get_app_config("tandem_jobs").name == "jobs"
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


def test_the_command_of_the_page_becomes_these_arguments(settings: Settings) -> None:
    argv = parsed(settings.TANDEM_COMMANDS)["sync"].filled({"source": "photos", "mode": "--quiet"})
    assert argv == ["/usr/bin/rsync", "--archive", "--quiet", "photos", "backup:/srv/photos"]
