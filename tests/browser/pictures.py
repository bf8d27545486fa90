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
from typing import TYPE_CHECKING, Any, Final

from playwright.sync_api import Browser, Page, sync_playwright

from tests.servers.programs import program
from tests.servers.server import free_port

if TYPE_CHECKING:  # Its module needs Django, which is set up when the environment is.
    from tests.browser.scenes import Scene

ROOT: Final = Path(__file__).resolve().parents[2]
SCHEMES: Final = ("light", "dark")
WIDTHS: Final = {1440: 900, 390: 844}
# What the documentation shows: the name of the page, its width and scheme.
SHOWN: Final = {
    ("today", 1440, "light"), ("today", 390, "dark"), ("schedule", 390, "light"), ("schedule-new", 1440, "light"),
    ("timeline", 1440, "dark"), ("workflow", 1440, "light"),
}  # fmt: skip
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
            "TANDEM_TASK_LIMITS": '{"key:shop": {"concurrency": 1, "rate": "30/m"}}',
        }
        cookies = _prepare()
        with _web(Path(private)) as base, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program("chromium"), args=["--no-sandbox"])
            made = [
                path
                for stage in _stages()
                for width in WIDTHS
                for scheme in SCHEMES
                for path in _shoot(browser, base, cookies, stage, (width, scheme, asked.only, folder))
            ]
            browser.close()
    if asked.docs:
        _keep(folder)
    print(f"{len(made)} pictures are in {folder.relative_to(ROOT)}.")  # noqa: T201 - a program for the terminal
    return 0


def _prepare() -> dict[str, str]:
    """An empty database: the cookie of each who looks at it, by name."""
    import django  # noqa: PLC0415 - Django is set up when the environment is

    django.setup()
    from django.conf import settings  # noqa: PLC0415 - as above
    from django.contrib.auth.models import User  # noqa: PLC0415 - as above
    from django.core.management import call_command  # noqa: PLC0415 - as above
    from django.utils import timezone  # noqa: PLC0415 - as above

    from tests.browser import sample, scenes, sessions  # noqa: PLC0415 - as above
    from tests.recording import SETTINGS_EXECUTORS  # noqa: PLC0415 - as above

    settings.TANDEM_EXECUTORS = SETTINGS_EXECUTORS
    call_command("migrate", verbosity=0)
    sample.processes_live(timezone.now())
    admin = sessions.an_admin(scenes.ADMIN)
    admin.is_staff = admin.is_superuser = True  # for Django's admin
    admin.save()
    stranger = User.objects.create_user(scenes.STRANGER)
    return {scenes.ADMIN: sessions.cookie_of(admin), scenes.STRANGER: sessions.cookie_of(stranger)}


def _stages() -> Iterator[dict[str, Scene]]:
    """The scenes, each set after what they show was made."""
    from django.contrib.auth.models import User  # noqa: PLC0415 - Django is set up by now
    from django.utils import timezone  # noqa: PLC0415 - as above

    from tests.browser import sample, scenes  # noqa: PLC0415 - as above

    yield scenes.of_nothing()
    made = sample.fill(timezone.now())
    sample.tokens(User.objects.get(username=scenes.ADMIN), timezone.now())
    yield scenes.of_work(*made)
    sample.calm()
    yield scenes.of_calm()
    sample.more(timezone.now())
    yield scenes.of_many()


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
    browser: Browser,
    base: str,
    cookies: dict[str, str],
    stage: dict[str, Scene],
    how: tuple[int, Any, list[str] | None, Path],
) -> Iterator[Path]:
    width, scheme, only, folder = how
    viewport: Any = {"width": width, "height": WIDTHS[width]}
    for name, scene in stage.items():
        if only and name not in only:
            continue
        context = browser.new_context(base_url=base, viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
        if scene.who:
            context.add_cookies([{"name": "sessionid", "value": cookies[scene.who], "url": base}])
        page = context.new_page()
        _open(page, scene)
        path = folder / f"{name}-{width}-{scheme}.png"
        page.screenshot(path=path, full_page=True)
        yield path
        if (name, width, scheme) in SHOWN:
            page.screenshot(path=folder / f"shown-{name}-{width}-{scheme}.png")
        context.close()


def _open(page: Page, scene: Scene) -> None:
    from tests.browser import sample, scenes  # noqa: PLC0415 - Django is set up by now

    sample.keep_alive()
    page.route("**/a-fault/", scenes.faulty)
    page.goto(scene.address)
    if scene.act is not None:
        scene.act(page)
    if scene.address.startswith("/api/"):
        page.wait_for_selector(".opblock")
    if page.locator("#live-word").count():
        page.wait_for_selector("#live-dot.on")


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
