"""The text that `up` shows once everything runs."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from stack.failure import StackError
from stack.welcome import Credentials, credentials, welcome

ADMIN = Credentials(user="admin", password="p4ss", token="t0ken", path="/data/credentials")
URL = "http://127.0.0.1:8000"


def curls(text: str) -> list[list[str]]:
    return [shlex.split(line) for line in text.splitlines() if line.strip().startswith("curl")]


def test_password_and_token_are_shown_the_first_time() -> None:
    text = welcome(URL, ADMIN, first_time=True)
    assert "admin / p4ss" in text
    assert "t0ken" in text
    assert f"{URL}/api/docs/" in text


def test_later_only_the_place_of_the_secrets_is_shown() -> None:
    text = welcome(URL, ADMIN, first_time=False)
    assert "/data/credentials" in text
    assert "p4ss" not in text
    assert "t0ken" not in text


def test_later_the_first_line_to_paste_reads_the_token(tmp_path: Path) -> None:
    kept = tmp_path / "it's kept"
    kept.write_text(json.dumps({"token": "t0ken"}))
    text = welcome(URL, replace(ADMIN, path=str(kept)), first_time=False)
    [line] = [line for line in text.splitlines() if line.strip().startswith("TOKEN=")]
    done = subprocess.run(["sh", "-c", f'{line}\necho "$TOKEN"'], capture_output=True, text=True, check=True)
    assert done.stdout == "t0ken\n"


def test_the_curl_lines_survive_being_pasted_into_a_shell() -> None:
    beat, cron, tasks = curls(welcome(URL, ADMIN, first_time=True))
    assert json.loads(beat[-1]) == {
        "name": "Hello from Beat",
        "job": "demo.process_data",
        "cron": "* * * * *",
        "backend": "beat",
    }
    assert json.loads(cron[-1])["backend"] == "crontab"
    assert f"{URL}/api/schedules/" in beat
    assert f"{URL}/api/tasks/" in tasks
    assert all("Authorization: Bearer t0ken" in line for line in (beat, cron, tasks))


def test_the_output_of_bootstrap_is_read() -> None:
    assert credentials(json.dumps({"user": "a", "password": "b", "token": "c", "path": "d"})) == Credentials(*"abcd")


@pytest.mark.parametrize("text", ["", "[]", "{}", '"x"', "Traceback ..."])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(StackError, match="bootstrap"):
        credentials(text)
