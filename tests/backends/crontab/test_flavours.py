"""The kinds of cron: told apart by what the real programs say, with the limits that the real ones have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backends.crontab import flavours, programs, reader_health
from backends.crontab.flavours import BUSYBOX, CRONIE, DEBIAN, UNKNOWN
from backends.crontab.targets import SystemTable
from tests.backends.crontab.fake_crontab import FakeCrontab

# Of cronie 1.7.2, which Debian 12 does not have.
CRONIE_SAYS = "cronie 1.7.2\n"


@pytest.mark.parametrize(("said", "flavour"), [(CRONIE_SAYS, CRONIE), ("", UNKNOWN), ("dcron 4.5", UNKNOWN)])
def test_others_are_told_by_what_they_say(said: str, flavour: flavours.Flavour) -> None:
    assert flavours.recognize(said) is flavour


def test_without_the_program_nothing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.version() == ""


def test_an_unknown_cron_is_taken_for_the_narrowest() -> None:
    for flavour in (DEBIAN, CRONIE, BUSYBOX):
        for limit in ("most_lines", "most_entries", "most_command_bytes", "most_comment_bytes"):
            own = getattr(flavour, limit)
            assert own is None or getattr(UNKNOWN, limit) <= own
        assert UNKNOWN.catches_up <= flavour.catches_up


def test_a_cron_that_reads_no_cron_d_is_told(fake_crontab: FakeCrontab, tmp_path: Path) -> None:
    (tmp_path / "crond.pid").write_text(str(os.getpid()))
    (fake_crontab.folder / "crontab").write_text("#!/bin/sh\necho 'BusyBox v1.35.0 multi-call binary.' >&2\nexit 1\n")
    found = reader_health.of_reader(
        SystemTable(Path("/etc/cron.d/tandem"), "root"), folder=tmp_path, pid_files=(tmp_path / "crond.pid",)
    )
    assert (found.ok, found.detail) == (
        False,
        "Busybox does not read /etc/cron.d/tandem: write TANDEM_CRONTAB=user.",
    )
