"""What a client may send that is no request, or nearly one: bytes, in pieces, and how it ends."""

from random import Random
from typing import NamedTuple

BODY = b'{"data": [1, 2]}'
REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /score?a=1 HTTP/1.0\r\n\r\n",
    b"HEAD /swagger.json?version=3 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"OPTIONS /score HTTP/1.1\r\nHost: a\r\nOrigin: https://a\r\n"
    b"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: a, b\r\n\r\n",
    b"POST /score HTTP/1.1\r\nHost: a\r\nx-request-id: 1\r\nContent-Length: 16\r\n\r\n" + BODY,
    b"POST /score HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /score HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'9\r\n{"data": \r\n7;a=b\r\n[1, 2]}\r\n0\r\nX-Trailer: 1\r\n\r\n',
]

METHODS = [b"POST", b"GET", b"post", b"", b"G\0T", b"M-SEARCH", b"P" * 50, b"\xff", b"PRI", b"GET "]
TARGETS = [
    *(b"/score", b"*", b"", b"http://a/score", b"http://[::1/score", b"//score", b"/score#f"),
    *(b"/\xff\xfe", b"/%", b"/%00", b"/score?%ff=\xe9", b"/a b", b"a:80", b"/" + b"x" * 5000),
    *(b"/score?" + b"a=1&" * 900, b"/" + b"../" * 200, b"http://a:b/", b"/score\x0b", b"?"),
]
VERSIONS = [
    *(b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.2", b"HTTP/11", b"http/1.1"),
    *(b"", b"HTTP/1.1 ", b"HTTP/\xb2.1", b"HTTP/1.1\0", b"HTTP/1.1 x", b"ICY"),
]
LENGTHS = [
    *(b"16", b"0", b"15", b"17", b"-1", b"+16", b" 16 ", b"1_6", b"0x10", b"16, 16", b"16,17", b""),
    *(b"\xb2", b"\xb9\xb6", b"1e1", b"16.0", b"9" * 30, b"9" * 5000, b"000016", b"16\0", b"16;a"),
]
ENCODINGS = [
    *(
        b"chunked",
        b"Chunked",
        b" chunked ",
        b"chunked, chunked",
        b"gzip, chunked",
        b"chunked, gzip",
    ),
    *(b"identity", b"x", b"", b"chunked\0", b"\x0bchunked", b"chunked;q=1", b",chunked", b"gzip"),
]
CHUNK_SIZES = [
    *(
        b"10",
        b"0",
        b"00010",
        b"F",
        b"11",
        b"-1",
        b"+10",
        b"0x10",
        b"1_0",
        b" 10",
        b"10 ",
        b"",
        b"g",
    ),
    *(b"10;a=b", b"10;" + b"x" * 9000, b"f" * 16, b"f" * 400, b"10\0", b"\xb2", b"10;a=\n"),
]
LINE_ENDS = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\0\r\n", b""]
HEADERS = [
    *(
        b"no colon",
        b": no name",
        b"A : blank",
        b" A: blank",
        b"A:",
        b"A: 1\r\n folded",
        b"A: 1\r\n\t",
    ),
    *(b"A\0: 1", b"A: \0", b"A: 1\rB: 2", b"A: 1\nB: 2", b"A: 1\r\r\nB: 2", b"\xff: 1", b"A: \xff"),
    *(b"A_B: 1", b"Content_Length: 5", b"A: \x01\x7f", b"(A): 1", b"Host: b", b"Host: \xff", b":"),
    *(b"Connection: keep-alive", b"Connection: Upgrade\r\nUpgrade: h2c", b"Expect: x"),
    *(b"X-Forwarded-Proto: https", b"X-Forwarded-For: \0", b"Script-Name: /x", b"Forwarded: for=_"),
    *(b"x-request-id: a\rX-Injected: 1", b"x-request-id: " + b"i" * 101, b"x-request-id: \x01"),
    *(b"x-ms-request-id: a\nb", b"TraceId: \0", b"TraceId: \xe9", b"Origin: https://a\rX: 1"),
    b"Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: a\rb",
    *(b"Content-Type: application/json; charset=\xff", b"Content-Type: multipart/form-data"),
]
OTHER_PROTOCOLS = [
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(range(256)),
    b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + REQUESTS[0],
    b"\r\n\r\n\r\n" + REQUESTS[0],
    b"GET /\r\n",
    b"GET /score\n\n",
    b"SSH-2.0-x\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"",
]


class Sending(NamedTuple):
    """Pieces of what is sent; then the client closes its side, all at once, or resets."""

    pieces: "list[bytes]"
    ending: str


def sending(rng: Random) -> Sending:
    """Make up what one connection sends."""
    raw = rng.choice(MAKERS)(rng)
    if rng.random() < 0.3:
        raw = mutated(rng, raw)
    if rng.random() < 0.15:
        raw = raw[: rng.randrange(len(raw) + 1)]
    ending = rng.choice(["half-close"] * 8 + ["close", "reset"])
    return Sending(in_pieces(rng, raw), ending)


def noise(rng):
    return bytes(rng.choices(range(256), k=rng.choice([1, 10, 100, 5000])))


def request_line(rng):
    blank, end = rng.choice([b" ", b" ", b" ", b"  ", b"\t", b""]), rng.choice(LINE_ENDS[:2])
    first = [rng.choice(METHODS), rng.choice(TARGETS), rng.choice(VERSIONS)]
    return blank.join(first) + end + b"Host: a" + end * 2


def content_length(rng):
    lengths = rng.choices(LENGTHS, k=rng.choice([1, 1, 2]))
    return request([b"Content-Length: " + length for length in lengths], BODY)


def chunks(rng):
    lines = [b"Transfer-Encoding: " + often(rng, ENCODINGS)]
    if rng.random() < 0.3:
        lines.insert(rng.randrange(2), b"Content-Length: " + rng.choice(LENGTHS))
    if rng.random() < 0.1:
        lines.append(b"Transfer-Encoding: " + rng.choice(ENCODINGS))
    body = b""
    for _chunk in range(rng.choice([0, 1, 1, 2, 3, 300])):
        body += often(rng, CHUNK_SIZES) + often(rng, LINE_ENDS) + BODY + often(rng, LINE_ENDS)
    last = often(rng, [b"0", b"00", b"0;x", b"", b"-0"]) + often(rng, LINE_ENDS)
    trailer = rng.choice([b"", b"", b"X-Trailer: 1\r\n", rng.choice(HEADERS) + b"\r\n"])
    return request(lines, body + last + trailer + often(rng, LINE_ENDS))


def header_lines(rng):
    lines = rng.choices(HEADERS, k=rng.choice([1, 2, 3]))
    method = rng.choice([b"POST", b"POST", b"OPTIONS"])
    return request([*lines, b"Content-Length: 16"], BODY, often(rng, LINE_ENDS), method)


def too_much(rng):
    size = rng.choice([100, 4000, 8189, 8190, 8191, 70_000, 300_000])
    lines = rng.choice(
        [
            [b"A: " + b"x" * size],
            [b"A" * size + b": x"],
            [b"A%d: x" % number for number in range(size // 20)],
            [b"A: x", *[b" folded"] * (size // 10)],
            [b"Cookie: " + b"a=b;" * (size // 4)],
            [b"x-request-id: x"] * (size // 20),
        ]
    )
    return request([*lines, b"Content-Length: %d" % size], rng.choice([BODY, b"{" * size]))


def pipelined(rng):
    return b"".join(rng.choices(REQUESTS, k=rng.randint(2, 4)))


def request(lines, body, end=b"\r\n", method=b"POST"):
    return end.join([method + b" /score HTTP/1.1", b"Host: a", *lines, b"", b""]) + body


def often(rng, choices):
    """Choose the first one, the right one, three times out of four."""
    return choices[0] if rng.random() < 0.75 else rng.choice(choices)


def mutated(rng, raw):
    """Flip, insert, delete or repeat some bytes, most of them near the beginning."""
    changed = bytearray(raw)
    for _time in range(rng.choice([1, 1, 2, 5])):
        place = min(int(rng.expovariate(1 / 60)), len(changed))
        size = rng.choice([1, 1, 2, 20])
        part = changed[place : place + size]
        new = [
            bytes(byte ^ 1 << rng.randrange(8) for byte in part),
            rng.choice([b"\r", b"\n", b"\0", b" ", b":", b"\xff", b"\r\n"]) + part,
            b"",
            part * 2,
        ]
        changed[place : place + size] = rng.choice(new)
    return bytes(changed)


def in_pieces(rng, raw):
    how = rng.random()
    if how < 0.1 and len(raw) < 500:
        return [raw[place : place + 1] for place in range(len(raw))]
    if how < 0.4:
        cut = rng.randrange(len(raw) + 1)
        return [raw[:cut], raw[cut:]]
    return [raw]


MAKERS = [
    noise,
    request_line,
    content_length,
    content_length,
    chunks,
    chunks,
    chunks,
    header_lines,
    header_lines,
    too_much,
    pipelined,
    lambda rng: rng.choice(REQUESTS),
    lambda rng: mutated(rng, rng.choice(REQUESTS)),
    lambda rng: rng.choice(OTHER_PROTOCOLS),
]
