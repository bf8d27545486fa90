"""docs/own-jobs.md: a new process installs the application that the page's files make, and runs its tests."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "own-jobs.md").read_text(encoding="utf-8")
# What a reader's own test begins with under pytest-django.
START = "import django\ndjango.setup()\n"
CATALOGUE = """
import json
from api.jobs.serializers import JobOutput
from scheduling import registry
names = ["shop.remind", "shop.forget", "shop.invoice"]
print(json.dumps([JobOutput(registry.definition(name)).data for name in names]))
"""


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A folder with the page's application."""
    blocks = re.findall(r"```python file=(\S+)\n(.*?)```", PAGE, re.DOTALL)
    assert [name for name, _ in blocks] == ["shop/jobs.py", "shop/tasks.py"]
    for name, content in blocks:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (tmp_path / "shop" / "__init__.py").touch()
    return tmp_path


def run(application: Path, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python code with the variables of the page."""
    said = dict(pair.split("=", 1) for pair in re.findall(r"```sh\n(TANDEM_\S+)\n```", PAGE))
    assert set(said) == {"TANDEM_APPS", "TANDEM_CELERY_JOBS"}
    path = os.pathsep.join([str(application), str(ROOT)])
    own = {"PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "settings.test", "TANDEM_VAR": str(application)}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", START + code],
        env=os.environ | said | own | variables,
        cwd=application,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_tests_of_the_page_pass(application: Path) -> None:
    tests = re.findall(r"```python test\n(.*?)```", PAGE, re.DOTALL)
    assert len(tests) == 2
    done = run(application, "".join(tests))
    assert done.returncode == 0, done.stderr


def test_the_catalogue_shows_them_with_their_schemas(application: Path) -> None:
    done = run(application, CATALOGUE)
    assert done.returncode == 0, done.stderr
    remind, forget, invoice = json.loads(done.stdout)
    assert remind["summary"] == "Remind customers of their baskets."
    properties = remind["parameters"]["properties"]
    assert properties["tone"]["enum"] == ["friendly", "firm"]
    assert properties["customers"]["maxItems"] == 1000
    assert set(remind["parameters"]["$defs"]) == {"Channel", "Customer"}
    assert set(forget["parameters"]["properties"]) == {"customer", "everybody"}
    assert (invoice["name"], invoice["summary"]) == ("shop.invoice", "Send an invoice.")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("TANDEM_APPS", "shop,no_such_application", "no_such_application"),
        ("TANDEM_CELERY_JOBS", "shop.invoice=shop.tasks.missing", "which cannot be imported"),
        ("TANDEM_CELERY_JOBS", "shop.remind=shop.tasks.send_invoice", "Two jobs are called shop.remind"),
    ],
)
def test_a_mistake_in_a_variable_stops_the_start(application: Path, name: str, value: str, reason: str) -> None:
    done = run(application, "", **{name: value})
    assert done.returncode != 0
    assert reason in done.stderr
