"""The one thread that looks after running jobs."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from scheduling.execution import watch_thread
from scheduling.execution.watch_thread import looked_after

SECONDS = 60.0


def names() -> list[str]:
    """The names of the threads that look."""
    return [thread.name for thread in threading.enumerate() if thread.name == "looks"]


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks every few milliseconds."""
    monkeypatch.setattr(watch_thread, "LOOK_EVERY", 0.005)


def counting(
    wanted: int, trouble: Callable[[int], None] = lambda _: None
) -> tuple[Callable[[], None], threading.Event]:
    """Something to look at, and the signal that it was looked at so often."""
    count, enough = [0], threading.Event()

    def look() -> None:
        count[0] += 1
        if count[0] == wanted:
            enough.set()
        trouble(count[0])

    return look, enough


@pytest.mark.usefixtures("often")
def test_jobs_that_run_at_the_same_time_are_looked_after_by_one_thread() -> None:
    pairs = [counting(3) for _ in range(4)]
    with looked_after(pairs[0][0]), looked_after(pairs[1][0]), looked_after(pairs[2][0]), looked_after(pairs[3][0]):
        for _, enough in pairs:
            assert enough.wait(SECONDS)
        assert len(names()) == 1


@pytest.mark.usefixtures("often")
def test_a_look_that_raises_is_followed_by_the_next() -> None:
    def trouble(count: int) -> None:
        if count == 1:
            raise ValueError("as asked")

    look, enough = counting(3, trouble)
    with looked_after(look):
        assert enough.wait(SECONDS)


@pytest.mark.usefixtures("often")
def test_nothing_is_looked_at_any_more_when_the_job_is_over() -> None:
    inside, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def look() -> None:
        assert not ended.is_set()
        inside.set()
        go_on.wait(SECONDS)

    def job() -> None:
        with looked_after(look):
            inside.wait(SECONDS)
        ended.set()

    runs = threading.Thread(target=job)
    runs.start()
    assert inside.wait(SECONDS)
    # A look is under way: the end of the job waits for it.
    assert not ended.is_set()
    go_on.set()
    runs.join(SECONDS)
    assert ended.is_set()


def test_a_short_job_makes_no_thread_and_is_not_looked_at() -> None:
    watch_thread.start()
    before, seen = threading.enumerate(), []
    with looked_after(lambda: seen.append(1)):
        assert threading.enumerate() == before
    assert seen == []


@pytest.mark.usefixtures("often")
def test_a_job_that_is_due_sooner_than_the_next_look_wakes_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_thread, "LOOK_EVERY", 3600.0)
    with looked_after(lambda: None):
        monkeypatch.setattr(watch_thread, "LOOK_EVERY", 0.005)
        look, enough = counting(1)
        with looked_after(look):
            assert enough.wait(SECONDS)
