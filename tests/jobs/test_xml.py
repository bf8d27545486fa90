"""xml.to_json, on texts and on files."""

import json
import os
from pathlib import Path

import pytest
from pytest_django import Settings

from jobs.confinement import FolderRefused
from jobs.errors import Cancelled, FileRefused
from jobs.markup import UnreadableXml
from scheduling.errors import InvalidRequest
from scheduling.registry import definition
from tests.jobs.contexts import Recorder
from tests.jobs.run_job import run_job

DOCUMENT = '<orders count="2"><order id="1">one</order><order id="2">zw\u00f6lf</order></orders>'
AS_JSON = {"orders": {"@count": "2", "order": [{"@id": "1", "#text": "one"}, {"@id": "2", "#text": "zw\u00f6lf"}]}}


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    settings.TANDEM_FILES_ROOTS = [str(folder)]
    return folder


def test_a_text_becomes_json() -> None:
    assert run_job("xml.to_json", xml=DOCUMENT) == {"json": AS_JSON}


def test_the_encoding_that_a_text_declares_is_not_believed() -> None:
    assert run_job("xml.to_json", xml='<?xml version="1.0" encoding="iso-8859-1"?>' + DOCUMENT) == {"json": AS_JSON}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_a_file_is_read_in_its_own_encoding(root: Path, encoding: str) -> None:
    (root / "in.xml").write_bytes(f'<?xml version="1.0" encoding="{encoding}"?>{DOCUMENT}'.encode(encoding))
    assert run_job("xml.to_json", file=str(root / "in.xml")) == {"json": AS_JSON}


def test_the_output_is_a_file_that_replaces_what_was_there(root: Path) -> None:
    target = root / "out.json"
    target.write_text("old")
    result = run_job("xml.to_json", xml=DOCUMENT, output=str(target))
    assert json.loads(target.read_text(encoding="utf-8")) == AS_JSON
    assert result == {"output": str(target), "bytes": target.stat().st_size}
    assert [path.name for path in root.iterdir()] == ["out.json"]


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><a>&c;</a>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>',
        "<a>" * 101 + "</a>" * 101,
        "<a>",
        "",
        "text",
        "<a/><b/>",
        "<a>\x01</a>",
    ],
)
def test_bombs_references_and_what_is_no_xml_are_refused(document: str) -> None:
    with pytest.raises(UnreadableXml):
        run_job("xml.to_json", xml=document)


@pytest.mark.parametrize("given", [{}, {"xml": "<a/>", "file": "/x"}, {"file": "relative.xml"}, {"file": ""}])
def test_the_document_comes_from_one_place(given: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        definition("xml.to_json").check(given)


def test_files_outside_of_the_roots_are_neither_read_nor_written(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.xml"
    outside.write_text(DOCUMENT)
    (root / "sub").symlink_to(tmp_path)
    for path in (outside, root / ".." / "outside.xml", root / "sub" / "outside.xml", Path("/etc/passwd")):
        with pytest.raises(FolderRefused):
            run_job("xml.to_json", file=str(path))
        with pytest.raises(FolderRefused):
            run_job("xml.to_json", xml="<a/>", output=str(path))
    assert outside.read_text() == DOCUMENT


def test_links_pipes_and_folders_are_no_files(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(DOCUMENT)
    (root / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    for name in ("link", "pipe", "folder", "missing"):
        with pytest.raises(FileRefused):
            run_job("xml.to_json", file=str(root / name))


def test_a_link_is_replaced_and_not_written_through(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("kept")
    (root / "link").symlink_to(tmp_path / "secret")
    run_job("xml.to_json", xml=DOCUMENT, output=str(root / "link"))
    assert (tmp_path / "secret").read_text() == "kept"
    assert not (root / "link").is_symlink()


def test_an_output_that_cannot_be_written_leaves_nothing(root: Path) -> None:
    (root / "taken").mkdir()
    with pytest.raises(FileRefused, match="cannot be written"):
        run_job("xml.to_json", xml=DOCUMENT, output=str(root / "taken"))
    for name in ("", ".", ".."):
        with pytest.raises((FileRefused, FolderRefused)):
            run_job("xml.to_json", xml=DOCUMENT, output=f"{root}/{name}")
    assert [path.name for path in root.iterdir()] == ["taken"]


def test_a_file_that_is_too_large_is_not_read(root: Path) -> None:
    with (root / "big.xml").open("wb") as file:
        file.truncate(10_000_001)
    with pytest.raises(FileRefused, match="larger than"):
        run_job("xml.to_json", file=str(root / "big.xml"))


def test_a_task_that_was_cancelled_writes_nothing(root: Path) -> None:
    with pytest.raises(Cancelled):
        run_job("xml.to_json", Recorder(lambda: True), xml=DOCUMENT, output=str(root / "out.json"))
    assert list(root.iterdir()) == []
