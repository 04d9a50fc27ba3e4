"""Clients that ask and measure, and clients that are a burden; bench/steadiness.py has them too."""

import re
import resource
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from wire import post, read_answer

from serving import Server

SCRIPT = "import os\ndef init(): pass\ndef run(raw_data): return os.getpid()\n"
ASK = post("1")


def address_of(server: Server) -> tuple[str, int]:
    return "127.0.0.1", int(server.url.rpartition(":")[2])


def connect(server: Server) -> socket.socket:
    return socket.create_connection(address_of(server), timeout=20)


@contextmanager
def wrk(server: Server, folder: Path, *, seconds: int, connections: int) -> Iterator[list[str]]:
    """Let wrk ask meanwhile; what it says is in the list afterwards. No request may have failed."""
    if not shutil.which("wrk"):
        pytest.skip("needs wrk")
    script = folder / "post.lua"
    script.write_text('wrk.method = "POST"\nwrk.body = "1"\n')
    command = [
        "wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s",
        "--timeout=20s", "--latency", f"--script={script}", f"{server.url}/score",
    ]  # fmt: skip
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield said
        said.append(process.communicate()[0])
    assert int(re.search(r"(\d+) requests in", said[0])[1]) > 10, said[0]
    assert "Socket errors" not in said[0], said[0]
    assert "Non-2xx" not in said[0], said[0]


@dataclass
class Failure:
    """A request without an answer, of a connection that this worker had before, if any."""

    worker: int | None
    why: str


@dataclass
class Clients:
    """What clients have seen that ask one request after another, each on a connection it keeps."""

    seconds: list[float] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    longest_unready: float = 0.0
    is_over: threading.Event = field(default_factory=threading.Event)

    def percentile(self, percent: float) -> float:
        found = sorted(self.seconds)
        return found[min(len(found) - 1, int(len(found) * percent / 100))]

    def ask(self, server: Server, rest: float) -> None:
        while not self.is_over.is_set():
            worker = None
            try:
                with connect(server) as connection:
                    stream = connection.makefile("rb")
                    while not self.is_over.is_set():
                        began = time.monotonic()
                        connection.sendall(ASK)
                        status, headers, body = read_answer(stream)
                        self.seconds.append(time.monotonic() - began)
                        if status != 200:
                            self.failures.append(Failure(None, f"{status} {body!r}"))
                        else:
                            worker = int(body)
                        if headers.get("connection") == "close":
                            break
                        time.sleep(rest)
            except (OSError, EOFError, ValueError) as error:
                self.failures.append(Failure(worker, repr(error)))

    def watch_readiness(self, server: Server) -> None:
        ready = time.monotonic()
        while not self.is_over.is_set():
            with suppress(OSError, EOFError, ValueError), connect(server) as connection:
                connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if read_answer(connection.makefile("rb"))[0] == 200:
                    now = time.monotonic()
                    self.longest_unready = max(self.longest_unready, now - ready)
                    ready = now
            time.sleep(0.02)


@contextmanager
def clients(server: Server, *, count: int = 4, rest: float = 0.0) -> Iterator[Clients]:
    """Ask meanwhile with so many connections; each rests between its requests."""
    seen = Clients()
    threads = [threading.Thread(target=seen.ask, args=[server, rest]) for _ in range(count)]
    threads.append(threading.Thread(target=seen.watch_readiness, args=[server]))
    for each in threads:
        each.start()
    try:
        yield seen
    finally:
        seen.is_over.set()
        for each in threads:
            each.join()


@contextmanager
def slow_clients(server: Server, count: int) -> Iterator[None]:
    """Send a head's bytes one by one, meanwhile, on so many connections, and never its end."""
    with held(server, count) as connections, background() as is_over:

        def drip() -> None:
            head = b"POST /score HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"x" * 100000
            for byte in head:
                for each in connections:
                    with suppress(OSError):
                        each.send(bytes([byte]))
                if is_over.wait(0.1):
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()


@contextmanager
def lingering_clients(server: Server, count: int, rest: float = 0.5) -> Iterator[None]:
    """Ask once on a connection, meanwhile, and keep it open for a while, again and again."""
    with background() as is_over:

        def ask() -> None:
            while not is_over.is_set():
                with suppress(OSError, EOFError), connect(server) as connection:
                    connection.sendall(post("1", "Connection: close"))
                    read_answer(connection.makefile("rb"))
                    is_over.wait(rest)

        threads = [threading.Thread(target=ask) for _ in range(count)]
        for each in threads:
            each.start()
        try:
            yield
        finally:
            is_over.set()
            for each in threads:
                each.join()


@contextmanager
def idle_clients(server: Server, count: int) -> Iterator[None]:
    """Keep so many connections, each of which has had an answer."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < count + 500:
        pytest.skip(f"needs {count + 500} open files, and may have {hard}")
    with held(server, count) as connections:
        for each in connections:
            each.sendall(ASK)
            assert read_answer(each.makefile("rb"))[0] == 200
        yield


@contextmanager
def held(server: Server, count: int) -> Iterator[list[socket.socket]]:
    connections: list[socket.socket] = []
    try:
        while len(connections) < count:
            connections.append(connect(server))
        yield connections
    finally:
        for each in connections:
            each.close()


@contextmanager
def background() -> Iterator[threading.Event]:
    is_over = threading.Event()
    try:
        yield is_over
    finally:
        is_over.set()


def allow_many_files() -> None:
    """Let this process, and what it starts, have as many open files as they may have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def workers(server: Server) -> list[psutil.Process]:
    """Return the processes that have no child: those that serve."""
    found = psutil.Process(server.process.pid).children(recursive=True)
    parents = {each.ppid() for each in found}
    return [each for each in found if each.pid not in parents]


def memory(server: Server) -> int:
    return sum(each.memory_full_info().uss for each in workers(server))


def open_files(server: Server) -> int:
    return sum(each.num_fds() for each in workers(server))
