import pytest
from gunicorn.config import Config
from gunicorn.http.errors import ParseException

from scoredock_server.framing import Settings, body_length, parse_head
from scoredock_server.heads import Heads

HERE = ("127.0.0.1", 1)
HEAD = (
    b"POST /score?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nX-Forwarded-Proto: https\r\n\r\n"
)
CONFIG = Settings(Config())


def told(request):
    """Return what an answer may depend on."""
    names = ("method", "uri", "path", "query", "version", "headers", "scheme", "must_close")
    found = {name: getattr(request, name) for name in names}
    return dict(found, peer=request.peer_addr, remote=request.remote_addr)


@pytest.fixture
def heads():
    return Heads(CONFIG)


def test_the_same_head_is_the_same_request_but_for_who_sends_it(heads):
    for address in (HERE, HERE, ("127.0.0.1", 2), ("192.0.2.1", 1), b""):
        request, length = heads.parse(HEAD, address)
        parsed = parse_head(CONFIG, HEAD, address)

        assert (told(request), length) == (told(parsed), body_length(parsed))
    assert heads.parse(HEAD, HERE)[0].scheme == "https"
    assert heads.parse(HEAD, ("192.0.2.1", 1))[0].scheme == "http"


def test_what_becomes_of_one_request_is_nothing_to_the_next(heads):
    first, _ = heads.parse(HEAD, HERE)
    before = told(first)
    before["headers"] = list(first.headers)
    first.force_close()
    first.headers.append(("MORE", "yes"))
    first.was_told = True
    second, _ = heads.parse(HEAD, HERE)

    assert told(second) == before
    assert not hasattr(second, "was_told")
    assert second.body is not None


@pytest.mark.parametrize("name", ["Authorization", "cookie", "Proxy-Authorization"])
def test_a_secret_is_not_kept(heads, name):
    heads.parse(HEAD[:-2] + f"{name}: secret\r\n\r\n".encode(), HERE)

    assert "secret" not in repr(heads._known)


def test_what_is_long_or_in_chunks_is_not_kept_and_the_rest_not_without_end(heads):
    heads.parse(HEAD[:-2] + b"X-Long: " + b"x" * 3000 + b"\r\n\r\n", HERE)
    heads.parse(HEAD.replace(b"Content-Length: 3", b"Transfer-Encoding: chunked"), HERE)
    assert not heads._known
    for number in range(1000):
        heads.parse(HEAD.replace(b"a=1", b"a=%d" % number), HERE)
    assert 0 < len(heads._known) <= 64


def test_a_bad_head_is_refused_each_time(heads):
    for _ in range(2):
        with pytest.raises(ParseException):
            heads.parse(HEAD.replace(b"POST ", b"bad"), HERE)
