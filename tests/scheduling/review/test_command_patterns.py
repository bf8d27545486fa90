"""Which commands an allowed pattern matches, and which it must not match."""

from __future__ import annotations

import pytest

from scheduling.review.command_patterns import filled, match

FETCH = "curl -fsS {url}"


@pytest.mark.parametrize(
    ("pattern", "command", "expected"),
    [
        (FETCH, "curl -fsS https://example.org/", {"url": "https://example.org/"}),
        (FETCH, "curl   -fsS\thttps://example.org/ >/dev/null 2>&1", {"url": "https://example.org/"}),
        (FETCH, "curl -fsS https://example.org/ &>/dev/null", {"url": "https://example.org/"}),
        (FETCH, "curl -fsS 'https://example.org/?a=1&b=2'", {"url": "https://example.org/?a=1&b=2"}),
        (FETCH, 'curl -fsS "https://example.org/a b"', {"url": "https://example.org/a b"}),
        ("cp {a} {a}", "cp x x", {"a": "x"}),
        ("cp {a} {a}", "cp x y", None),
        ("tool --at={at} {file}", "tool --at=3 f.txt", {"at": "3", "file": "f.txt"}),
        ("run; it $ALL | as is", "run; it $ALL | as is", {}),
        (FETCH, "curl -fsS", None),
        (FETCH, "curl -fsS a b", None),
        (FETCH, "wget -fsS a", None),
        (FETCH, "", None),
    ],
)
def test_words_are_compared(pattern: str, command: str, expected: dict[str, str] | None) -> None:
    assert match(pattern, command) == expected


@pytest.mark.parametrize(
    "command",
    [
        "curl -fsS x; rm -rf /", "curl -fsS x;reboot", "curl -fsS x && y", "curl -fsS x|sh", "curl -fsS $(id)",
        "curl -fsS `id`", "curl -fsS $HOME", 'curl -fsS "$HOME"', 'curl -fsS "`id`"', "curl -fsS *.txt",
        "curl -fsS x > /etc/passwd", "curl -fsS x >/dev/null; y", "curl -fsS x &", "curl -fsS ~/x", "curl -fsS {a,b}",
        "curl -fsS x#y", "curl -fsS x\\;y", "curl -fsS x\nreboot", "A=1 curl -fsS x", "curl -fsS <x", "curl -fsS !x",
        'curl -fsS "a\\"b"', "curl -fsS x 2>/tmp/log",
    ],
)  # fmt: skip
def test_a_command_in_which_the_shell_would_do_more_is_not_taken(command: str) -> None:
    assert match(FETCH, command) is None


def test_a_command_that_no_shell_could_read_raises() -> None:
    with pytest.raises(ValueError, match="quotation"):
        match("say 'hello", "say hello")


def test_parameters_are_filled_in() -> None:
    template = {"url": "{url}", "headers": ["x-{name}", 3], "deep": {"a": "{nobody}"}, "timeout": 30}
    expected = {"url": "u", "headers": ["x-n", 3], "deep": {"a": "{nobody}"}, "timeout": 30}
    assert filled(template, {"url": "u", "name": "n"}) == expected
