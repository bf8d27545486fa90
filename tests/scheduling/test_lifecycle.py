"""The table of moves between statuses."""

from scheduling.lifecycle import FINISHED, MOVES, OPEN, RETRYABLE, Status, sources


def test_every_status_has_a_row() -> None:
    assert set(MOVES) == set(Status)


def test_a_status_is_stored_and_shown_by_its_name() -> None:
    assert [status.value for status in Status] == [status.name for status in Status]


def test_what_waits_is_queued_when_its_time_comes() -> None:
    assert sources(Status.QUEUED) == {Status.SCHEDULED, Status.RETRYING} | RETRYABLE
    assert {Status.FAILED, Status.CANCELLED, Status.SKIPPED, Status.MISSED} == RETRYABLE


def test_a_finished_task_moves_only_by_a_retry() -> None:
    assert {to for status in FINISHED for to in MOVES[status]} == {Status.QUEUED}
    assert MOVES[Status.COMPLETED] == frozenset()
    assert {Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.SKIPPED, Status.MISSED} == FINISHED
    assert {Status.SCHEDULED, Status.QUEUED, Status.RUNNING, Status.RETRYING} == OPEN


def test_only_a_queued_task_is_claimed() -> None:
    assert sources(Status.RUNNING) == {Status.QUEUED}


def test_only_a_running_task_completes_or_fails() -> None:
    assert sources(Status.COMPLETED) == sources(Status.FAILED) == {Status.RUNNING}


def test_everything_open_can_be_cancelled() -> None:
    assert sources(Status.CANCELLED) == OPEN


def test_nothing_becomes_skipped_or_missed_later() -> None:
    assert sources(Status.SKIPPED) == sources(Status.MISSED) == frozenset()
