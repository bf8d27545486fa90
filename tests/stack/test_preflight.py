"""The checks before anything is started."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from stack.failure import StackError
from stack.preflight import claim, require_free_port
from tests.servers.server import free_port


def test_a_second_up_on_the_same_folder_is_refused_and_told_who_is_first(tmp_path: Path) -> None:
    first = claim(tmp_path)
    with pytest.raises(StackError, match=rf"process {os.getpid()}\) runs on {tmp_path}"):
        claim(tmp_path)
    os.close(first)


def test_the_place_is_free_again_once_its_holder_has_gone(tmp_path: Path) -> None:
    os.close(claim(tmp_path))
    os.close(claim(tmp_path))


def test_what_a_killed_up_left_running_is_told_apart(tmp_path: Path) -> None:
    left_behind = claim(tmp_path)
    (tmp_path / "up.lock").write_text("99999999\n")
    with pytest.raises(StackError, match="what one that was killed left running"):
        claim(tmp_path)
    os.close(left_behind)


def test_two_folders_do_not_hinder_each_other(tmp_path: Path) -> None:
    for descriptor in (claim(tmp_path / "a"), claim(tmp_path / "b")):
        os.close(descriptor)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="set TANDEM_VAR"):
        claim(tmp_path / "file" / "var")


def test_a_port_in_use_is_refused_with_the_way_out() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(StackError, match=rf"Port {port} on 127\.0\.0\.1 cannot be used .*--port"):
            require_free_port("127.0.0.1", port)


def test_a_free_port_is_accepted() -> None:
    require_free_port("127.0.0.1", free_port())


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(StackError):
        require_free_port("192.0.2.1", 8000)
