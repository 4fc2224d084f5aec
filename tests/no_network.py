"""A guard that refuses connections and look-ups of names beyond the loopback, and records them."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest


@contextlib.contextmanager
def refused_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Refuse the network inside the block; yield the list of what was to be contacted.

    The list matters: libraries catch the refusal and go on with what they have cached.
    """
    contacted: list[str] = []
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def refuse(host: object) -> OSError:
        contacted.append(str(host))
        return OSError(errno.ENETUNREACH, f"tests contact no network: {host}")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if not _is_local(self, address):
            raise refuse(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if not _is_local(self, address):
            raise refuse(address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        if not _is_loopback(host):
            raise refuse(host)
        return getaddrinfo(host, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield contacted


def _is_local(connection: socket.socket, address: Any) -> bool:
    return connection.family not in (socket.AF_INET, socket.AF_INET6) or _is_loopback(address[0])


def _is_loopback(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    return False
