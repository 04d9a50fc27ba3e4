"""The tutorial's model, from the committed files to an answer."""

import json
import subprocess
import uuid
from pathlib import Path

import pytest

from support import ROOT, base_image

DIGITS = ROOT / "examples" / "digits"
REQUEST = DIGITS / "sample-request.json"
TUTORIAL = ROOT / "tests" / "stack" / "tutorial"

pytestmark = pytest.mark.docker


def test_up_serves_the_example_in_a_locked_down_container(scoredock, container, compose):
    started = scoredock("up")

    assert started.returncode == 0, started.stderr
    assert scoredock("score", REQUEST).stdout == "[2]\n"
    assert "(healthy)" in compose("ps").stdout
    host = container().attrs["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["PortBindings"]["5001/tcp"][0]["HostIp"] == "127.0.0.1"
    assert container().exec_run(["id", "-u"]).output == b"1000\n"
    assert container().exec_run(["touch", "/var/azureml-app/x"]).exit_code != 0
    assert container().exec_run(["touch", "/var/azureml-app/azureml-models/x"]).exit_code != 0


def test_plain_compose_serves_the_committed_context(compose, scoredock):
    started = compose("up", "--detach", "--build", "--wait")

    assert started.returncode == 0, started.stderr
    assert scoredock("score", REQUEST).stdout == "[2]\n"


def test_the_tutorials_own_model_answers_from_python_3_8(scoredock, container):
    started = scoredock(
        "up", "--spec", TUTORIAL, "--source", DIGITS, "--models", TUTORIAL / "models",
        BASE_IMAGE=base_image("3.8"),
    )  # fmt: skip

    assert started.returncode == 0, started.stderr
    assert scoredock("score", REQUEST).stdout == "[2]\n"
    versions = "import sys, sklearn; print(sys.version_info[:2], sklearn.__version__)"
    assert container().exec_run(["python", "-c", versions]).output == b"(3, 8) 0.22.1\n"


def test_the_image_holds_no_credential_index_or_authority(
    scoredock, source, plain_spec, environment, engine, tmp_path
):
    secret = "s3cr3t-of-the-index"
    config = tmp_path / "pip.conf"
    # Nothing listens there: pip warns and goes on, and no-binary makes pip the installer.
    config.write_text(
        f"[global]\nretries = 0\nfind-links = http://user:{secret}@127.0.0.1:9/wheels/\n"
        "no-binary = no-such-package\n"
    )
    authority = tmp_path / "company.pem"
    authority.write_text(COMPANY_AUTHORITY + _machine_authorities(environment))
    # BuildKit must not have seen it: secrets do not count in its cache, and would not be used.
    (plain_spec / "azureml_environment.json").write_text(json.dumps({"name": str(uuid.uuid4())}))

    built = scoredock(
        "build", "--verbose", "--spec", plain_spec, "--source", source,
        "--pip-config", config, "--ca-file", authority,
    )  # fmt: skip

    assert built.returncode == 0, built.stderr
    assert "Looking in links: http://***@127.0.0.1:9/wheels/" in built.stderr
    assert secret not in built.stdout + built.stderr
    image = engine.images.get(environment["IMAGE"])
    told = json.dumps([image.attrs, image.history()])
    assert [word for word in (secret, "127.0.0.1:9", "index-url", "/simple") if word in told] == []
    # The last one is there, and tells that the search finds what is.
    needles = [secret, "127.0.0.1:9/wheels", COMPANY_AUTHORITY.splitlines()[1], "scoring:x:1000:"]
    found = subprocess.run(
        ["docker", "run", "--rm", "--user=0", "--entrypoint=grep", environment["IMAGE"],
         "-rlF", *(f"--regexp={needle}" for needle in needles),
         "/etc", "/home", "/opt", "/root", "/run", "/tmp", "/usr", "/var"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.stdout == "/etc/passwd\n"


def _machine_authorities(environment: dict[str, str]) -> str:
    """What this machine itself needs to reach its package index."""
    own = environment.get("CA_FILE")
    return Path(own).read_text() if own else ""


# Made for this test with `openssl req -x509`; its key was thrown away.
COMPANY_AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBhTCCASugAwIBAgIUFBUQqEPQNh9pkl2p2nSjrkBiLmUwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMQ29tcGFueSBSb290MCAXDTI2MTEyMzE3MDEzNloYDzIxMjYx
MDMwMTcwMTM2WjAXMRUwEwYDVQQDDAxDb21wYW55IFJvb3QwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAAQ4qHAlBveb/kP3z3FR3eQ0KlAySJH0CsZXCStOg4oDWfvz
CEpE9HoSqQoU6+j3z9ybiPvN+dTeilQ+Hc48v9Lgo1MwUTAdBgNVHQ4EFgQUZE5p
uYbIn+AKHPvqP7VN+JSU4O4wHwYDVR0jBBgwFoAUZE5puYbIn+AKHPvqP7VN+JSU
4O4wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBEAZKE+sCza/Jd
hM7bbJyVNjoYPYsbIeoHUmEGhBOdGgIhAJE09G6cxW9JyqB+FBvcoZ60/f9dmhd8
UkdmwjK5Gjld
-----END CERTIFICATE-----
"""
