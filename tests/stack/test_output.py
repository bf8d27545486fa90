"""Lines on the terminal and in files."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest

from stack.output import Console, LogFile


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def nothing_to_report(text: str) -> None:
    raise AssertionError(text)


class FullForAWhile(io.StringIO):
    """A disk that takes nothing for the first line."""

    tries = 0

    def write(self, text: str) -> int:
        self.tries += 1
        if self.tries == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


class ClosedPipe(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_names_are_aligned_and_uncoloured_off_a_terminal() -> None:
    stream = io.StringIO()
    console = Console(stream, ["web", "worker"])
    console.line("web", "hello")
    console.line("worker", "there")
    console.say("done")
    assert stream.getvalue() == "web    | hello\nworker | there\nup     | done\n"


def test_each_name_has_its_colour_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    console = Console(stream, ["web"])
    console.line("web", "hello")
    console.say("done")
    assert stream.getvalue() == "\x1b[32mweb\x1b[0m | hello\n\x1b[36mup \x1b[0m | done\n"


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    Console(stream, ["web"]).line("web", "hello")
    assert "\x1b" not in stream.getvalue()


def test_a_reader_that_has_gone_does_not_stop_anything() -> None:
    console = Console(ClosedPipe(), ["web"])
    console.line("web", "one")
    console.line("web", "two")


def test_the_terminal_goes_on_with_the_next_line() -> None:
    stream = FullForAWhile()
    console = Console(stream, ["web"])
    console.line("web", "lost")
    console.line("web", "shown")
    assert stream.getvalue() == "web | shown\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_log_on_a_full_disk_goes_on_when_there_is_room_again(tmp_path: Path) -> None:
    path = tmp_path / "web.log"
    path.symlink_to("/dev/full")
    reports: list[str] = []
    log = LogFile(path, report=reports.append)
    log.line("lost")
    log.line("lost too")
    path.unlink()
    log.line("kept")
    log.line("and the next")
    log.close()
    assert reports == [f"{path} cannot be written (No space left on device): its lines are only shown here."]
    assert path.read_text() == ("(2 lines are missing here: the file could not be written)\nkept\nand the next\n")


def test_a_folder_of_logs_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    reports: list[str] = []
    LogFile(tmp_path / "log" / "web.log", report=reports.append).line("lost")
    assert len(reports) == 1


def test_a_log_keeps_what_was_there_and_adds_to_it(tmp_path: Path) -> None:
    for text in ("first", "second"):
        log = LogFile(tmp_path / "log" / "web.log", report=nothing_to_report)
        log.line(text)
        log.close()
    assert (tmp_path / "log" / "web.log").read_text() == "first\nsecond\n"


def test_a_full_log_is_begun_again_and_the_one_before_kept(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "web.log", report=nothing_to_report, limit=10)
    for text in ("0123456789", "abcdefghij", "new"):
        log.line(text)
    log.close()
    assert (tmp_path / "web.log").read_text() == "new\n"
    assert (tmp_path / "web.log.1").read_text() == "abcdefghij\n"
