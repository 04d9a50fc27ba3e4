"""Bodies for which the worker has a buffer of their own."""

import time

import pytest
from wire import RAW, SLOW, connected, echoed, post, read_answer

from serving import running, wait_until

LENGTH = 300_000
TEXT = "".join(map(chr, range(97, 123))) * (LENGTH // 26)


@pytest.fixture(scope="module", params=[SLOW, RAW], ids=["plain", "raw"])
def server(request, tmp_path_factory):
    with running(tmp_path_factory.mktemp("large"), request.param) as server:
        yield server.wait_until_ready()


@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 40])
def test_however_it_comes_it_is_scored_as_it_is_and_so_is_what_follows(server, pieces):
    data = post(TEXT) + post("next") + post(TEXT[::-1]) + post("last")
    size = len(data) // pieces + 1
    with connected(server) as connection, connection.makefile("rb") as stream:
        for start in range(0, len(data), size):
            connection.sendall(data[start : start + size])
            time.sleep(0.01)

        for text in (TEXT, "next", TEXT[::-1], "last"):
            assert echoed(read_answer(stream), text)


@pytest.mark.parametrize("missing", [1, 100_000, LENGTH - 30_000])
def test_one_that_ends_too_early_is_not_scored(server, missing):
    with connected(server) as connection, connection.makefile("rb") as stream:
        connection.sendall(post(TEXT)[:-missing])
        connection.shutdown(1)

        assert read_answer(stream)[0] == 400
        assert stream.read() == b""


def test_a_client_that_only_announces_one_takes_no_memory(tmp_path):
    with running(tmp_path, SLOW) as server:
        server.wait_until_ready()
        with connected(server) as connection, connection.makefile("rb") as stream:
            head = "POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000000\r\n\r\n"
            connection.sendall(head.encode() + b"x" * 100_000)

            assert echoed(ask(server, "others"), "others")
            assert server.process.poll() is None
            assert "MemoryError" not in server.log()
            connection.shutdown(1)

            assert read_answer(stream)[0] == 400


def ask(server, text):
    with connected(server) as connection, connection.makefile("rb") as stream:
        connection.sendall(post(text))
        return read_answer(stream)


def test_one_that_does_not_come_in_time_is_a_408_that_the_client_can_read(tmp_path):
    with running(tmp_path, SLOW, SCOREDOCK_BODY_TIMEOUT="1") as server:
        server.wait_until_ready()
        with connected(server) as connection, connection.makefile("rb") as stream:
            connection.sendall(post(TEXT)[:-1])

            assert read_answer(stream)[0] == 408
            connection.sendall(b"x")
            assert stream.read() == b""
        wait_until(lambda: echoed(ask(server, "more"), "more"), server.log)
