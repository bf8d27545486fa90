import pytest

from jobs.fetch.headers import checked, for_target
from jobs.fetch.urls import parse


@pytest.mark.parametrize(
    "headers",
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
def test_headers_that_could_change_the_request_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        checked(headers)


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
