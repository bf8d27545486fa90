"""A pytest plugin: tests name the servers they need, skipped tests are listed, and in CI they are failures."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.servers.programs import missing

# Set by dev.py where CI=true.
REQUIRED = "TANDEM_REQUIRE_SERVERS"


def require(name: str) -> None:
    """Skip the present test if the server `name` (`PostgreSQL`, `Redis`, `cron`) cannot be used."""
    for server, how in missing():
        if server == name:
            pytest.skip(f"{server} is not available: {how}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the skipped tests and the reasons at the end."""
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
    """Turn success into failure if tests were skipped and CI=true forbids it."""
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
