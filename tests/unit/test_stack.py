import json
from dataclasses import replace
from pathlib import Path

import yaml

from scoredock.paths import COMPOSE_FILE
from scoredock.webservice.folder import ServiceFolder
from scoredock.webservice.record import MountedModel, Revision, ServiceRecord
from scoredock.webservice.stack import stack

SHIPPED = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))["services"]["scoring"]
RECORD = ServiceRecord(
    name="digits", runtime="docker", bind="127.0.0.1", port=6789, created="", holder="env:1"
)


def revision(number=3, **changes):
    fields = {"environment": "env:1", "source_name": "code", "entry_script": "score.py"}
    return Revision(number=number, **fields | changes)


def made(*revisions, record=RECORD):
    code = {each.number: Path(f"/ws/{each.number}/code") for each in revisions}
    text = stack(record, revisions, shipped=SHIPPED, code=code, workspace="/ws")
    return yaml.safe_load(text)


def mounts(service):
    return {each["target"]: each["source"] for each in service["volumes"] if isinstance(each, dict)}


def test_every_container_has_the_limits_of_the_shipped_one():
    services = made(revision(1), revision(2))["services"]

    assert sorted(services) == ["port", "scoring-1", "scoring-2"]
    for service in services.values():
        for limit in ("read_only", "cap_drop", "security_opt", "tmpfs", "init", "restart"):
            assert service[limit] == SHIPPED[limit]


def test_the_holder_alone_publishes_the_port():
    services = made(revision())["services"]

    assert services["port"]["ports"] == ["127.0.0.1:6789:5001"]
    assert "ports" not in services["scoring-3"]


def test_code_and_models_are_mounted_read_only_and_not_made_where_they_are_missing():
    model = MountedModel(name="m", version="2", folder="/ws/m/2", manifest="/ws/m.json")

    service = made(revision(models=(model,)))["services"]["scoring-3"]

    assert mounts(service) == {
        "/var/azureml-app/code": "/ws/3/code",
        "/var/azureml-app/azureml-models/m/2": "/ws/m/2",
        "/var/azureml-app/model-manifests/m/2.json": "/ws/m.json",
    }
    for mount in service["volumes"]:
        if isinstance(mount, dict):
            assert mount["read_only"]
            assert mount["bind"] == {"create_host_path": False}


def test_one_model_is_named_by_its_version_and_several_by_their_folder():
    models = tuple(MountedModel(name=name, version="1", folder="/x") for name in ("a", "b"))

    one = made(revision(models=models[:1]))["services"]["scoring-3"]["environment"]
    two = made(revision(models=models))["services"]["scoring-3"]["environment"]

    assert one["AZUREML_MODEL_DIR"] == "/var/azureml-app/azureml-models/a/1"
    assert two["AZUREML_MODEL_DIR"] == "/var/azureml-app/azureml-models"


def test_a_variable_of_the_service_wins_over_docker_arguments_and_not_over_the_contract():
    options = {"environment": {"A": "of the spec", "B": "of the spec"}}
    variables = {"A": "of the service", "SCOREDOCK_PORT_FROM": "elsewhere"}

    service = made(revision(service_options=options, variables=variables))["services"]["scoring-3"]

    assert service["environment"]["A"] == "of the service"
    assert service["environment"]["B"] == "of the spec"
    assert service["environment"]["SCOREDOCK_PORT_FROM"] == "/run/scoredock/port.sock"


def test_lists_of_the_spec_are_added_to_the_shipped_ones():
    options = {"tmpfs": ["/scratch"], "shm_size": "2g"}

    service = made(revision(service_options=options))["services"]["scoring-3"]

    assert service["tmpfs"] == [*SHIPPED["tmpfs"], "/scratch"]
    assert service["shm_size"] == "2g"


def test_compose_takes_nothing_of_a_value_for_a_variable_of_its_own():
    text = stack(
        RECORD,
        [revision(variables={"PASSWORD": "a$b${c}"})],
        shipped=SHIPPED,
        code={3: Path("/x")},
        workspace="/ws",
    )

    variables = json.loads(text)["services"]["scoring-3"]["environment"]
    assert variables["PASSWORD"] == "a$$b$${c}"


def test_the_labels_name_service_workspace_and_server():
    labels = made(revision())["services"]["scoring-3"]["labels"]

    assert labels == {
        "scoredock.service": "digits",
        "scoredock.workspace": "/ws",
        "scoredock.server": "3",
    }


def test_a_debugger_reaches_a_container_on_loopback_and_no_breakpoint_makes_that_ill():
    service = made(revision(debug_port=6000, debugpy="/state/debugpy/3.11"))["services"][
        "scoring-3"
    ]

    assert service["ports"] == ["127.0.0.1:6000:5678"]
    assert service["environment"]["SCOREDOCK_DEBUG_BIND"] == "0.0.0.0:5678"
    assert mounts(service)[service["environment"]["SCOREDOCK_DEBUGPY"]] == "/state/debugpy/3.11"
    assert service["healthcheck"]["retries"] > 1000


def test_the_keys_are_a_folder_that_is_mounted_and_in_no_variable(tmp_path):
    (tmp_path / "source").write_text("the-key-0123456789")
    folder = ServiceFolder(tmp_path, "digits")
    copy = folder.keep_keys(tmp_path / "source")
    record = replace(RECORD, bind="0.0.0.0", key_file=str(copy))

    text = made(revision(), record=record)["services"]["scoring-3"]
    without = made(revision())["services"]["scoring-3"]["environment"]

    assert copy.read_text() == "the-key-0123456789"
    assert mounts(text)["/run/secrets/scoredock"] == str(copy.parent)
    assert text["environment"]["SCOREDOCK_KEY_FILE"] == "/run/secrets/scoredock/keys"
    assert text["environment"]["SCOREDOCK_PUBLISHED_ON"] == "0.0.0.0"
    assert "the-key" not in str(text)
    assert "SCOREDOCK_KEY_FILE" not in without


def test_the_copy_of_the_keys_is_closed_to_other_users_and_open_to_the_container(tmp_path):
    (tmp_path / "source").write_text("first")
    (tmp_path / "source").chmod(0o600)
    folder = ServiceFolder(tmp_path, "digits")

    before = folder.keep_keys(tmp_path / "source").stat()
    copy = folder.keep_keys(tmp_path / "source")

    modes = [f"{path.stat().st_mode & 0o777:o}" for path in (copy.parent.parent, copy.parent, copy)]
    assert modes == ["700", "755", "644"]
    assert before.st_ino != copy.stat().st_ino
