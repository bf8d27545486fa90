"""The requests of http.fetch: methods, bodies, redirects, and allowed hosts."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from jobs.errors import Cancelled
from jobs.fetch.errors import HostRefused
from scheduling.registry import definition
from scheduling.storable import problem_with
from tests.jobs.contexts import Recorder
from tests.jobs.sites import Page, Site, conversation, site
from tests.jobs.test_http_safety import says_nothing, trickles_a_body

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@pytest.fixture(autouse=True)
def _private_addresses_allowed(settings: Settings) -> None:
    settings.TANDEM_HTTP_ALLOW_PRIVATE = True


@pytest.fixture
def here() -> Iterator[Site]:
    with site() as running:
        yield running


def fetch(url: str, recorder: Recorder | None = None, **parameters: object) -> dict[str, object]:
    """The job's result, which the ledger must be able to keep."""
    called = definition("http.fetch")
    result = called.run((recorder or Recorder()).context, {"url": url, **parameters})  # type: ignore[dict-item]  # tests pass JSON
    assert isinstance(result, dict)
    assert problem_with(result, most_bytes=20_000_000) == ""
    return result


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_sent_as_it_is(here: Site, method: str) -> None:
    result = fetch(here.add("/x", Page(b"hello", headers={"Allow": "GET"})), method=method)
    assert here.methods == [method]
    assert result["headers"]["allow"] == "GET"  # type: ignore[index]  # an object, see above
    assert result.get("text") == (None if method == "HEAD" else "hello")


def test_a_head_of_json_is_no_broken_json(here: Site) -> None:
    page = Page(b'{"a": 1}', "application/json", headers={"Content-Encoding": "gzip"})
    result = fetch(here.add("/x", page), method="HEAD")
    assert (result["content_type"], result["bytes"]) == ("application/json", 0)


@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [
        ("caf\u00e9", "caf\u00e9".encode(), "text/plain; charset=utf-8"),
        ({"a": ["\u00e9", 1, None]}, '{"a":["\u00e9",1,null]}'.encode(), "application/json"),
        ([], b"[]", "application/json"),
        ("", b"", "text/plain; charset=utf-8"),
    ],
)
def test_a_text_is_sent_as_it_is_and_anything_else_as_json(here: Site, body: object, sent: bytes, kind: str) -> None:
    fetch(here.add("/x", Page()), method="POST", body=body)
    assert here.bodies == [sent]
    assert here.requests[0][1]["content-type"] == kind


def test_the_content_type_can_be_chosen(here: Site) -> None:
    fetch(here.add("/x", Page()), method="PUT", body="<a/>", headers={"content-type": "text/xml"})
    assert here.requests[0][1]["content-type"] == "text/xml"


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "DELETE", "GET"),
        (303, "HEAD", "HEAD"),
        (302, "HEAD", "HEAD"),
        (302, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "PATCH", "PATCH"),
        (307, "DELETE", "DELETE"),
    ],
)
def test_a_redirect_repeats_a_request_only_where_it_may(here: Site, status: int, method: str, then: str) -> None:
    here.add("/end", Page(b"here"))
    body = None if method == "HEAD" else "data"
    fetch(here.redirect("/x", "/end", status=status), method=method, body=body)
    assert here.methods == [method, then]
    assert here.bodies == [(body or "").encode(), (body or "").encode() if then == method else b""]
    assert ("content-type" in here.requests[1][1]) is (body is not None and then == method)


def test_a_large_body_to_a_server_that_answers_is_sent_whole(here: Site) -> None:
    body = "x" * 90_000
    fetch(here.add("/x", Page()), method="POST", body=body)
    assert here.bodies == [body.encode()]


@pytest.mark.parametrize("patterns", [["127.0.0.1"], ["*.example.org", "127.*"], []])
def test_a_host_that_is_allowed_is_asked(here: Site, settings: Settings, patterns: list[str]) -> None:
    settings.TANDEM_HTTP_ALLOWED_HOSTS = patterns
    assert fetch(here.add("/x", Page(b"here")))["text"] == "here"


def test_another_host_is_not_asked_and_not_even_looked_up(settings: Settings) -> None:
    settings.TANDEM_HTTP_ALLOWED_HOSTS = ["api.example.org", "*.example.com"]
    for host in ("example.com", "evil-example.com", "api.example.org.evil.test", "127.0.0.1", "[::1]", "localhost"):
        with pytest.raises(HostRefused, match="TANDEM_HTTP_ALLOWED_HOSTS"):
            fetch(f"http://{host}/", method="POST")


def test_a_redirect_to_another_host_is_not_followed(here: Site, settings: Settings) -> None:
    settings.TANDEM_HTTP_ALLOWED_HOSTS = ["127.0.0.1"]
    with site() as elsewhere, pytest.raises(HostRefused):
        fetch(here.redirect("/x", elsewhere.url("/", host="localhost")))
    assert elsewhere.requests == []


@pytest.mark.parametrize("speak", [says_nothing, trickles_a_body])
def test_a_task_that_is_cancelled_waits_no_longer(speak: object) -> None:
    asked: list[bool] = []

    def third_time() -> bool:
        asked.append(True)
        return len(asked) > 2

    with conversation(speak) as port, pytest.raises(Cancelled):  # type: ignore[arg-type]  # the two are Speak
        fetch(f"http://127.0.0.1:{port}/", Recorder(cancel_when=third_time), timeout=60)
