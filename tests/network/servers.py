"""Servers of a company network for tests: TLS with an authority of its own, and a strict proxy."""

import select
import socket
import ssl
import subprocess
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from package_server import PackageServer


class Authority:
    """A certificate authority in `folder`, made with openssl."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "company-ca.pem"
        self._key = folder / "company-ca.key"
        self._openssl("req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2",
                      "-subj", "/CN=company", "-keyout", self._key, "-out", self.certificate,
                      "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip

    def context(self, host: str) -> ssl.SSLContext:
        """Return what a server with this name or IP address speaks TLS with."""
        key, request, made = (self.folder / f"{host}.{kind}" for kind in ("key", "csr", "pem"))
        extension = self.folder / "extensions"
        kind = "IP" if host.replace(".", "").isdigit() else "DNS"
        extension.write_text(f"subjectAltName={kind}:{host}\nbasicConstraints=CA:FALSE\n")
        self._openssl("req", "-new", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=packages",
                      "-keyout", key, "-out", request)  # fmt: skip
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key,
                      "-CAcreateserial", "-days", "2", "-extfile", extension,
                      "-out", made)  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made, key)
        return context

    @staticmethod
    def _openssl(*arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def speak_tls(server: PackageServer, context: ssl.SSLContext) -> PackageServer:
    """Let a server that has not begun to serve speak TLS."""
    own = server._server
    # A client that does not trust it must not hold up the others.
    own.socket = context.wrap_socket(own.socket, server_side=True, do_handshake_on_connect=False)
    return server


class Proxy:
    """A forward proxy that knows some names (HOST:PORT) and refuses others; a context manager.

    `servers` has the address of each on this machine: nobody but the proxy can find them.
    """

    def __init__(self, host: str, servers: Mapping[str, str]) -> None:
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def find(self, target: str) -> str:
                outer.asked.append(target)
                if target not in servers:
                    self.send_error(403)
                return servers.get(target, "")

            def do_CONNECT(self) -> None:
                address = self.find(self.path)
                if not address:
                    return
                host, _, port = address.rpartition(":")
                with socket.create_connection((host, int(port))) as there:
                    self.send_response(200)
                    self.end_headers()
                    pass_on(self.connection, there)
                self.close_connection = True

            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                address = self.find(f"{asked.hostname}:{asked.port or 80}")
                if not address:
                    return
                opener = build_opener(ProxyHandler({}))
                login = self.headers.get("Authorization", "")
                request = Request(asked._replace(netloc=address).geturl())
                if login:
                    request.add_header("Authorization", login)
                try:
                    with opener.open(request) as answer:
                        body = answer.read()
                except OSError as error:
                    self.send_error(getattr(error, "code", 502))
                    return
                self.send_response(200)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing: who was asked for is in `asked`."""

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self.address = "{}:{}".format(*self._server.server_address)

    def __enter__(self) -> "Proxy":
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def pass_on(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until one side ends."""
    while True:
        for here in select.select([one, other], [], [])[0]:
            data = here.recv(65536)
            if not data:
                return
            (other if here is one else one).sendall(data)
