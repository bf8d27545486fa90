"""A pytest plugin: tests name the servers they need; what was skipped is listed; in CI a skipped test is a failure."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.servers.programs import missing

# Set by dev.py where CI=true.
REQUIRED = "TANDEM_REQUIRE_SERVERS"


def require(name: str) -> None:
    """Skips the present test where the server `name` (`PostgreSQL`, `Redis`, `cron`) cannot be used."""
    for server, how in missing():
        if server == name:
            pytest.skip(f"{server} is not available: {how}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says in plain words, at the end, what was not tested and why."""
    reasons = Counter(_reason(report) for report in _skipped(terminalreporter))
    if not reasons:
        return
    terminalreporter.section("not tested here")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count} test{'s' if count > 1 else ''}: {reason}")
    if os.environ.get(REQUIRED):
        terminalreporter.line(f"{REQUIRED} is set: a skipped test counts as a failure.")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turns success into failure when tests were skipped and none may be."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    # An xdist worker has no reporter: the process that collects the reports decides.
    if reporter is None or not os.environ.get(REQUIRED):
        return
    if session.exitstatus == pytest.ExitCode.OK and _skipped(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skipped(reporter: pytest.TerminalReporter) -> list[pytest.TestReport | pytest.CollectReport]:
    # A file that skips itself shows up as a report of its collection.
    kinds = (pytest.TestReport, pytest.CollectReport)
    return [report for report in reporter.stats.get("skipped", []) if isinstance(report, kinds)]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return text.removeprefix("Skipped: ")
