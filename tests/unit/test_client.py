import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from scoredock.client import post_score
from scoredock.errors import ScoredockError
from scoredock.sdk.scoring import score

JSON = "application/json"


@pytest.fixture
def answering():
    """Start servers on loopback that answer every POST alike and keep what they were asked."""
    servers = []

    def start(status=200, body=b'{"predictions": [8]}', content_type=JSON):
        requests = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                requests.append((self.path, self.headers, sent))
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/score", requests

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_body_of_the_answer_is_returned(answering):
    url, _ = answering()

    assert post_score(url, b"{}") == '{"predictions": [8]}'


@pytest.mark.parametrize("content_type", [JSON, "text/html", "text/plain; charset=utf-8"])
@pytest.mark.parametrize("text", ["é", '{"label": "猫"}', "[1.5, 'ü', '🐳']"])
def test_an_answer_in_utf_8_is_returned_as_it_was_meant(answering, content_type, text):
    url, _ = answering(body=text.encode(), content_type=content_type)

    assert post_score(url, b"{}") == text


def test_an_answer_in_another_encoding_is_read_as_it_says(answering):
    url, _ = answering(body="é".encode("latin-1"), content_type="text/plain; charset=latin-1")

    assert post_score(url, b"{}") == "é"


def test_the_request_is_what_was_given_and_says_that_it_is_json(answering):
    url, requests = answering()

    post_score(url, '{"data": ["é"]}'.encode())

    [(path, headers, body)] = requests
    assert (path, headers["Content-Type"]) == ("/score", JSON)
    assert body.decode() == '{"data": ["é"]}'


@pytest.mark.parametrize("status", [201, 400, 404, 500, 503])
def test_an_answer_other_than_200_is_an_error_with_its_status_and_body(answering, status):
    url, _ = answering(status=status, body=b"run() failed: no column age\n")

    with pytest.raises(ScoredockError) as caught:
        post_score(url, b"{}")

    assert str(caught.value) == f"{url} answered {status}: run() failed: no column age"
    assert "scoredock logs" in caught.value.hint


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_request_that_failed_is_not_sent_again(answering, status):
    url, requests = answering(status=status)

    with pytest.raises(ScoredockError):
        post_score(url, b"{}")

    assert len(requests) == 1


def test_a_service_that_is_not_there_is_reported_with_the_next_action(port):
    url = f"http://127.0.0.1:{port}/score"

    with pytest.raises(ScoredockError) as caught:
        post_score(url, b"{}")

    assert str(caught.value) == f"{url}: nothing answers"
    assert "scripts/up" in caught.value.hint


@pytest.mark.parametrize(
    "url", ["127.0.0.1:1/score", "http://", "ftp://127.0.0.1/", "http://[::1/"]
)
def test_what_is_no_url_is_reported_as_such(url):
    with pytest.raises(ScoredockError) as caught:
        post_score(url, b"{}")

    assert str(caught.value).startswith(f"{url}: ")
    assert "nothing answers" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_of_the_environment_is_not_asked_for_loopback(answering, monkeypatch, host):
    url, requests = answering()
    proxy, proxied = answering(body=b"from the proxy")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.removesuffix("/score"))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    post_score(url.replace("127.0.0.1", host), b"{}")

    assert (len(requests), len(proxied)) == (1, 0)


def test_a_proxy_of_the_environment_is_asked_for_other_hosts(answering, monkeypatch):
    proxy, proxied = answering(body=b"from the proxy")
    monkeypatch.setenv("http_proxy", proxy.removesuffix("/score"))
    monkeypatch.setenv("no_proxy", "")

    post_score("http://scoring.invalid/score", b"{}")

    assert len(proxied) == 1


def test_a_key_is_sent_where_there_is_one_and_no_login_of_netrc_takes_its_place(
    answering, monkeypatch, tmp_path
):
    url, requests = answering()
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    post_score(url, b"{}")
    post_score(url, b"{}", key="the-key")

    assert [headers["Authorization"] for _, headers, _ in requests] == [None, "Bearer the-key"]


@pytest.mark.parametrize(
    ("key", "reason"), [("", "it asks for a key"), ("old-key", "the key is not accepted")]
)
def test_a_service_that_asks_for_a_key_is_reported_with_the_option(answering, key, reason):
    url, _ = answering(status=401, body=b'{"message": "Unauthorized"}')

    with pytest.raises(ScoredockError) as caught:
        post_score(url, b"{}", key=key)

    assert str(caught.value) == f"{url} answered 401: {reason}"
    assert "--key-file FILE" in caught.value.hint


def test_the_sdk_sends_the_key_of_the_service(answering, tmp_path):
    url, requests = answering()
    (tmp_path / "keys").write_text("the-key\nthe-other-key\n")

    answer = score(url, {"data": [1]}, key_file=str(tmp_path / "keys"))

    [(_, headers, body)] = requests
    assert (answer, body) == ({"predictions": [8]}, b'{"data": [1]}')
    assert headers["Authorization"] == "Bearer the-key"
