"""docs/systemd.md is held against the units, the settings and the commands that there are."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.deployment.test_systemd_units import FOLDER, UNITS, value
from tests.docs.pages import DOCS, ROOT, table

PAGE = (DOCS / "systemd.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    """The text of the block that is marked so."""
    [found] = re.findall(rf"^```{re.escape(kind)}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


def test_each_unit_has_its_row_and_its_time() -> None:
    rows = table(PAGE, "| unit | what it does | is told to stop, and has |")
    assert sorted(name for name, _, _ in rows) == UNITS
    for name, _, seconds in rows:
        if seconds:
            assert seconds == f"{value(name, 'TimeoutStopSec')} s"


def test_each_setting_that_is_explained_is_in_a_unit() -> None:
    text = "".join((FOLDER / name).read_text(encoding="utf-8") for name in UNITS)
    rows = table(PAGE, "| setting | why |")
    assert len(rows) > 8
    for setting, _ in rows:
        for part in re.findall(r"[A-Za-z]+=[^`,]*", setting):
            assert (f"\n{part}" in text) != setting.endswith("is left out"), part


def test_the_environment_of_the_page_starts_production(tmp_path: Path) -> None:
    variables = dict(line.split("=", 1) for line in block("ini environment").splitlines())
    state = value("tandem-agent.service", "StateDirectory")
    assert variables["TANDEM_VAR"] == f"/var/lib/{state}"
    environment = {"PATH": os.environ["PATH"]} | variables | {"TANDEM_VAR": str(tmp_path)}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "ERROR"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", ["sh install", "sh manage", "sh start", "sh table", "sh stop"])
def test_the_commands_of_the_page_name_what_there_is(kind: str) -> None:
    for line in block(kind).splitlines():
        words = shlex.split(line)
        if words[0] == "systemctl":
            named = [word for word in words[2:] if word.startswith("tandem") and "*" not in word]
            assert all(name in UNITS or f"{name}.service" in UNITS for name in named), line
        if "manage.py" in words:
            assert words[words.index("manage.py") + 1] in get_commands(), line
        for path in re.findall(r"/srv/tandem/((?:docs|requirements)/[\w/.-]*[\w-])", line):
            assert (ROOT / path).exists() or list(ROOT.glob(f"{path}*")), line
        user = re.search(r"--uid=(\S+)", line)
        assert user is None or user.group(1) == value("tandem-web.service", "User")
    assert [one for one in re.findall(r"manage\.py (\w+)", PAGE) if one not in get_commands()] == []
