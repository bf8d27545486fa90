"""`python3 dev.py screenshots`: each page of the dashboard, wide and narrow, light and dark, over a sample ledger.

The pictures are written to var/pictures/, and those that the documentation shows to docs/pictures/ with `--docs`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, sync_playwright

from tests.servers.programs import program
from tests.servers.server import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
SCHEMES: Final = ("light", "dark")
WIDTHS: Final = {1440: 900, 390: 844}
# What the documentation shows: the name of the page, its width and scheme.
SHOWN: Final = {
    ("today", 1440, "light"), ("today", 390, "dark"), ("schedule", 390, "light"), ("schedule-new", 1440, "light"),
    ("timeline", 1440, "dark"), ("workflow", 1440, "light"),
}  # fmt: skip
# What the review is shown with.
_CRONTAB: Final = (
    "MAILTO=ops@example.org\n*/10 * * * * /usr/bin/fetch-orders --all\n0 3 * * * /usr/bin/backup\n"
    "30 2 * * 7 /usr/bin/rotate\n61 * * * * /usr/bin/poll\n0 9 13 * 5 /usr/bin/report\n@reboot /usr/bin/warm-up\n"
)
# Bytes: a picture in the repository is cloned by everybody.
LARGEST: Final = 150_000
# Seconds until the web server must answer.
_PATIENCE: Final = 60.0


def main() -> int:
    """Make the pictures. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="dev.py screenshots", description=__doc__)
    parser.add_argument("--docs", action="store_true", help="also write those of the documentation")
    parser.add_argument("--only", action="append", help="the name of a page, as its file begins (repeat for more)")
    asked = parser.parse_args()
    folder = ROOT / "var" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tandem-pictures-") as private:
        # One process may not ask the database beside the event loop of Playwright; here nothing else runs.
        os.environ |= {
            "TANDEM_TEST_OWNER": "alone",
            "TANDEM_VAR": private,
            "DJANGO_SETTINGS_MODULE": "settings.test",
            "TANDEM_SECRET_RATES_TOKEN": "for-the-pictures",
            "TANDEM_SECRET_SHOP_TOKEN": "for-the-pictures",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
        }
        cookie, addresses = _prepare()
        with _web(Path(private)) as base, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program("chromium"), args=["--no-sandbox"])
            made = [
                path
                for width in WIDTHS
                for scheme in SCHEMES
                for path in _shoot(browser, base, cookie, addresses, (width, scheme, asked.only, folder))
            ]
            browser.close()
    if asked.docs:
        _keep(folder)
    print(f"{len(made)} pictures are in {folder.relative_to(ROOT)}.")  # noqa: T201 - a program for the terminal
    return 0


def _prepare() -> tuple[str, dict[str, str]]:
    """A database with the sample in it: the cookie of a session, and the address of each page by its name."""
    import django  # noqa: PLC0415 - Django is set up when the environment is

    django.setup()
    from django.conf import settings  # noqa: PLC0415 - as above
    from django.core.management import call_command  # noqa: PLC0415 - as above
    from django.utils import timezone  # noqa: PLC0415 - as above

    from tests.browser import sample, sessions  # noqa: PLC0415 - as above
    from tests.recording import SETTINGS_EXECUTORS  # noqa: PLC0415 - as above

    settings.TANDEM_EXECUTORS = SETTINGS_EXECUTORS
    call_command("migrate", verbosity=0)
    addresses = sample.fill(timezone.now())
    user = sessions.an_admin("ada")
    sample.tokens(user, timezone.now())
    return sessions.cookie_of(user), addresses


@contextmanager
def _web(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "settings.asgi:application", "--port", str(port)]
    with (folder / "web.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            _until_it_answers(f"http://127.0.0.1:{port}/login/")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _until_it_answers(address: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own server
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _shoot(
    browser: Browser, base: str, cookie: str, addresses: dict[str, str], how: tuple[int, Any, list[str] | None, Path]
) -> Iterator[Path]:
    width, scheme, only, folder = how
    viewport: Any = {"width": width, "height": WIDTHS[width]}
    context = browser.new_context(base_url=base, viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": base}])
    page = context.new_page()
    for name, address in addresses.items():
        if only and name not in only:
            continue
        yield _picture(page, address, folder / f"{name}-{width}-{scheme}.png", whole=True)
        if (name, width, scheme) in SHOWN:
            _picture(page, address, folder / f"shown-{name}-{width}-{scheme}.png", whole=False)
    context.close()


def _picture(page: Page, address: str, path: Path, *, whole: bool) -> Path:
    from tests.browser import sample  # noqa: PLC0415 - Django is set up by now

    sample.keep_alive()
    page.goto(address)
    if address == "/review/":
        page.locator("#crontab").fill(_CRONTAB)
        page.get_by_role("button", name="Review", exact=True).click()
        page.wait_for_selector("#lines")
    page.screenshot(path=path, full_page=whole)
    return path


def _keep(folder: Path) -> None:
    """Copy the pictures of the documentation into the repository. Ends the program where one is too large."""
    kept = ROOT / "docs" / "pictures"
    kept.mkdir(exist_ok=True)
    for name, width, scheme in sorted(SHOWN):
        path = folder / f"shown-{name}-{width}-{scheme}.png"
        if path.stat().st_size > LARGEST:
            sys.exit(f"{path.name} has {path.stat().st_size:,} bytes; at most {LARGEST:,} may be in the repository.")
        shutil.copyfile(path, kept / path.name.removeprefix("shown-"))


if __name__ == "__main__":
    sys.exit(main())
