"""What the drill reads from the repository is there: its pages, its images and its variables. No engine is started."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stack.environment import Failure
from tests.compose import machine, stand_ins
from tests.compose.__main__ import ROOT
from tests.compose.confinement import parts_of
from tests.compose.isolation import remove_cgroups
from tests.compose.stack import PAGE, commands


def test_every_image_that_is_fetched_has_a_stand_in() -> None:
    named = {tag.partition(":")[0] for tag in stand_ins.tags(ROOT)}
    assert named == {path.name for path in stand_ins.FOLDER.iterdir()}


def test_the_page_has_the_commands_of_the_drill() -> None:
    start = commands(ROOT / PAGE, "Start")
    assert any(" up " in line and "--wait" in line for line in start)
    assert "create_token" in start[-1]
    upgrade = commands(ROOT / PAGE, "Upgrade")
    order = [
        next(number for number, line in enumerate(upgrade) if word in line) for word in ("build", "migrate", " up ")
    ]
    assert order == sorted(order)


def test_comments_are_no_part_of_a_command(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("## Other\n\n```sh\nfalse\n```\n\n## Start\n\nSay:\n\n```sh\necho 1   # one\n\necho '#2'\n```\n")
    assert commands(page, "Start") == ["echo 1", "echo '#2'"]
    with pytest.raises(Failure, match="no commands below Stop"):
        commands(page, "Stop")


def test_no_address_of_a_mirror_stands_in_the_images() -> None:
    for path in Path(__file__).parent.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            assert re.findall(r"https?://(?!web:)", path.read_text(encoding="utf-8")) == [], path


def test_pip_gets_what_a_container_can_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "file:///srv/packages")
    assert "file:" not in machine.pip_configuration()


def test_a_duration_of_compose_is_read() -> None:
    assert [parts_of(text) for text in ("45s", "2m0s", "1m30s")] == [["45s"], ["2m", "0s"], ["1m", "30s"]]


def test_groups_that_are_not_there_need_no_removal() -> None:
    remove_cgroups("tandem-of-no-drill")
