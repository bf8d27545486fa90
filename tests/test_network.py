"""Tests reach this machine and no other."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_a_connection_to_another_machine_is_refused(address: str) -> None:
    # Addresses of documentation (RFC 5737, RFC 3849): nobody has them, should the door be open after all.
    with pytest.warns(UserWarning, match=address), pytest.raises(SocketConnectBlockedError):
        socket.create_connection((address, 9), 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost"])
def test_this_machine_can_be_reached(host: str) -> None:
    with (
        socket.create_server(("0.0.0.0", 0)) as server,  # noqa: S104 - for each address of the loopback network
        socket.create_connection((host, server.getsockname()[1]), 10) as client,
    ):
        assert client.getpeername()[0].startswith("127.")


def test_a_unix_socket_can_be_reached(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(path)
        assert client.getpeername() == path
