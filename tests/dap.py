"""A client of the Debug Adapter Protocol, as an editor is one: JSON behind a Content-Length."""

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

Message = dict[str, Any]


class DebugClient:
    """Talks to the debugpy that listens at a port; every message that came is kept."""

    def __init__(self, port: int, *, within: float = 30) -> None:
        self._socket = _connected(port, within)
        self._within = within
        self._sent = 0
        self._came: list[Message] = []
        self._news = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def attach(self, mappings: list[Mapping[str, str]], script: Path, line: int) -> None:
        """Attach as a launch.json says it, and break at a line of a file."""
        self.request("initialize", adapterID="debugpy", pathFormat="path")
        attached = self.send("attach", pathMappings=mappings, justMyCode=True)
        self.wait_for(lambda each: each.get("event") == "initialized")
        places = [{"line": line}]
        self.request("setBreakpoints", source={"path": str(script)}, breakpoints=places)
        self.request("configurationDone")
        self._answer_to(attached)

    def request(self, command: str, **arguments: Any) -> Message:
        """Send a request and return the body of its answer."""
        return self._answer_to(self.send(command, **arguments))

    def send(self, command: str, **arguments: Any) -> int:
        self._sent += 1
        message = {"seq": self._sent, "type": "request", "command": command, "arguments": arguments}
        text = json.dumps(message).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
        return self._sent

    def stopped(self) -> tuple[int, Message]:
        """Wait until it stops; return the thread's number and its topmost frame."""
        event = self.wait_for(lambda each: each.get("event") == "stopped")
        self._came.remove(event)
        thread = event["body"]["threadId"]
        return thread, self.request("stackTrace", threadId=thread)["stackFrames"][0]

    def value(self, expression: str, frame: Message) -> str:
        return self.request("evaluate", expression=expression, frameId=frame["id"])["result"]

    def wait_for(self, wanted: Callable[[Message], bool]) -> Message:
        end = time.monotonic() + self._within
        with self._news:
            while not (found := [each for each in self._came if wanted(each)]):
                if not self._news.wait(max(0, end - time.monotonic())):
                    pytest.fail(f"no such message among {self._came}")
        return found[0]

    def close(self) -> None:
        self._socket.close()

    def _answer_to(self, number: int) -> Message:
        answer = self.wait_for(lambda each: each.get("request_seq") == number)
        assert answer["success"], answer
        return answer.get("body") or {}

    def _listen(self) -> None:
        with suppress(OSError), self._socket.makefile("rb") as stream:  # it was closed
            while header := stream.readline():
                stream.readline()
                message = json.loads(stream.read(int(header.split(b":")[1])))
                if message.get("event") == "terminated":
                    self.send("disconnect")
                with self._news:
                    self._came.append(message)
                    self._news.notify_all()
                if message.get("command") == "disconnect":
                    break
        self.close()


def _connected(port: int, within: float) -> socket.socket:
    end = time.monotonic() + within
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=within)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def read_configuration(workspace: Path) -> dict[str, Any]:
    """Return the one attach configuration of a folder's launch.json, as VS Code reads it there."""
    text = (workspace / ".vscode" / "launch.json").read_text()
    data = json.loads(text.replace("${workspaceFolder}", str(workspace)))
    [configuration] = data["configurations"]
    return configuration


def attach(configuration: Mapping[str, Any], script: Path, text: str) -> DebugClient:
    """Attach as the configuration says, with a breakpoint at the line of `script` with `text`."""
    connect = configuration["connect"]
    assert (configuration["type"], configuration["request"]) == ("debugpy", "attach")
    assert connect["host"] == "127.0.0.1"
    client = DebugClient(connect["port"])
    client.attach(configuration["pathMappings"], script, line_of(script, text))
    return client


def line_of(path: Path, text: str) -> int:
    return next(n for n, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def score_in_background(url: str) -> tuple[threading.Thread, list[requests.Response]]:
    answers: list[requests.Response] = []
    asking = threading.Thread(target=lambda: answers.append(requests.post(url, "1", timeout=120)))
    asking.start()
    return asking, answers
