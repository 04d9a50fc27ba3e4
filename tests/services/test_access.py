"""A named service that asks for a key."""

import subprocess

import requests

FIRST, SECOND = "first-key-0123456789", "second-key-0123456789"


def statuses(url, *keys):
    return [
        requests.post(url, data="1", headers={"Authorization": f"Bearer {key}"}, timeout=20)
        .status_code
        for key in keys
    ]  # fmt: skip


def test_keys_are_asked_for_sent_and_changed_and_are_nowhere_to_be_seen(
    service, environment, runtime, tmp_path
):
    url = f"http://127.0.0.1:{environment['PORT']}/score"
    keys = tmp_path / "keys"
    keys.write_text(f"{FIRST}\n")
    keys.chmod(0o600)
    assert statuses(url, FIRST) == [200]

    updated = service("service", "update", service.name, "--key-file", keys)

    assert updated.returncode == 0, updated.stderr
    assert service.answer()[:2] == ["one", "first"]
    assert statuses(url, "", FIRST, SECOND) == [401, 200, 401]
    assert requests.get(url.removesuffix("score"), timeout=20).text == "Healthy"

    keys.write_text(f"{FIRST}\n{SECOND}\n")
    service("service", "update", service.name, "--key-file", keys)
    assert statuses(url, FIRST, SECOND) == [200, 200]

    other = tmp_path / "other"
    other.write_text("of-another-service-0123")
    refused = service("service", "score", service.name, "-", "--key-file", other, stdin="1")
    assert refused.returncode == 1
    assert "answered 401: the key is not accepted" in refused.stderr

    rolled_back = service("service", "rollback", service.name)
    assert rolled_back.returncode == 0, rolled_back.stderr
    assert statuses(url, "", FIRST, SECOND) == [401, 200, 200]

    shown = service("service", "show", service.name, "--json").stdout
    shown += service("service", "logs", service.name).stdout
    if runtime == "docker":
        project = f"label=com.docker.compose.project={service.name}"
        found = subprocess.run(["docker", "ps", "-aq", "--filter", project], capture_output=True)
        shown += subprocess.run(
            ["docker", "inspect", *found.stdout.decode().split()], capture_output=True, text=True
        ).stdout
        assert "SCOREDOCK_KEY_FILE" in shown
    assert FIRST not in shown
    assert SECOND not in shown


def test_a_file_without_a_key_changes_nothing(service, tmp_path):
    (tmp_path / "empty").write_text("# none\n")

    refused = service("service", "update", service.name, "--key-file", tmp_path / "empty")

    assert refused.returncode == 2
    assert "empty: expected a key, a line for each, found none" in refused.stderr
    assert service.answer()[:2] == ["one", "first"]
