from base64 import b64decode

import pytest

from jobs.fetch.urls import parse


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://example.org", "example.org", 80, "/"),
        ("HTTPS://Example.org/a?b=c#part", "example.org", 443, "/a?b=c"),
        ("http://example.org:8080/x", "example.org", 8080, "/x"),
        ("http://[2606:4700::1111]:81/", "2606:4700::1111", 81, "/"),
        (
            "http://b\u00fccher.example/gr\u00fc\u00df?q=\u00fc",
            "xn--bcher-kva.example",
            80,
            "/gr%C3%BC%C3%9F?q=%C3%BC",
        ),
        ("http://example.org/a%20b/%2F", "example.org", 80, "/a%20b/%2F"),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, port: int, path: str) -> None:
    target = parse(url)
    assert (target.host, target.port, target.path) == (host, port, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "http://",
        "http:///path",
        "http://exa mple.org/",
        "http://example.org/\r\nHost: other",
        "http://example.org\\@other.example/",
        "http://example.org:0/",
        "http://example.org:99999/",
        "http://example.org:port/",
        "http://[::1/",
        "http://[nonsense]/",
        "http://..example/",
        "http://ex%61mple.org/",
        f"http://{'a' * 64}.example/",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(has|holds|is) "):
        parse(url)


def test_a_refusal_does_not_repeat_the_password() -> None:
    with pytest.raises(ValueError, match="is not a URL") as caught:
        parse("http://user:hunter2/x@example.org/")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_user_name_and_password_become_basic_credentials_and_are_not_shown() -> None:
    target = parse("https://j%40ne:p%3Ass@example.org/a")
    assert b64decode((target.authorization or "").removeprefix("Basic ")) == b"j@ne:p:ss"
    assert target.shown == "https://example.org/a"
    assert (target.authorization or "none") not in repr(target)


def test_secrets_in_the_query_are_not_shown() -> None:
    shown = parse("http://example.org/a?page=2&api_key=1234&X-Amz-Signature=ab&access%5Ftoken=cd&flag").shown
    assert shown == "http://example.org/a?page=2&api_key=***&X-Amz-Signature=***&access%5Ftoken=***&flag"


def test_brackets_and_ports_are_shown_where_they_are_needed() -> None:
    assert parse("http://[2606:4700::1111]:81/").shown == "http://[2606:4700::1111]:81/"
    assert parse("https://example.org:443/").shown == "https://example.org/"
    assert parse("http://example.org:443/").shown == "http://example.org:443/"


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/other", "https://example.org/other"),
        ("next?x=1", "https://example.org/a/next?x=1"),
        ("//cdn.example/z", "https://cdn.example/z"),
        ("http://user:secret@third.example/", "http://third.example/"),
        ("/gr\u00c3\u00bc\u00c3\u009f", "https://example.org/gr%C3%BC%C3%9F"),
    ],
)
def test_a_location_leads_on(location: str, shown: str) -> None:
    assert parse("https://example.org/a/b").follow(location).shown == shown


def test_credentials_stay_with_their_origin() -> None:
    target = parse("https://user:secret@example.org/")
    assert target.follow("/b").authorization == target.authorization
    assert target.follow("http://example.org/b").authorization is None
    assert target.follow("https://user:other@elsewhere.example/").authorization is None
