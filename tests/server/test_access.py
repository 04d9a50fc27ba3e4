import json
import re
import ssl
import subprocess
from pathlib import Path

import pytest
import requests

from interpreter import server_python, server_variables
from serving import (
    ECHO,
    EVALUATE,
    covers,
    run_command,
    running,
    send,
    wait_for_log,
    wait_until,
    write_files,
)
from support import ROOT

KEY = "first-key-0123456789abcdef"
OTHER = "second-key-0123456789abcdef"
BEARER = {"Authorization": f"Bearer {KEY}"}
REFUSED = "Unauthorized. Send a key of this service: Authorization: Bearer KEY"
RAWHTTP = """
from azureml.contrib.services.aml_request import rawhttp

def init(): pass

@rawhttp
def run(request):
    return request.method
"""


def get(url, **settings):
    return requests.get(url, timeout=20, **settings)


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keyed")
    write_files(folder, {"keys": f"# of the digits service\n{KEY}\n\n{OTHER}\n"})
    with running(folder, EVALUATE, SCOREDOCK_KEY_FILE=str(folder / "keys")) as server:
        yield server.wait_until_ready()


@covers("SCOREDOCK_KEY_FILE")
@pytest.mark.parametrize("key", [KEY, OTHER], ids=["first", "second"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_each_of_the_two_keys_opens_the_service(keyed, scheme, key):
    assert keyed.score("1+1", headers={"Authorization": f"{scheme} {key}"}).json() == 2


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {KEY[:-1]}",
        f"Bearer {KEY}x",
        f"Bearer {KEY.upper()}",
        f"Bearer {KEY} {OTHER}",
        "Bearer # of the digits service",
        KEY,
        f"Basic {KEY}",
        "Bearer é",
    ],
)
@pytest.mark.parametrize(
    "path", ["/score", "/swagger.json", "/metrics", "/nowhere", "//score", "/score/"]
)
def test_without_a_key_the_answer_is_a_401_that_gives_no_hint(keyed, path, authorization):
    headers = {"x-request-id": "asked"}
    if authorization is not None:
        headers["Authorization"] = authorization.encode()
    answer = get(keyed.url + path, headers=headers, allow_redirects=False)

    assert (answer.status_code, answer.json()) == (401, {"message": REFUSED})
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_refused_request_has_its_ids_and_its_line_in_the_log(keyed):
    answer = keyed.score("1", headers={"x-request-id": "refused-one"})

    assert answer.headers["x-request-id"] == "refused-one"
    wait_for_log(keyed, r"azmlinfsrv - POST /score 401 [\d.]+ms \d+ \[refused-one\]\n")


def test_the_script_is_not_asked_without_a_key(keyed, tmp_path):
    keyed.score(f"open({str(tmp_path / 'ran')!r}, 'w')")

    assert not (tmp_path / "ran").exists()


def test_the_health_route_needs_no_key(keyed):
    assert get(keyed.url).text == "Healthy"
    assert get(f"{keyed.url}/livez").status_code != 401
    assert get(f"{keyed.url}/readyz").status_code != 401


def test_a_browser_may_ask_whether_it_may_send_a_key(keyed):
    answer = requests.options(f"{keyed.url}/score", timeout=20)

    assert answer.status_code == 200


def test_a_script_that_answers_options_itself_is_not_asked_without_a_key(tmp_path):
    write_files(tmp_path, {"keys": KEY})
    with running(tmp_path, RAWHTTP, SCOREDOCK_KEY_FILE=str(tmp_path / "keys")) as server:
        url = f"{server.wait_until_ready().url}/score"

        assert requests.options(url, timeout=20).status_code == 401
        assert requests.options(url, timeout=20, headers=BEARER).json() == "OPTIONS"


def test_a_body_that_is_not_read_is_no_request_of_its_own(keyed):
    smuggled = b"GET /swagger.json HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + KEY.encode()
    body = smuggled + b"\r\n\r\n"
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)

    status, rest = send(keyed, head + body)

    assert status == 401
    assert b"HTTP/1.1 200" not in rest


def test_no_key_is_in_the_log_the_environment_or_the_command_line(keyed):
    keyed.score("1", headers=BEARER)
    keyed.score("1", headers={"Authorization": "Bearer wrong-key-0123456789"})

    seen = keyed.score("dict(os.environ)", headers=BEARER).text + keyed.log()
    for pid in (keyed.process.pid, int(keyed.score("os.getpid()", headers=BEARER).text)):
        for name in ("cmdline", "environ"):
            with Path(f"/proc/{pid}/{name}").open(errors="replace") as file:
                seen += file.read()
    assert "POST /score 401" in seen
    assert re.findall(f".*(?:{KEY}|{OTHER}|wrong-key).*", seen) == []


def wait_until_asked(server, pattern):
    """Send requests until the log has the pattern: the file is looked at with one of them."""
    wait_until(lambda: [server.score()] and re.search(pattern, server.log()), server.log)


def rotated(server, path, text, pattern, how):
    if how == "written":
        path.write_text(text)
    else:
        new = path.with_name("new")
        new.write_text(text)
        new.replace(path)
    wait_until_asked(server, pattern)


@covers("SCOREDOCK_KEY_FILE")
@pytest.mark.parametrize("how", ["written", "replaced"])
def test_keys_that_change_count_without_a_restart(tmp_path, how):
    keys = tmp_path / "keys"
    keys.write_text(KEY)
    with running(tmp_path, ECHO, SCOREDOCK_KEY_FILE=str(keys)) as server:
        server.wait_until_ready()
        status = lambda key: server.score(headers={"Authorization": f"Bearer {key}"}).status_code  # noqa: E731
        seen = [(status(KEY), status(OTHER))]

        for count, text in enumerate([f"{KEY}\n{OTHER}", OTHER], 1):
            rotated(server, keys, text, f"(?s)(has changed: its keys count.*){{{count}}}", how)
            seen.append((status(KEY), status(OTHER)))

        assert seen == [(200, 401), (200, 200), (401, 200)]


@pytest.mark.parametrize("text", ["", "short", None])
def test_a_file_that_becomes_unusable_leaves_the_keys_as_they_are(tmp_path, text):
    keys = tmp_path / "keys"
    keys.write_text(KEY)
    with running(tmp_path, ECHO, SCOREDOCK_KEY_FILE=str(keys)) as server:
        server.wait_until_ready()

        if text is None:
            keys.unlink()
        else:
            keys.write_text(text)
        pattern = "SCOREDOCK_KEY_FILE=.*: the keys from before still count"
        wait_until_asked(server, pattern)

        assert server.score(headers=BEARER).status_code == 200
        assert server.score().status_code == 401
        assert len(re.findall(pattern, server.log())) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "expected one key, or two of which each is accepted, a line for each; found 0"),
        ("# none\n\n", "found 0"),
        (f"{KEY}\n{OTHER}\n{KEY}3", "found 3"),
        (f"{KEY}\nseventeen or more", "line 2: expected a key of 16 or more ASCII characters"),
        ("fifteen-letters", "line 1: expected a key of 16 or more ASCII characters"),
        ("sixteen-and-möre-letters", "line 1: expected"),
    ],
)
def test_a_file_without_a_usable_key_ends_the_server_before_it_listens(tmp_path, text, expected):
    write_files(tmp_path, {"score.py": ECHO} | ({} if text is None else {"keys": text}))

    ended = run_command("--entry-script", "score.py", cwd=tmp_path, SCOREDOCK_KEY_FILE="keys")

    assert ended.returncode == 3
    [line] = (ended.stdout + ended.stderr).splitlines()
    assert line.startswith(f"scoredock-server: error: SCOREDOCK_KEY_FILE={tmp_path}/keys: ")
    assert expected in line
    assert not re.search("second-key|seventeen|fifteen|sixteen", line)


def test_who_scores_from_a_file_needs_no_key(tmp_path):
    write_files(tmp_path, {"score.py": ECHO, "keys": KEY, "request.json": "7"})

    scored = run_command(
        "--entry-script", "score.py", "--score", "request.json",
        cwd=tmp_path, SCOREDOCK_KEY_FILE="keys",
    )  # fmt: skip

    assert (scored.returncode, json.loads(scored.stdout)) == (0, "7")


# --- TLS ---


def make_certificate(folder, name="cert", *options):
    files = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-days", "2", "-subj", f"/CN={name}",
         "-addext", "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1],
         *(options or ["-nodes"])],
        check=True, capture_output=True,
    )  # fmt: skip
    return files


def tls_variables(certificate, key):
    return {
        "SCOREDOCK_TLS_CERTIFICATE_FILE": str(certificate),
        "SCOREDOCK_TLS_KEY_FILE": str(key),
    }


def url_of(server):
    return wait_for_log(server, r"Listening at: (https://127\.0\.0\.1:\d+)")[0]


def wait_for_tls(server, certificate):
    wait_for_log(server, "ready for serving traffic")
    wait_until(lambda: get(url_of(server), verify=str(certificate)).ok, server.log)
    return url_of(server)


def health_check(*path, **variables):
    return subprocess.run(
        [server_python(), ROOT / "docker" / "healthcheck.py", *path],
        env=server_variables() | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@covers("SCOREDOCK_TLS_CERTIFICATE_FILE", "SCOREDOCK_TLS_KEY_FILE")
def test_with_a_certificate_the_server_speaks_tls_alone_and_the_health_check_too(tmp_path):
    certificate, key = make_certificate(tmp_path)
    with running(tmp_path, ECHO, **tls_variables(certificate, key)) as server:
        url = wait_for_tls(server, certificate)

        answer = requests.post(f"{url}/score", data="x", verify=str(certificate), timeout=20)
        bind = url.removeprefix("https://")
        checked = health_check(SCOREDOCK_BIND=bind, **tls_variables(certificate, key))
        plain = health_check(SCOREDOCK_BIND=bind)

        assert answer.json() == "x"
        assert (checked.returncode, checked.stderr) == (0, "")
        assert plain.returncode == 1


@covers("SCOREDOCK_TLS_CERTIFICATE_FILE")
def test_one_file_may_hold_the_certificate_and_its_key(tmp_path):
    certificate, key = make_certificate(tmp_path)
    both = tmp_path / "both.pem"
    both.write_text(certificate.read_text() + key.read_text())
    with running(tmp_path, ECHO, SCOREDOCK_TLS_CERTIFICATE_FILE=str(both)) as server:
        assert wait_for_tls(server, certificate)


def test_a_renewed_certificate_counts_for_the_next_connection(tmp_path):
    certificate, key = make_certificate(tmp_path)
    with running(tmp_path, ECHO, **tls_variables(certificate, key)) as server:
        url = wait_for_tls(server, certificate)

        renewed, its_key = make_certificate(tmp_path, "renewed")
        renewed.replace(certificate)
        its_key.replace(key)

        shown = ssl.get_server_certificate(("127.0.0.1", int(url.rpartition(":")[2])))
        assert shown.strip() == certificate.read_text().strip()


@pytest.mark.parametrize(
    "what", ["missing", "of another", "no certificate", "password", "key alone"]
)
def test_a_certificate_that_cannot_be_used_ends_the_server_before_it_listens(tmp_path, what):
    write_files(tmp_path, {"score.py": ECHO, "no.pem": "no certificate\n"})
    certificate, key = make_certificate(tmp_path)
    options, expected = {
        "missing": ((certificate, tmp_path / "absent"), "cannot be read: No such file"),
        "of another": ((certificate, make_certificate(tmp_path, "b")[1]), "and in .* its key"),
        "no certificate": ((tmp_path / "no.pem", key), "expected a certificate in PEM"),
        "password": (
            make_certificate(tmp_path, "c", "-passout", "pass:secret"), "without a password"
        ),
        "key alone": (("", key), "expected SCOREDOCK_TLS_CERTIFICATE_FILE with it"),
    }[what]  # fmt: skip

    ended = run_command("--entry-script", "score.py", cwd=tmp_path, **tls_variables(*options))

    assert ended.returncode == 3
    [line] = (ended.stdout + ended.stderr).splitlines()
    assert re.search(f"scoredock-server: error: SCOREDOCK_TLS_.*{expected}", line)


# --- the warning ---

OPEN = "The service is open to the network"


@covers("SCOREDOCK_PUBLISHED_ON")
@pytest.mark.parametrize(
    ("bind", "published", "guarded", "expected"),
    [
        ("0.0.0.0:0", "", "", "at 0.0.0.0: whoever reaches it may ask it .* and what is sent"),
        ("0.0.0.0:0", "", "key", "at 0.0.0.0: what is sent can be read on the way"),
        ("0.0.0.0:0", "127.0.0.1", "", None),
        ("0.0.0.0:0", "::1", "", None),
        ("127.0.0.1:0", "0.0.0.0", "", "at 0.0.0.0: whoever reaches it"),
        ("127.0.0.1:0", "", "", None),
        ("0.0.0.0:0", "", "key and TLS", None),
    ],
)
def test_a_service_that_others_reach_warns_once_of_what_it_lacks(
    tmp_path, bind, published, guarded, expected
):
    variables = {"SCOREDOCK_BIND": bind, "SCOREDOCK_PUBLISHED_ON": published, "WORKER_COUNT": "2"}
    if "key" in guarded:
        write_files(tmp_path, {"keys": KEY})
        variables["SCOREDOCK_KEY_FILE"] = str(tmp_path / "keys")
    if "TLS" in guarded:
        variables |= tls_variables(*make_certificate(tmp_path))
    with running(tmp_path, ECHO, **variables) as server:
        wait_for_log(server, "ready for serving traffic", count=2)

        assert server.log().count(OPEN) == (1 if expected else 0)
        assert re.search(
            f"W \\[\\d+\\] gunicorn.error - {OPEN} {expected or ''}", server.log()
        ) or (expected is None)
