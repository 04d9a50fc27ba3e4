import os
import socket

import pytest

from scoredock.errors import ScoredockError
from scoredock.port import check_port


@pytest.fixture
def listen():
    sockets = []

    def listening(address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        sockets.append(listener)
        listener.bind((address, 0))
        listener.listen()
        return listener.getsockname()[1]

    yield listening
    for listener in sockets:
        listener.close()


@pytest.mark.parametrize("bind", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_port_that_nobody_has_is_free(bind, port):
    assert check_port(bind, port) is None


def test_looking_at_a_port_does_not_take_it(port):
    check_port("127.0.0.1", port)

    assert check_port("127.0.0.1", port) is None


def test_a_port_whose_last_connection_was_just_closed_is_free(port):
    with (
        socket.create_server(("127.0.0.1", port)) as server,
        socket.create_connection(("127.0.0.1", port)) as client,
    ):
        # Who closes first keeps the port in TIME_WAIT.
        server.accept()[0].close()
        client.recv(1)

    assert check_port("127.0.0.1", port) is None


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0")],
)
def test_the_process_that_has_the_port_is_named_with_its_pid(listen, theirs, ours):
    port = listen(theirs)

    with pytest.raises(ScoredockError, match=rf"^port {port} is in use by .+\(pid") as caught:
        check_port(ours, port)

    assert str(caught.value).endswith(f" (pid {os.getpid()})")


def test_the_hint_of_a_port_in_use_offers_the_next_one(listen):
    port = listen("127.0.0.1")

    with pytest.raises(ScoredockError) as caught:
        check_port("127.0.0.1", port)

    assert f"PORT={port + 1}" in caught.value.hint


# 192.0.2.0/24 is for documentation: no machine has it. A name that ends in .invalid has no address.
@pytest.mark.parametrize("bind", ["192.0.2.1", "2001:db8::1", "host.invalid"])
def test_an_address_that_is_not_this_machines_is_refused_with_the_variable(bind, port):
    with pytest.raises(ScoredockError, match=f"^cannot listen on {bind}: ") as caught:
        check_port(bind, port)

    assert "BIND" in caught.value.hint
