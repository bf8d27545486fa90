"""Each variable has a type. A wrong value stops the start, and the message says what to write."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from settings.env import Environment


def test_a_variable_is_read_as_what_it_is() -> None:
    env = Environment({"NUMBER": " 7 ", "FLAG": "Yes", "LIST": "a, b,,c", "KIND": "x", "FOLDER": "/tmp/../srv"})
    assert env.integer("NUMBER", 1) == 7
    assert env.boolean("FLAG", default=False) is True
    assert env.names_list("LIST") == ["a", "b", "c"]
    assert env.choice("KIND", "y", ("x", "y")) == "x"
    assert env.path("FOLDER", Path("/")) == Path("/tmp/../srv")
    names = {"NUMBER", "FLAG", "LIST", "KIND", "FOLDER"}
    assert env.names == names | {f"{name}_FILE" for name in names}


def test_an_absent_or_empty_one_has_its_default() -> None:
    env = Environment({"EMPTY": " "})
    assert env.integer("EMPTY", 3) == 3
    assert env.boolean("ABSENT", default=True) is True
    assert env.text("ABSENT", "x") == "x"


@pytest.mark.parametrize("value", ["x", "1.5", "-1", "99", "1e3", "\uff19"])
def test_a_number_out_of_range_or_no_number_says_what_to_write(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="NUMBER is not usable: write a whole number from 0 to 9"):
        Environment({"NUMBER": value}).integer("NUMBER", 1, high=9)


def test_a_wrong_value_is_never_repeated() -> None:
    env = Environment({"FLAG": "hunter2", "KIND": "hunter2"})
    for read in (lambda: env.boolean("FLAG", default=True), lambda: env.choice("KIND", "a", ("a",))):
        with pytest.raises(ImproperlyConfigured) as refused:
            read()
        assert "hunter2" not in str(refused.value)


def test_a_missing_one_without_default_gives_the_hint() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY is not set\. Write 50 characters\."):
        Environment({}).text("SECRET_KEY", hint="Write 50 characters.")


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    assert Environment({"SECRET_KEY_FILE": str(secret)}).text("SECRET_KEY") == "hunter2"


def test_a_secret_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="NAME and NAME_FILE are both set: keep one of them"):
        Environment({"NAME": "hunter2", "NAME_FILE": str(tmp_path)}).text("NAME")


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), (b" \n", "is empty"), (b"\xff\xfe", "it is not text")]
)
def test_a_file_without_a_secret_is_refused_by_its_name(tmp_path: Path, content: bytes | None, said: str) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match="NAME_FILE names a file") as refused:
        Environment({"NAME_FILE": str(secret)}).text("NAME", "a default")
    assert said in str(refused.value)
