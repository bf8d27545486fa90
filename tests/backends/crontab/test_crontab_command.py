"""`manage.py crontab`: see our block, take it out, put it back, and find the kept tables."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from backends.crontab import installation, wrapper
from backends.crontab.backend import CrontabBackend
from backends.crontab.block import markers
from scheduling import drift
from tests.conftest import a_schedule

pytestmark = pytest.mark.django_db

FOREIGN = b"MAILTO=\n\xff 0 1 * * * backup"


def said(*words: str) -> str:
    out = io.StringIO()
    call_command("crontab", *words, stdout=out)
    return out.getvalue()


def test_the_block_is_shown_with_what_differs(crontab_file: Path) -> None:
    crontab_file.write_bytes(FOREIGN)
    assert "There is none." in said("show")
    a_schedule(backend="crontab", cron="0 9 * * *")
    text = said("show")
    assert f"{wrapper.path()} " in text
    assert "It is as it should be." in text
    target = CrontabBackend().target()
    assert target is not None
    begin, _ = markers(CrontabBackend().block(target), installation.owner(target), joined=True)
    crontab_file.write_bytes(crontab_file.read_bytes().replace(begin, begin + b"\n17 * * * * mine"))
    text = said("show")
    assert "foreign_inside: 17 * * * * mine" in text
    crontab_file.write_bytes(FOREIGN)
    assert "+++ as it should be" in said("show")


def test_what_is_taken_out_stays_out_until_it_is_put_back(crontab_file: Path) -> None:
    crontab_file.write_bytes(FOREIGN)
    a_schedule(backend="crontab")
    installed = crontab_file.read_bytes()
    assert "were taken out" in said("uninstall", "--yes")
    assert crontab_file.read_bytes() == FOREIGN

    with pytest.raises(CommandError, match="crontab install"):
        call_command("crontab_agent", "--once")
    later = a_schedule(backend="crontab")
    assert (later.sync_state, "crontab install" in later.sync_error) == ("out_of_sync", True)
    assert crontab_file.read_bytes() == FOREIGN
    later.delete()

    assert "were written" in said("install")
    assert crontab_file.read_bytes() == installed
    assert "as it should be" in said("install")
    drift.sync(CrontabBackend())


@pytest.mark.parametrize("answer", ["n\n", "", "\n"])
def test_nothing_is_taken_out_without_a_yes(crontab_file: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    a_schedule(backend="crontab")
    installed = crontab_file.read_bytes()
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    with pytest.raises(CommandError, match="--yes"):
        said("uninstall")
    assert crontab_file.read_bytes() == installed
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    said("uninstall")
    assert crontab_file.read_bytes() == b""


def test_the_kept_tables_are_listed_and_shown(crontab_file: Path, capsysbinary: Any) -> None:
    crontab_file.write_bytes(FOREIGN)
    assert said("kept") == ""
    a_schedule(backend="crontab")
    [path] = said("kept").splitlines()
    assert Path(path).read_bytes() == FOREIGN
    call_command("crontab", "kept", "--show", Path(path).name)
    assert capsysbinary.readouterr().out == FOREIGN
    with pytest.raises(CommandError, match="crontab kept"):
        said("kept", "--show", "../crontab")


def test_a_host_without_a_crontab_says_so(settings: Settings) -> None:
    settings.TANDEM_CRONTAB = "none"
    for verb in ("show", "install"):
        with pytest.raises(CommandError, match="TANDEM_CRONTAB is none"):
            said(verb)
