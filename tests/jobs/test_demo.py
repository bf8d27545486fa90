import pytest

from scheduling.errors import InvalidRequest
from scheduling.registry import definition
from tests.jobs.contexts import Recorder


def test_it_reports_each_step_and_says_that_it_succeeded() -> None:
    recorder = Recorder()
    result = definition("demo.process_data").run(recorder.context, {"steps": 3})
    assert result == {"message": "Data processed successfully"}
    assert [(done, total) for done, total, _ in recorder.reports] == [(1, 3), (2, 3), (3, 3)]


def test_it_takes_five_steps_unless_told_otherwise() -> None:
    recorder = Recorder()
    assert definition("demo.process_data").run(recorder.context, {}) == {"message": "Data processed successfully"}
    assert len(recorder.reports) == 5


def test_it_stops_before_the_next_step_when_cancelled() -> None:
    recorder = Recorder()
    recorder.cancel_when = lambda: len(recorder.reports) == 2
    result = definition("demo.process_data").run(recorder.context, {"steps": 1000, "pause": 0.001})
    assert result == {"message": "Cancelled after 2 of 1000 steps"}
    assert len(recorder.reports) == 2


@pytest.mark.parametrize(
    "parameters",
    [{"steps": 0}, {"steps": 1001}, {"pause": -1}, {"pause": 61}, {"steps": "many"}, {"stops": 5}],
)
def test_it_refuses_parameters_out_of_bounds(parameters: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        definition("demo.process_data").check(parameters)
