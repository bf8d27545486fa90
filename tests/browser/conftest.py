"""A real browser in front of a real Tandem: Debian's chromium, driven by Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.sessions import cookie_of
from tests.live.conftest import (  # noqa: F401 - the fixtures of the live tests
    folder,
    on_postgres,
    postgres,
    redis_server,
)
from tests.live.installation import Installation
from tests.live.watching import Web
from tests.servers.plugin import require
from tests.servers.programs import program

# Milliseconds: a busy machine takes its time. What is there is seen at once all the same.
expect.set_options(timeout=60_000)


@dataclass
class Visit:
    """A browser that has logged in at `web`. `complaints` are the errors that its console has shown."""

    web: Web
    browser: Browser
    cookie: str
    complaints: list[str] = field(default_factory=list)

    def page(self, **options: Any) -> Page:
        """A new window, with the options of Playwright's contexts: `viewport`, `color_scheme` and so on."""
        context = self.browser.new_context(base_url=f"http://127.0.0.1:{self.web.port}", **options)
        session = {
            "name": settings.SESSION_COOKIE_NAME,
            "value": self.cookie,
            "url": f"http://127.0.0.1:{self.web.port}",
        }
        context.add_cookies([session])  # type: ignore[list-item]  # a TypedDict of Playwright's own
        page = context.new_page()
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _heard(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """For one test: the event loop of Playwright would run on beside the tests that follow in this process."""
    require("chromium")
    with sync_playwright() as playwright:
        # Tests run as root, where chromium has no sandbox; it sees nothing but our own pages.
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(
    chromium: Browser,
    on_postgres: Installation,  # noqa: F811 - the fixture that is imported above
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Visit]:
    # Playwright's event loop runs in this thread, and Django would refuse every query beside it.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    web = Web(on_postgres)
    made = Visit(web, chromium, cookie_of(web.user))
    yield made
    for context in chromium.contexts:
        context.close()
