"""docs/live-status.md: the codes with which sockets are closed, and the members of a message."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from http import HTTPStatus

from api.feed import server_sent, subscriptions
from api.feed.messages import update
from api.feed.sockets import Close
from scheduling.events import log
from scheduling.lifecycle import Status
from scheduling.models import Actor, Task, TaskEvent
from tests.docs.pages import DOCS, table

PAGE = (DOCS / "live-status.md").read_text(encoding="utf-8")
# RFC 6455, section 7.4.1, and IANA's registry: sent by the server that stops, not by us.
RESTARTS = 1012


def test_the_close_codes_are_those_of_the_sockets() -> None:
    listed = {int(code) for code, _ in table(PAGE, "| close code | |")}
    assert listed == {int(code) for code in Close} | {RESTARTS}
    assert all(code - 4000 in {int(status) for status in HTTPStatus} for code in listed if code > 4000)


def test_the_bounds_are_those_of_the_code() -> None:
    for number in (
        f"{subscriptions.MOST_UPDATES} messages or {subscriptions.MOST_CHARACTERS // 1_000_000} MB",
        f"looks back {log.LOOK_BACK:,} ids",
        f"every {server_sent.HEARTBEAT_SECONDS:.0f} seconds",
    ):
        assert number in PAGE


def test_the_example_has_the_members_of_a_message() -> None:
    found = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert found
    shown = json.loads(found[1])
    actor = Actor(kind="user", user="ada")
    event = TaskEvent(task=Task(), number=17, status=Status.QUEUED, at=datetime.now(UTC), detail={}, actor=actor)
    sent = json.loads(update(event).text)
    assert (list(shown), list(shown["actor"])) == (list(sent), list(sent["actor"]))
