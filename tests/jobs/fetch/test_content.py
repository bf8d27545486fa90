import hashlib
import json

import pytest

from jobs.fetch.content import content, media_type
from jobs.fetch.errors import UnreadableContent
from scheduling.storable import Json, problem_with


def read(body: bytes, content_type: str, *, status: int = 200) -> dict[str, Json]:
    return content(body, content_type=content_type, status=status)


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "application/hal+json", "text/json"]
)
def test_json_is_read_by_its_types(kind: str) -> None:
    assert read(b'{"a": [1, 2.5, null, true, "x"]}', kind) == {"json": {"a": [1, 2.5, None, True, "x"]}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b"NaN",
        b"[Infinity]",
        b"1e999",
        b"-1e999",
        b'"\xff"',
        b"[" * 100_000,
        b"[" * 101 + b"]" * 101,
    ],
)
def test_what_is_not_json_is_a_clear_error(body: bytes) -> None:
    with pytest.raises(UnreadableContent, match=r"is not valid JSON: .+|more than 100 deep"):
        read(body, "application/json")


def test_json_of_some_depth_is_read() -> None:
    assert problem_with(read(b"[" * 100 + b"]" * 100, "application/json"), most_bytes=1000) == ""


def test_texts_that_no_database_keeps_are_written_as_escapes() -> None:
    result = read(json.dumps({"a\x00": ["\ud800", "ok"]}).encode(), "application/json")
    assert result == {"json": {"a\\u0000": ["\\ud800", "ok"]}}
    assert problem_with(result, most_bytes=1000) == ""


@pytest.mark.parametrize("kind", ["application/xml", "text/xml; charset=utf-8", "application/atom+xml"])
def test_xml_becomes_json(kind: str) -> None:
    body = b'<?xml version="1.0"?><a x="1"><b>one</b><b>two</b><c/></a>'
    assert read(body, kind) == {"xml": {"a": {"@x": "1", "b": ["one", "two"], "c": None}}}


def test_xml_is_read_in_the_encoding_that_the_header_or_the_document_names() -> None:
    declared = '<?xml version="1.0" encoding="iso-8859-1"?><a>\u00fc</a>'
    assert read(declared.encode("latin-1"), "application/xml") == {"xml": {"a": "\u00fc"}}
    assert read(declared.encode(), "application/xml; charset=utf-8") == {"xml": {"a": "\u00fc"}}
    assert read("<a>\u00fc</a>".encode("cp1252"), "text/xml; charset=windows-1252") == {"xml": {"a": "\u00fc"}}


def test_a_document_type_that_names_no_other_file_is_allowed() -> None:
    assert read(b"<!DOCTYPE rss><rss>x</rss>", "text/xml") == {"xml": {"rss": "x"}}


BILLION_LAUGHS = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
EXTERNAL = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
DOCUMENT_TYPE = b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>'
PARAMETER = b'<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1/x.dtd"> %b;]><a/>'


@pytest.mark.parametrize("body", [BILLION_LAUGHS, EXTERNAL, DOCUMENT_TYPE, PARAMETER])
@pytest.mark.parametrize("kind", ["application/xml", "text/xml; charset=utf-8"])
def test_xml_with_entities_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(UnreadableContent, match="declares entities"):
        read(body, kind)


@pytest.mark.parametrize(
    "body", [b"", b"<a>", b"<a></b>", b"{}", b"<a>\xff</a>", b'<?xml version="1.0" encoding="no"?><a/>']
)
def test_broken_xml_is_a_clear_error(body: bytes) -> None:
    with pytest.raises(UnreadableContent, match="not valid XML"):
        read(body, "application/xml")


def test_xml_may_be_nested_a_hundred_deep_and_no_deeper() -> None:
    assert problem_with(read(b"<a>" * 100 + b"</a>" * 100, "text/xml"), most_bytes=10_000) == ""
    with pytest.raises(UnreadableContent, match="more than 100 deep"):
        read(b"<a>" * 101 + b"</a>" * 101, "text/xml")


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("gr\u00fc\u00df".encode(), "text/plain", "gr\u00fc\u00df"),
        (b"\xef\xbb\xbfx", "text/plain; charset=UTF-8", "x"),
        ("gr\u00fc\u00df".encode("latin-1"), 'text/html; charset="ISO-8859-1"', "gr\u00fc\u00df"),
        ("\u0434\u0430".encode("koi8-r"), "text/plain;charset=koi8-r", "\u0434\u0430"),
        (b"gr\xfc\xdf", "text/plain", "gr\ufffd\ufffd"),
        (b"x\xff", "text/plain; charset=no-such", "x\ufffd"),
        (b"6162", "text/plain; charset=hex", "6162"),
        (b"\\x41", "text/plain; charset=unicode_escape", "\\x41"),
        (b"a\x00b", "text/plain", "a\\u0000b"),
        (b"", "text/plain", ""),
    ],
)
def test_text_is_decoded_by_its_charset_and_else_as_utf_8(body: bytes, kind: str, text: str) -> None:
    assert read(body, kind) == {"text": text}


@pytest.mark.parametrize("kind", ["", "image/png", "application/octet-stream", ";;;"])
def test_everything_else_is_counted_and_hashed(kind: str) -> None:
    body = b"\x89PNG\x00"
    assert read(body, kind) == {"bytes": 5, "sha256": hashlib.sha256(body).hexdigest()}


def test_a_status_without_content_is_not_read_as_json() -> None:
    assert read(b"", "application/json", status=204)["bytes"] == 0


def test_the_media_type_is_bare_and_in_lower_case() -> None:
    assert media_type("Text/HTML ; charset=x") == "text/html"
    assert media_type("") == ""
