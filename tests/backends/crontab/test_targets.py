"""Reading and writing the table, with a fake crontab program."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backends.crontab import targets
from backends.crontab.targets import FileTarget, UserTarget
from scheduling.errors import BackendError, Misconfigured
from tests.backends.crontab.fake_crontab import FakeCrontab


def test_the_setting_names_a_target(tmp_path: Path) -> None:
    assert targets.parse("none") is None
    assert isinstance(targets.parse("user"), UserTarget)
    found = targets.parse(f"file:{tmp_path}/tab")
    assert isinstance(found, FileTarget)
    assert found.describe() == f"file:{tmp_path}/tab"


@pytest.mark.parametrize("setting", ["", "file:", "file:relative", "User", "/etc/crontab", "file:/a\0b"])
def test_an_unusable_setting_says_what_to_write(setting: str) -> None:
    with pytest.raises(Misconfigured, match="file:/absolute/path"):
        targets.parse(setting)


def test_no_crontab_is_an_empty_table(fake_crontab: FakeCrontab) -> None:
    assert UserTarget().read() == b""
    assert fake_crontab.calls() == ["-l C"]


def test_the_lock_depends_on_the_table_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "LOCK_FOLDERS", (tmp_path / "none", tmp_path, tmp_path / "open", tmp_path / "last"))
    assert UserTarget().lock() == tmp_path / "last" / f"tandem-crontab-{os.getuid()}"
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o1777)
    assert UserTarget().lock().parent == tmp_path / "open"
    (tmp_path / "link").symlink_to(tmp_path / "tab")
    assert FileTarget(tmp_path / "link").lock() == FileTarget(tmp_path / "tab").lock() == tmp_path / ".tab.lock"


def test_bytes_go_through_the_program_unchanged(fake_crontab: FakeCrontab) -> None:
    table = b"\xff\r\n* * * * * a%b\n"
    UserTarget().write(table)
    assert UserTarget().read() == table
    assert fake_crontab.table.read_bytes() == table


def test_what_the_program_says_is_in_the_error(fake_crontab: FakeCrontab) -> None:
    fake_crontab.fail("you (tester) are not allowed to use this program")
    with pytest.raises(BackendError, match=r"cannot be read: you .* not allowed"):
        UserTarget().read()
    with pytest.raises(BackendError, match=r"cannot be written: you .* not allowed"):
        UserTarget().write(b"")


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("You (tester) are not allowed to use this program (crontab)", "/etc/cron.allow"),
        ("/var/spool/cron/crontabs/: mkstemp: Read-only file system", "make it writable"),
        ("crontab: /var/spool/cron/crontabs/tmp.X: No space left on device", "make room"),
        ("crontab is too long; maximum number of lines is 10000.", "another host"),
        ('"-":2: bad minute\nerrors in crontab file, can\'t install.', "the line that it names"),
    ],
)
def test_an_error_says_what_to_do(fake_crontab: FakeCrontab, message: str, advice: str) -> None:
    fake_crontab.fail(message)
    with pytest.raises(BackendError) as refused:
        UserTarget().write(b"a\n")
    assert message.removesuffix(".") in refused.value.detail
    assert advice in refused.value.detail


def test_a_machine_without_the_program_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackendError, match="no crontab program"):
        UserTarget().read()


def test_a_last_line_that_cron_refuses_may_get_a_line_break() -> None:
    assert UserTarget().same(b"* * * * * x", b"* * * * * x\n")
    assert not UserTarget().same(b"* * * * * x\n", b"* * * * * x\n\n")
    assert not FileTarget(Path("/x")).same(b"x", b"x\n")


def test_a_file_keeps_its_mode_and_a_new_one_is_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "tab"
    target = FileTarget(path)
    assert target.read() == b""
    target.write(b"one\n")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    target.write(b"two\n")
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_bytes() == b"two\n"
    assert [file.name for file in path.parent.iterdir()] == ["tab"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old\n")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    FileTarget(tmp_path / "link").write(b"new\n")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new\n"


def test_a_file_that_cannot_be_used_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=f"{tmp_path} cannot be read"):
        FileTarget(tmp_path).read()
    with pytest.raises(BackendError, match=f"{tmp_path} cannot be written"):
        FileTarget(tmp_path).write(b"")
