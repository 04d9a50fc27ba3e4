"""Start a server, put it under load with wrk, and tell what its processes use."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

# Makes the list of predictions from the body of an answer.
Reader = Callable[[bytes], list[int]]

# What wrk runs: one fixed POST, and the figures as JSON in the end.
_LUA = """\
function init(args)
  local file = assert(io.open(args[1], "rb"))
  wrk.method, wrk.body = "POST", file:read("*a")
  file:close()
  wrk.headers["Content-Type"] = args[2]
  request_text = wrk.format()
end
function request() return request_text end
function done(summary, latency)
  local errors = summary.errors
  print(string.format('{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "status": %d, '
    .. '"lost": %d}', summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
"""
_START_LIMIT = 120
_STOP_LIMIT = 10


class ServerError(Exception):
    """A server did not start, or did not answer what it should."""


@dataclass(frozen=True)
class Request:
    """A POST and where it goes; `answer` is what the model says, None where anything will do."""

    path: str
    body: bytes
    content_type: str
    answer: list[int] | None


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nothing listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Running:
    """A started server and all its processes."""

    def __init__(
        self, command: list[str], variables: dict[str, str], folder: Path, port: int
    ) -> None:
        self.port = port
        self._folder = folder
        self._log = folder / "log"
        # A developer's settings are not what is measured.
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self._began = time.perf_counter()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                env={**kept, "HOME": str(folder), **variables},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self, request: Request, read: Reader) -> float:
        """Return the seconds from the start to the first right answer."""
        while time.perf_counter() - self._began < _START_LIMIT:
            self._check_alive()
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self._post(request)[0] == 200:
                    seconds = time.perf_counter() - self._began
                    self.check(request, read)
                    return seconds
            time.sleep(0.01)
        raise ServerError(f"does not answer in {_START_LIMIT} s: {self._log_end()}")

    def check(self, request: Request, read: Reader, times: int = 1) -> None:
        """Send the request so many times; each answer must be right."""
        for _ in range(times):
            try:
                status, body = self._post(request)
                right = status == 200 and request.answer in (None, read(body))
            except (OSError, http.client.HTTPException, ValueError, KeyError) as problem:
                raise ServerError(f"no answer from {request.path}: {problem!r}") from problem
            if not right:
                raise ServerError(f"answers {request.path} wrong: {status} {body[:300]!r}")

    def _post(self, request: Request) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            headers = {"Content-Type": request.content_type}
            connection.request("POST", request.path, request.body, headers)
            response = connection.getresponse()
            return response.status, response.read()

    def load(self, request: Request, connections: int, seconds: int) -> dict[str, float]:
        """Send the request over so many connections, as fast as the answers come.

        Returns requests a second, milliseconds of the median and the 99th percentile, microseconds
        of CPU a request, how many got an error or no answer, and which share of the machine others
        used meanwhile.
        """
        (self._folder / "post.lua").write_text(_LUA, encoding="utf-8")
        (self._folder / "body").write_bytes(request.body)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s"]
        command += ["-s", "post.lua", f"http://127.0.0.1:{self.port}{request.path}"]
        command += ["--", "body", request.content_type]
        before, all_before, wrk_before = self._cpu(), _machine_cpu(), _children_cpu()
        began = time.perf_counter()
        done = subprocess.run(
            command, cwd=self._folder, capture_output=True, text=True, check=False
        )
        wall = time.perf_counter() - began
        spent = self._cpu() - before
        others = _machine_cpu() - all_before - spent - (_children_cpu() - wrk_before)
        if done.returncode:
            raise ServerError(f"wrk ended with {done.returncode}: {done.stderr[-300:]}")
        found = json.loads(done.stdout.splitlines()[-1])
        return {
            "per_second": (found["requests"] - found["status"]) / found["microseconds"] * 1e6,
            "p50": found["p50"] / 1e3,
            "p99": found["p99"] / 1e3,
            "cpu": spent / max(found["requests"], 1) * 1e6,
            "failed": found["status"] + found["lost"],
            "others": max(others, 0) / wall / (psutil.cpu_count() or 1),
        }

    def memory(self) -> float:
        """Return the proportional set size of all processes, in MiB."""
        return self._sum(lambda each: float(each.memory_full_info().pss)) / 2**20

    def _cpu(self) -> float:
        return self._sum(lambda each: sum(each.cpu_times()[:2]))

    def _sum(self, figure: Callable[[psutil.Process], float]) -> float:
        total = 0.0
        for each in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += figure(each)
        return total

    def _check_alive(self) -> None:
        if self._process.poll() is not None:
            raise ServerError(f"ended with {self._process.returncode}: {self._log_end()}")

    def _processes(self) -> list[psutil.Process]:
        self._check_alive()
        root = psutil.Process(self._process.pid)
        return [root, *root.children(recursive=True)]

    def _log_end(self) -> str:
        return self._log.read_bytes()[-600:].decode(errors="replace")

    def stop(self) -> None:
        """End the server, and what is left of its processes."""
        if self._process.poll() is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # its session is its own
            return
        processes = self._processes()
        self._process.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs(processes, timeout=_STOP_LIMIT)
        for each in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        self._process.wait()


def _machine_cpu() -> float:
    found = psutil.cpu_times()
    return float(sum(found) - found.idle - found.iowait - found.guest - found.guest_nice)


def _children_cpu() -> float:
    found = psutil.Process().cpu_times()
    return float(found.children_user + found.children_system)
