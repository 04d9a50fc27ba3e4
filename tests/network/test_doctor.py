"""What doctor finds out about the places that the settings name: real servers, no engine."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from package_server import PackageServer
from scoredock.network import Network
from scoredock.network_check import Finding, check_network

from .servers import Authority, Proxy, speak_tls

PASSWORD = "s3cr3t"


@dataclass
class Servers:
    authority: Authority
    proxy: Proxy

    def settings(self, **changes) -> Network:
        """Return what reaches all of them, but for the changes."""
        given = {
            "python_index": f"https://user:{PASSWORD}@packages.invalid/simple",
            "conda_mirrors": {"c": f"http://user:{PASSWORD}@conda.invalid/channel"},
            "apt_mirrors": {"http://deb.invalid": f"https://user:{PASSWORD}@packages.invalid/"},
            "http_proxy": f"http://me:{PASSWORD}@{self.proxy.address}",
            "https_proxy": f"http://me:{PASSWORD}@{self.proxy.address}",
            "ca": self.authority.certificate.read_text(),
        }
        return Network(**{name: value for name, value in (given | changes).items() if value})


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("servers")
    index = folder / "channel" / "noarch" / "repodata.json"
    index.parent.mkdir(parents=True)
    index.write_text("{}")
    authority = Authority(folder)
    packages, conda = (
        PackageServer(folder, host="127.0.0.1", credentials=f"user:{PASSWORD}") for _ in range(2)
    )
    names = {"packages.invalid:443": packages.address, "conda.invalid:80": conda.address}
    context = authority.context("packages.invalid")
    with speak_tls(packages, context), conda, Proxy("127.0.0.1", names) as proxy:
        yield Servers(authority, proxy)


def examine(network: Network, ca_file: Path | None = None) -> dict[str, Finding]:
    """Return the findings by their names; none of them shows a login."""
    findings = list(check_network(network, ca_file))
    assert PASSWORD not in str(findings)
    return {finding.name: finding for finding in findings}


def test_without_settings_nothing_is_asked():
    assert examine(Network()) == {}


def test_every_place_is_asked_through_the_proxy_with_its_login(servers):
    found = examine(servers.settings())

    assert list(found) == [
        "authorities", "http proxy", "https proxy", "python index", "conda mirror", "apt mirror",
    ]  # fmt: skip
    assert {name: finding for name, finding in found.items() if not finding.ok} == {}
    assert found["python index"].found == "https://packages.invalid/simple answers"
    assert found["authorities"].found == "1 certificates, 0 expired, the next in 1 days"


@pytest.mark.parametrize(
    ("changes", "name", "found", "remedy"),
    [
        ({"python_index": "https://packages.invalid/"}, "python index", "says 401", "~/.netrc"),
        ({"ca": ""}, "python index", "certificate verify failed", "trust the authority"),
        ({"ca": ""}, "apt mirror", "certificate verify failed", "trust the authority"),
        ({"https_proxy": ""}, "python index", "ame ", "mend python_index, or the proxies"),
        ({"http_proxy": ""}, "conda mirror", "ame ", "mend conda_mirrors, or the proxies"),
        ({"python_index": "https://x.invalid/"}, "python index", "403", "mend python_index"),
        ({"conda_mirrors": {"c": "http://x.invalid/"}}, "conda mirror", "says 403", "a proxy may"),
        ({"https_proxy": "http://127.0.0.1:1"}, "https proxy", "refused", "mend https_proxy"),
        (
            {"conda_mirrors": {"c": f"http://user:{PASSWORD}@conda.invalid/none"}},
            "conda mirror", "says 404", "mend conda_mirrors",
        ),
        (
            {"registry_mirrors": {"docker.io": "127.0.0.1:1/hub"}},
            "registry mirror", "refused", "mend registry_mirrors",
        ),
        ({"ca": "-----BEGIN CERTIFICATE-----"}, "authorities", "not a PEM", "name a PEM file"),
    ],
)  # fmt: skip
def test_what_does_not_answer_is_named_with_a_remedy(servers, changes, name, found, remedy):
    finding = examine(servers.settings(**changes))[name]

    assert not finding.ok
    assert found in finding.found
    assert remedy in finding.remedy


def test_a_host_of_no_proxy_is_asked_directly(servers):
    servers.proxy.asked.clear()

    found = examine(servers.settings(no_proxy="localhost,.invalid"))

    assert not found["python index"].ok
    assert servers.proxy.asked == []


def test_a_registry_is_asked_directly_and_its_authority_has_a_place_of_its_own(servers, tmp_path):
    registry = PackageServer(tmp_path, host="127.0.0.1", credentials="user:other")
    with speak_tls(registry, servers.authority.context("127.0.0.1")):
        mirror = {"registry_mirrors": {"docker.io": f"{registry.address}/hub"}}
        finding = examine(servers.settings(**mirror))["registry mirror"]

    assert f"{registry.address}, for docker.io: certificate verify failed" in finding.found
    assert f"/etc/docker/certs.d/{registry.address}/ca.crt" in finding.remedy


def test_an_authority_that_has_expired_is_named(tmp_path):
    key, request, certificate = (tmp_path / name for name in ("key", "request", "old.pem"))
    (tmp_path / "extensions").write_text("basicConstraints=critical,CA:TRUE\n")
    for command in (
        ["req", "-new", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=old", "-keyout", key,
         "-out", request],
        ["x509", "-req", "-in", request, "-signkey", key, "-days", "-1",
         "-extfile", tmp_path / "extensions", "-out", certificate],
    ):  # fmt: skip
        subprocess.run(["openssl", *command], check=True, capture_output=True)

    finding = examine(Network(), certificate)["authorities"]

    assert finding.found == "ca: expired"
    assert not finding.ok
