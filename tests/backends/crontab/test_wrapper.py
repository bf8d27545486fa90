"""The wrapper script, run by the real /bin/sh in the empty environment that cron gives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from backends.crontab import wrapper
from scheduling.errors import BackendError

HOSTILE = [
    "",
    "plain",
    "two words",
    "'; touch /tmp/owned; '",
    "$(id) `id` ${HOME} $0",
    'double " quote',
    "back\\slash\\",
    "line\nbreak\n",
    "-n",
    "~ * ? [a] ! # % & | < >",
    "\u00e4\u20ac",
    "\t\x01\x7f",
]
SHOW = "import json, os, sys; print(json.dumps([dict(os.environ), os.getcwd(), sys.argv[1:]]))"


def run(script: bytes, path: Path, *arguments: str) -> Any:
    path.write_bytes(script)
    done = subprocess.run(
        ["/bin/sh", str(path), *arguments], env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("value", HOSTILE)
def test_values_folder_and_arguments_arrive_unchanged(value: str, tmp_path: Path) -> None:
    folder = tmp_path / f"in {value.replace('/', '_')}"
    folder.mkdir()
    command = [sys.executable, "-c", SHOW, value]
    script = wrapper.script({"VALUE": value, "OTHER": "x"}, folder=str(folder), command=command)
    environment, where, arguments = run(script, tmp_path / "script", "fire", "42")
    assert environment["VALUE"] == value
    assert environment["OTHER"] == "x"
    assert where == str(folder)
    assert arguments == [value, "fire", "42"]


@settings(max_examples=15, deadline=None)
@given(value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
def test_any_value_arrives_unchanged(value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("wrapper") / "script"
    script = wrapper.script({"VALUE": value}, folder="/", command=["/bin/sh", "-c", 'printf "%s" "$VALUE"'])
    path.write_bytes(script)
    done = subprocess.run(["/bin/sh", str(path)], env={}, capture_output=True, check=True)
    assert done.stdout == value.encode()


def test_what_a_person_sets_in_the_table_does_not_reach_us(tmp_path: Path) -> None:
    hostile = {
        "DATABASE_URL": "sqlite:////tmp/another",
        "DJANGO_SETTINGS_MODULE": "os",
        "LOG_LEVEL": "DEBUG",
        "PYTHONHOME": "/nowhere",
        "PYTHONPATH": str(tmp_path),
        "PYTHONSTARTUP": str(tmp_path / "owned"),
        "TZ": "Mars/Olympus",
        "PATH": str(tmp_path),
        "IFS": "/",
        "ENV": str(tmp_path / "owned"),
        "BASH_ENV": str(tmp_path / "owned"),
    }
    path = tmp_path / "script"
    path.write_bytes(wrapper.script({"DATABASE_URL": "ours"}, folder="/", command=[sys.executable, "-c", SHOW]))
    path.chmod(0o700)
    done = subprocess.run([str(path), "due"], env=hostile, capture_output=True, check=True)
    environment, _, arguments = json.loads(done.stdout)
    # The shell and Python add these by themselves.
    assert environment.keys() - {"PWD", "SHLVL", "_", "OLDPWD", "LC_CTYPE"} == {"DATABASE_URL"}
    assert environment["DATABASE_URL"] == "ours"
    assert arguments == ["due"]


def test_what_no_environment_can_hold_is_refused() -> None:
    with pytest.raises(BackendError, match="NUL"):
        wrapper.script({"VALUE": "a\0b"}, folder="/", command=["x"])
    with pytest.raises(BackendError, match="name of an environment variable"):
        wrapper.script({"A; rm": "x"}, folder="/", command=["x"])


@pytest.mark.parametrize("path", ["/a%b", "/a\nb", "/a#b", "/a\\b", "/a\x07b", "/a\udcffb"])
def test_a_path_that_cron_would_misread_is_refused(path: str) -> None:
    with pytest.raises(BackendError, match="TANDEM_VAR"):
        wrapper.command_of(Path(path))


def test_a_path_with_blanks_and_quotes_is_one_word_to_sh(tmp_path: Path) -> None:
    path = tmp_path / "it's my $HOME" / "show"
    path.parent.mkdir()
    path.write_text('#!/bin/sh\nprintf "%s" "$*"\n')
    path.chmod(0o700)
    done = subprocess.run(
        ["/bin/sh", "-c", f"{wrapper.command_of(path)} fire 1"], capture_output=True, check=True, text=True
    )
    assert done.stdout == "fire 1"


def test_the_wrapper_is_private_and_written_only_when_it_differs(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VAR = tmp_path / "var"
    settings.TANDEM_ENVIRONMENT_NAMES = {"BROKER_URL", "NOT_SET_ANYWHERE"}
    monkeypatch.setenv("BROKER_URL", "redis://one")
    wrapper.install()
    first = wrapper.path().stat()
    assert first.st_mode & 0o777 == 0o700
    content = wrapper.path().read_text()
    assert "export BROKER_URL=redis://one\n" in content
    assert "export DJANGO_SETTINGS_MODULE=settings.test\n" in content
    assert "NOT_SET_ANYWHERE" not in content
    assert "export PATH=/usr/local/sbin:" in content
    wrapper.install()
    assert wrapper.path().stat().st_ino == first.st_ino
    monkeypatch.setenv("BROKER_URL", "redis://two")
    wrapper.install()
    assert "redis://two" in wrapper.path().read_text()
    wrapper.path().chmod(0o755)
    wrapper.install()
    assert wrapper.path().stat().st_mode & 0o777 == 0o700
