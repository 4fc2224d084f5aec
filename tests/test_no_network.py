"""The tests' own guard: no test contacts a network, and none that tries passes."""

from __future__ import annotations

import socket
import threading

import pytest

from tests.no_network import refused_network

pytest_plugins = ["pytester"]


def test_connections_and_look_ups_are_refused_and_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    with refused_network(monkeypatch) as contacted:
        with pytest.raises(OSError, match="tests contact no network"):
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        with pytest.raises(OSError, match="tests contact no network"):
            socket.create_connection(("example.invalid", 80), timeout=1)
        with socket.socket() as connection, pytest.raises(OSError, match="tests contact no network"):
            connection.connect_ex(("192.0.2.1", 80))
    assert len(contacted) == 3


def test_the_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=lambda: server.accept()[0].close())
        accepting.start()
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=10).close()
        accepting.join()


def test_a_test_that_contacts_a_network_fails(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from tests.conftest import _no_network  # noqa: F401")
    pytester.makepyfile(
        """
        import contextlib, socket
        def test_it():
            with contextlib.suppress(OSError):
                socket.create_connection(("192.0.2.1", 80), timeout=1)
        """
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1, errors=1)
