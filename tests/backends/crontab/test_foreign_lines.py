"""Foreign lines of this host's crontab: read, and turned into comments with a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backends.crontab import installation
from backends.crontab.block import splice
from backends.crontab.foreign_lines import ForeignCrontab, commented
from scheduling.errors import BackendError, Conflict
from tests.backends.crontab import damage
from tests.conftest import at

NOW = at("2026-11-20 10:00")
BLOCK = splice(b"", damage.BLOCK, damage.OWNER)
FOREIGN = b"MAILTO=root\n0 3 * * * h\xe4llo\n17 * * * * echo\n"


@pytest.fixture
def crontab(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(installation, "owner", lambda _target: damage.OWNER)
    path = tmp_path / "crontab"
    path.write_bytes(FOREIGN + BLOCK)
    settings.TANDEM_CRONTAB = f"file:{path}"
    settings.VAR = tmp_path / "var"
    return path


def test_our_block_is_not_read(crontab: Path) -> None:
    assert ForeignCrontab().read().encode("utf-8", "surrogateescape") == FOREIGN
    assert ForeignCrontab().zone() == "UTC"


def test_a_line_becomes_a_comment_and_all_other_bytes_stay(crontab: Path, tmp_path: Path) -> None:
    before = crontab.read_bytes()
    table = ForeignCrontab()
    line = table.read().split("\n")[1]
    name = table.comment_out({2: (line, "Adopted\nas 5")}, now=NOW)
    expected = before.replace(b"0 3 * * * h\xe4llo", b"# Adopted as 5: 0 3 * * * h\xe4llo")
    assert crontab.read_bytes() == expected
    backup = tmp_path / "var" / "crontab-kept" / name
    assert backup.read_bytes() == before
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_line_that_changed_meanwhile_is_a_conflict_and_nothing_is_written(crontab: Path) -> None:
    before = crontab.read_bytes()
    for number, line in ((3, "0 3 * * * hello"), (99, "x"), (0, "x"), (-1, "x")):
        with pytest.raises(Conflict):
            ForeignCrontab().comment_out({number: (line, "x")}, now=NOW)
    with pytest.raises(Conflict):
        ForeignCrontab().comment_out({3: ("17 * * * * echo", "x"), 1: ("MAILTO=you", "x")}, now=NOW)
    assert crontab.read_bytes() == before


@pytest.mark.parametrize("where", ["end", "start", "middle"])
def test_lines_are_counted_without_our_block_wherever_it_is(where: str) -> None:
    first, *rest = FOREIGN.splitlines(keepends=True)
    tables = {"end": FOREIGN + BLOCK, "start": BLOCK + FOREIGN, "middle": first + BLOCK + b"".join(rest)}
    found = commented(tables[where], {3: (b"17 * * * * echo", "why")}, damage.OWNER)
    assert found == tables[where].replace(b"17 * * * * echo", b"# why: 17 * * * * echo")


def test_a_host_without_a_crontab_says_so(settings: Any) -> None:
    settings.TANDEM_CRONTAB = "none"
    with pytest.raises(BackendError, match="no crontab"):
        ForeignCrontab().read()
