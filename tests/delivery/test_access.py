"""`scoredock up` with keys and TLS, in both runtimes."""

import os
import subprocess

import pytest
import requests

KEY = "first-key-0123456789"


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def runtime(request):
    if request.param == "docker":
        request.getfixturevalue("engine")
    return request.param


@pytest.fixture(autouse=True)
def _no_image_is_left(environment):
    yield
    remove = ["docker", "image", "rm", "--force", environment["IMAGE"]]
    subprocess.run(remove, capture_output=True, check=False)


@pytest.fixture
def files(tmp_path):
    """Keys, a certificate and its key, which the container's user can read."""
    (tmp_path / "keys").write_text(KEY)
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2", "-subj", "/CN=x",
         "-addext", "subjectAltName=DNS:localhost",
         "-out", tmp_path / "cert", "-keyout", tmp_path / "key"],
        check=True, capture_output=True,
    )  # fmt: skip
    for path in tmp_path.iterdir():
        if path.is_file():
            path.chmod(0o644)
    return tmp_path


def test_a_service_with_keys_and_tls_answers_those_who_know_them(
    scoredock, source, plain_spec, runtime, port, files
):
    started = scoredock(
        "up", "--spec", plain_spec, "--source", source, "--runtime", runtime,
        "--key-file", files / "keys",
        "--tls-certificate-file", files / "cert", "--tls-key-file", files / "key",
    )  # fmt: skip

    assert started.returncode == 0, started.stderr
    assert started.stdout == f"https://localhost:{port}/score\n"
    where = ["--url", started.stdout.strip(), "--tls-ca", files / "cert"]
    scored = scoredock("score", "-", *where, "--key-file", files / "keys", stdin="1")
    assert (scored.returncode, scored.stdout) == (0, '["hello", 1]\n'), scored.stderr
    refused = scoredock("score", "-", *where, stdin="1")
    assert "answered 401: it asks for a key" in refused.stderr
    own = {"Authorization": f"Bearer {KEY}"}
    page = requests.get(
        f"https://localhost:{port}/metrics", headers=own, verify=str(files / "cert"), timeout=20
    )
    assert 'scoredock_requests_total{path="/score",status="200"} 1.0' in page.text
    # It is published on loopback, as the server has been told.
    assert "is open to the network" not in scoredock("logs").stdout
    assert KEY not in scoredock("logs").stdout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--key-file", "absent"], "absent: no such file"),
        (["--tls-key-file", "keys"], "--tls-certificate-file: expected the certificate's file and"),
        (["--tls-certificate-file", "keys"], "--tls-key-file: expected the certificate's file and"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_built(
    scoredock, source, plain_spec, files, options, expected
):
    option, name = options
    refused = scoredock("up", "--spec", plain_spec, "--source", source, option, files / name)

    assert refused.returncode == 2
    assert expected in refused.stderr


@pytest.mark.docker
def test_a_file_that_the_container_may_not_read_is_told_with_its_user(
    scoredock, source, plain_spec, files, engine
):
    if os.getuid() == 1000:
        pytest.skip("the container's user is this one")
    (files / "keys").chmod(0o600)

    failed = scoredock(
        "up", "--spec", plain_spec, "--source", source, "--key-file", files / "keys"
    )  # fmt: skip

    assert failed.returncode == 4
    assert "SCOREDOCK_KEY_FILE=/run/secrets/keys: cannot be read by user 1000" in failed.stderr
