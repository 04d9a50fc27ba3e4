"""A server of packages for tests: a Python package index and a conda channel, which counts."""

import base64
import hashlib
import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


class PackageServer:
    """Serves `folder`, and the wheels in it as an index at /simple/; a context manager.

    With `credentials`, as `user:password`, whoever does not give them is turned away. With
    `hashes` the index tells those of its files.
    """

    def __init__(
        self, folder: Path, *, host: str, credentials: str = "", hashes: bool = False
    ) -> None:
        self.folder = folder
        self.hashes = hashes
        self.credentials = credentials
        self.paths: list[str] = []  # of what was given out
        handler = partial(_Handler, self, directory=str(folder))
        self._server = ThreadingHTTPServer((host, 0), handler)
        self.address = "{}:{}".format(*self._server.server_address)

    def __enter__(self) -> "PackageServer":
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def given(self, suffix: str) -> list[str]:
        """Return the names of files that were given out, without the versions: `numpy`."""
        files = [path.rpartition("/")[2] for path in self.paths if path.endswith(suffix)]
        return sorted({re.split(r"-\d", name)[0] for name in files})


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, own: PackageServer, *arguments: object, **options: object) -> None:
        self.own = own
        super().__init__(*arguments, **options)

    def do_GET(self) -> None:
        expected = "Basic " + base64.b64encode(self.own.credentials.encode()).decode()
        if self.own.credentials and self.headers["Authorization"] != expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="packages"')
            self.end_headers()
            return
        self.own.paths.append(self.path)
        if match := re.fullmatch(r"/simple/([\w.-]+)/", self.path):
            self._list(match[1])
        else:
            super().do_GET()

    def _list(self, project: str) -> None:
        names = [
            path.name
            for path in self.own.folder.glob("*.whl")
            if re.sub(r"[-_.]+", "-", path.name.split("-")[0]).lower() == project
        ]
        if not names:
            self.send_error(404)
            return
        links = [f'<a href="/{name}{self._hash(name)}">{name}</a>\n' for name in names]
        page = "".join(links).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def _hash(self, name: str) -> str:
        if not self.own.hashes:
            return ""
        return f"#sha256={hashlib.sha256((self.own.folder / name).read_bytes()).hexdigest()}"

    def log_message(self, *_: object) -> None:
        """Say nothing: what was asked for is in `paths`."""
