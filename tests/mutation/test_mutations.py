"""The mistakes that are made, and the list of those that may survive."""

from __future__ import annotations

import ast

import pytest

from tests.mutation import __main__ as run
from tests.mutation import trial
from tests.mutation.mutations import Mutation, mutations, unparsed

MADE = [
    # a line, what becomes of it
    ("return a < b", ["return a <= b", "return None"]),
    ("return a and not b", ["return a and b", "return a or not b", "return None"]),
    ("if a:\n        pass", ["if not a:"]),
    ("if a == b:\n        pass", ["if a != b:"]),
    ("a = 1 + b", ["a = 1 - b", "a = 2 + b"]),
    ("a = 'word'", ["a = 'word_'"]),
    ("a = 'some words'", []),
    ("a = True", ["a = False"]),
    ("a = min(b)", ["a = max(b)"]),
    ("a.b = c", ["pass"]),
    ("a(b=c, d=e)", ["a(b=c)", "a(d=e)", "pass"]),
    ("a = {b, c}", ["a = {b}", "a = {c}"]),
    ("a = {b: c}", ["a = {}"]),
    ("raise a", ["pass"]),
    ("log.info('word')", []),
]


@pytest.mark.parametrize(("line", "expected"), MADE)
def test_each_mistake_is_one_line_that_became_another(line: str, expected: list[str]) -> None:
    source = f"def f(a, b):\n    'Says so.'\n    {line}\n"
    found = list(mutations("f.py", source))
    assert sorted(mutation.became for mutation in found) == sorted(expected)
    assert {mutation.function for mutation in found} <= {"f"}
    for mutation in found:
        assert [mutation.became in text for text in (mutation.text, ast.unparse(ast.parse(source)))] == [True, False]


def test_names_that_are_handed_on_are_left_alone() -> None:
    assert list(mutations("f.py", "__all__ = ['a', 'b']\n")) == []


def test_figures_that_were_chosen_and_types_are_left_alone() -> None:
    assert list(mutations("f.py", "A: Final = 5\nB: Final = timedelta(days=1)\ndef f(a: 'x') -> 'y': ...\n")) == []


def test_every_file_has_tests_that_mirror_it() -> None:
    for file in run.files(run.CORE):
        assert run.tests_of(file), file


def test_each_explanation_is_of_a_mutation_that_there_is() -> None:
    explained = run.explained()
    files = {file for file, *_ in explained}
    made = {mutation.key for file in files for mutation in mutations(file, (run.ROOT / file).read_text())}
    assert set(explained) - made == set()
    assert all(why.strip() for why in explained.values())


LIFECYCLE = "scheduling/lifecycle.py"
SOURCES = "frozenset((status for status, moves in MOVES.items() if to in moves))"


def _in_sources(became: str) -> Mutation:
    """A change of the function `sources`."""
    text = unparsed((run.ROOT / LIFECYCLE).read_text())
    assert SOURCES in text
    return Mutation(LIFECYCLE, "sources", 0, SOURCES, became, text.replace(SOURCES, became))


def test_a_fork_notices_a_mistake_and_nothing_else() -> None:
    same = _in_sources("frozenset((status for status in MOVES if to in MOVES[status]))")
    wrong = _in_sources("frozenset()")
    outside = next(mutations(LIFECYCLE, (run.ROOT / LIFECYCLE).read_text()))
    answers = trial.answers([same, wrong, outside, same], ["tests/scheduling/test_lifecycle.py"])
    assert list(answers) == [False, True, None, False]


@pytest.mark.parametrize(("became", "code"), [(SOURCES, 0), ("frozenset()", 1)])
def test_all_tests_of_a_file_notice_a_mistake_from_the_start(became: str, code: int) -> None:
    mutation = _in_sources(became)
    assert trial.exit_code(LIFECYCLE, mutation.text, run.tests_of(LIFECYCLE), 110) == code


def test_tests_that_fail_without_a_mutation_are_named() -> None:
    with pytest.raises(ValueError, match="do not start: pytest no_such_test"):
        list(trial.answers([], ["no_such_test"]))
