"""The generated Python client against a real server: what docs/api.md shows."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import dev
from tests.docs.pages import DOCS
from tests.live.installation import Installation
from tests.live.watching import Web

pytestmark = [pytest.mark.live, pytest.mark.drill]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`part("models")` of a client that was generated with the command."""
    command = [sys.executable, str(Path(dev.__file__)), "client", "--to", "made"]
    subprocess.run(command, cwd=tmp_path, check=True)
    monkeypatch.syspath_prepend(tmp_path / "made")
    yield lambda name: importlib.import_module(f"tandem_client.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "tandem_client"]:
        del sys.modules[name]


NEWEST_FIRST = ["nightly 2", "nightly 1", "nightly 0"]


def example(web: Web) -> str:
    """The one of the page, for this server."""
    text = (DOCS / "api.md").read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    return text.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{web.port}")


@pytest.mark.parametrize("installation", ["on_postgres"], indirect=True)
def test_the_client_does_what_the_page_shows(
    installation: Installation, package: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    web = Web(installation)
    models: Any = package("models")
    api: Any = lambda name: package(f"api.{name}")  # noqa: E731 - one expression
    client = package("client").AuthenticatedClient(f"http://127.0.0.1:{web.port}", web.token)
    with client:
        for number in range(3):
            body = models.ScheduleInput(name=f"nightly {number}", job="demo.process_data", cron="30 2 * * *")
            made = api("schedules.schedules_create").sync(client=client, body=body)
            assert isinstance(made, models.AnsweredSchedule)
            assert (made.words, made.overlap) == ("At 02:30, UTC time", models.Overlap.SKIP)

        exec(example(web), {"token": web.token})  # noqa: S102 - it is our own page
        assert (
            f"[{', '.join(repr(name) for name in ['Nightly report', *NEWEST_FIRST])}] None" in capsys.readouterr().out
        )

        schedules_list, names, cursor = api("schedules.schedules_list"), [], package("types").UNSET
        while cursor is not None:
            page = schedules_list.sync(client=client, limit=2, cursor=cursor)
            names += [one.name for one in page.results]
            cursor = parse_qs(urlsplit(page.next_).query)["cursor"][0] if page.next_ else None
        assert names == ["Nightly report", *NEWEST_FIRST]

        wrong = models.ScheduleInput(name="", job="demo.process_data", cron="61 * * * *")
        refused = api("schedules.schedules_create").sync(client=client, body=wrong)
        assert isinstance(refused, models.Problem)
        assert {(one.pointer, one.code) for one in refused.errors} == {("/name", "blank"), ("/cron", "invalid_trigger")}

        installation.worker()
        wanted = models.TaskInput(name="now", job="demo.process_data")
        task = api("tasks.tasks_create").sync(client=client, body=wanted).id
        seen = partial(api("tasks.tasks_get").sync, task, client=client)
        installation.until(lambda: seen().status == models.TaskStatus.COMPLETED)
