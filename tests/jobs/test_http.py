"""The results of http.fetch for answers of a real server."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from jobs.fetch.errors import ErrorStatus, FetchFailed, RedirectRefused, TooLarge, UnreadableContent
from scheduling.errors import InvalidRequest
from scheduling.registry import definition
from scheduling.storable import problem_with
from tests.jobs.contexts import Recorder
from tests.jobs.sites import CERTIFICATE, Page, Site, site


@pytest.fixture(autouse=True)
def _private_addresses_allowed(settings: Settings) -> None:
    settings.TANDEM_HTTP_ALLOW_PRIVATE = True


@pytest.fixture
def here() -> Iterator[Site]:
    with site() as running:
        yield running


def fetch(url: str, **parameters: object) -> dict[str, object]:
    """The job's result, which the ledger must be able to keep."""
    result = definition("http.fetch").run(Recorder().context, {"url": url, **parameters})  # type: ignore[dict-item]  # tests pass JSON
    assert isinstance(result, dict)
    assert problem_with(result, most_bytes=20_000_000) == ""
    return result


def test_json_comes_back_with_what_is_known_about_the_answer(here: Site) -> None:
    url = here.add("/data", Page(b'{"a": [1]}', "application/json; charset=utf-8"))
    result = fetch(f"{url}?page=2")
    elapsed = result.pop("elapsed_ms")
    assert isinstance(elapsed, int)
    assert isinstance(result.pop("headers"), dict)
    assert result == {"url": f"{url}?page=2", "status": 200, "content_type": "application/json", "json": {"a": [1]}}
    assert here.requests[0][0] == "/data?page=2"


def test_xml_text_and_bytes_come_back_as_such(here: Site) -> None:
    assert fetch(here.add("/xml", Page(b"<a>1</a>", "text/xml")))["xml"] == {"a": "1"}
    assert fetch(here.add("/text", Page(b"caf\xe9", "text/plain; charset=latin-1")))["text"] == "caf\u00e9"
    assert fetch(here.add("/odd", Page(b"caf\xe9", "text/plain")))["text"] == "caf\ufffd"
    result = fetch(here.add("/image", Page(b"\x89PNG", "image/png")))
    assert (result["bytes"], result["sha256"]) == (4, hashlib.sha256(b"\x89PNG").hexdigest())


def test_broken_json_and_xml_bombs_fail_the_task(here: Site) -> None:
    with pytest.raises(UnreadableContent, match="not valid JSON"):
        fetch(here.add("/json", Page(b'{"a":', "application/json")))
    bomb = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    with pytest.raises(UnreadableContent, match="declares entities"):
        fetch(here.add("/xml", Page(bomb, "application/xml")))


@pytest.mark.parametrize(
    ("status", "words"), [(404, "404 Not Found"), (500, "500 Internal Server Error"), (599, "599")]
)
def test_an_error_status_fails_the_task(here: Site, status: int, words: str) -> None:
    here.add("/x", Page(b"no", status=status))
    with pytest.raises(ErrorStatus) as caught:
        fetch(here.url("/x?token=hunter2", userinfo="user:secret@"))
    assert caught.value.detail == f"GET {here.url('/x?token=***')} answered {words}."


def test_an_error_status_can_be_the_result(here: Site) -> None:
    result = fetch(here.add("/x", Page(b"gone", status=410)), fail_on_error=False)
    assert (result["status"], result["text"]) == (410, "gone")


def test_redirects_are_followed_and_the_last_url_is_told(here: Site) -> None:
    here.add("/end", Page(b"here"))
    here.redirect("/2", "end", status=307)
    here.redirect("/1", here.url("/2", userinfo="other:secret@"), status=301)
    result = fetch(here.redirect("/0", "/1"))
    assert (result["url"], result["text"]) == (here.url("/end"), "here")
    assert [path for path, _ in here.requests] == ["/0", "/1", "/2", "/end"]
    assert all("authorization" not in headers for _, headers in here.requests)


def test_five_redirects_are_followed_and_no_sixth(here: Site) -> None:
    here.add("/5", Page(b"here"))
    for number in range(5):
        here.redirect(f"/{number}", f"/{number + 1}")
    assert fetch(here.url("/0"))["text"] == "here"
    here.redirect("/5", "/6")
    with pytest.raises(RedirectRefused, match="more than 5 times"):
        fetch(here.url("/0"))
    assert not [path for path, _ in here.requests if path == "/6"]


def test_a_redirect_loop_ends(here: Site) -> None:
    with pytest.raises(RedirectRefused, match="more than 5 times"):
        fetch(here.redirect("/loop", "/loop"))
    assert len(here.requests) == 6


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "http://["])
def test_a_redirect_to_what_is_not_http_is_refused(here: Site, location: str) -> None:
    with pytest.raises(RedirectRefused, match="redirects to what"):
        fetch(here.redirect("/x", location))


def test_a_redirect_without_a_location_is_an_answer(here: Site) -> None:
    assert fetch(here.add("/x", Page(b"which?", status=302)))["status"] == 302


def test_headers_and_credentials_stay_with_the_first_server(here: Site) -> None:
    with site() as elsewhere:
        elsewhere.add("/end", Page(b"here"))
        here.redirect("/x", elsewhere.url("/end"))
        result = fetch(here.url("/x", userinfo="user:secret@"), headers={"X-Api-Key": "k", "Accept": "text/plain"})
    _, first = here.requests[0]
    _, second = elsewhere.requests[0]
    assert first["authorization"].startswith("Basic ")
    assert first["x-api-key"] == "k"
    assert second.keys() & {"authorization", "x-api-key"} == set()
    assert second["accept"] == "text/plain"
    assert "secret" not in json.dumps(result)


def test_a_body_of_max_bytes_is_read_and_one_more_is_too_large(here: Site) -> None:
    assert fetch(here.add("/x", Page(b"a" * 1000)), max_bytes=1000)["text"] == "a" * 1000
    with pytest.raises(TooLarge, match=r"999 bytes"):
        fetch(here.url("/x"), max_bytes=999)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_body_is_decoded(here: Site, encoding: str) -> None:
    body = (gzip.compress if encoding == "gzip" else zlib.compress)(b"hello " * 100)
    result = fetch(here.add("/x", Page(body, headers={"Content-Encoding": encoding})), max_bytes=600)
    assert result["text"] == "hello " * 100


def test_a_compressed_bomb_is_not_unpacked(here: Site) -> None:
    body = gzip.compress(gzip.compress(bytes(50_000_000)))
    page = Page(body, headers={"Content-Encoding": "gzip, gzip"})
    assert len(body) < 10_000
    with pytest.raises(TooLarge):
        fetch(here.add("/x", page), max_bytes=10_000)


def test_an_encoding_that_was_not_asked_for_is_refused(here: Site) -> None:
    with pytest.raises(UnreadableContent, match="not asked for"):
        fetch(here.add("/x", Page(b"x", headers={"Content-Encoding": "br"})))


def test_a_body_that_is_not_what_gzip_makes_fails(here: Site) -> None:
    with pytest.raises(FetchFailed, match="failed"):
        fetch(here.add("/x", Page(b"not gzip", headers={"Content-Encoding": "gzip"})))


def test_proxies_of_the_environment_are_not_used(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetch(here.add("/x", Page(b"direct")))["text"] == "direct"


def test_a_certificate_without_a_trusted_signer_is_refused() -> None:
    with site(tls=True) as running:
        running.add("/x", Page(b"secret"))
        with pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"):
            fetch(running.url("/x", host="localhost", scheme="https"))
    assert running.requests == []


def test_https_is_fetched_and_the_name_in_the_certificate_must_match(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with site(tls=True) as running:
        running.add("/x", Page(b"hello"))
        assert fetch(running.url("/x", host="localhost", scheme="https"))["text"] == "hello"
        with pytest.raises(FetchFailed, match=r"127\.0\.0\.2"):
            fetch(running.url("/x", host="127.0.0.2", scheme="https"), timeout=5)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"url": "ftp://example.org/"},
        {"url": "example.org"},
        {"url": "http://example.org/", "timeout": 0},
        {"url": "http://example.org/", "timeout": 301},
        {"url": "http://example.org/", "max_bytes": 10_000_001},
        {"url": "http://example.org/", "headers": {"Host": "x"}},
        {"url": "http://example.org/", "headers": {"X": "a\r\nb"}},
        {"url": "http://example.org/", "method": "post"},
        {"url": "http://example.org/", "method": "TRACE"},
        {"url": "http://example.org/", "method": "CONNECT"},
        {"url": "http://example.org/", "method": "GET / HTTP/1.1\r\nX: y"},
        {"url": "http://example.org/", "body": 5},
        {"url": "http://example.org/", "headers": {"Content-Length": "3"}},
    ],
)
def test_parameters_out_of_bounds_are_refused_before_anything_is_sent(parameters: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        definition("http.fetch").check(parameters)
    assert all(problem.field.startswith("parameters.") for problem in caught.value.problems)
