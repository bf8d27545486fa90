import pytest

from jobs.fetch import headers
from jobs.fetch.headers import checked, shown
from jobs.fetch.requests import Request
from jobs.fetch.urls import Target, parse


def for_target(given: dict[str, str], target: Target, *, first: Target, body: bytes | None = None) -> dict[str, str]:
    return headers.for_target(Request("GET", given, body), target, first=first)


@pytest.mark.parametrize(
    "given",
    [
        {"Host": "internal"},
        {"hOST": "internal"},
        {"Content-Length": "5"},
        {"Transfer-Encoding": "chunked"},
        {"X": "a\r\nHost: b"},
        {"X": "a\nb"},
        {"X": "\x00"},
        {"X": "\u00fc"},
        {"X\r\nY": "a"},
        {"X Y": "a"},
        {"": "a"},
        {"Accept": "a", "accept": "b"},
        {f"X-{number}": "a" for number in range(51)},
    ],
)
def test_headers_that_could_change_the_request_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        checked(given)


def test_a_refused_value_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="Authorization") as caught:
        checked({"Authorization": "Bearer hunter2\n"})
    assert "hunter2" not in str(caught.value)


def test_ordinary_headers_are_sent_as_given() -> None:
    given = checked({"Accept": "application/json", "X-Api-Key": "k", "user-agent": "me"})
    sent = for_target(given, parse("http://example.org/"), first=parse("http://example.org/a"))
    assert sent == {"Accept-Encoding": "gzip, deflate"} | given


def test_another_origin_gets_none_that_could_be_a_credential() -> None:
    given = {"Accept": "application/json", "X-Api-Key": "k", "Authorization": "Bearer t", "Cookie": "c=1"}
    for other in ("http://elsewhere.example/", "http://example.org/", "https://example.org:444/"):
        sent = for_target(given, parse(other), first=parse("https://example.org/"))
        assert set(sent) == {"Accept", "Accept-Encoding", "User-Agent"}


def test_a_header_goes_before_the_credentials_in_the_url() -> None:
    target = parse("http://user:secret@example.org/")
    assert for_target({}, target, first=target)["Authorization"].startswith("Basic ")
    assert for_target({"authorization": "Bearer t"}, target, first=target)["authorization"] == "Bearer t"
    assert "Authorization" not in for_target({"authorization": "Bearer t"}, target, first=target)


def test_what_describes_a_body_goes_along_with_it_and_never_without() -> None:
    given = {"Content-Type": "text/csv", "Content-Language": "en", "X-Api-Key": "k"}
    away, first = parse("http://elsewhere.example/"), parse("http://example.org/")
    assert for_target(given, away, first=first).keys() & given.keys() == set()
    assert for_target(given, away, first=first, body=b"a").keys() & given.keys() == {"Content-Type", "Content-Language"}


def test_an_answers_headers_are_shown_without_cookies_and_secrets() -> None:
    received = [
        ("ETag", '"1"'),
        ("Set-Cookie", "session=secret"),
        ("Location", "/x?token=secret"),
        ("X-Long", "y" * 5000),
        ("X-Odd", "a\x00b"),
    ]
    found = shown(received, parse("http://example.org/a"))
    assert found == {
        "etag": '"1"',
        "location": "http://example.org/x?token=***",
        "x-long": "y" * 1000,
        "x-odd": "a\\u0000b",
    }
    assert shown([("Location", "ftp://user:secret@x/")], parse("http://example.org/")) == {"location": "***"}
