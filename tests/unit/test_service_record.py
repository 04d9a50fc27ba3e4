import json

import pytest

from scoredock.webservice.folder import ServiceFolder, service_names
from scoredock.webservice.record import MountedModel, Revision, ServiceError, ServiceRecord


def record(**changes):
    fields = {"name": "digits", "runtime": "docker", "bind": "127.0.0.1", "port": 1, "created": "x"}
    return ServiceRecord(**fields | changes)


@pytest.fixture
def folder(tmp_path):
    return ServiceFolder(tmp_path, "digits")


def test_what_is_written_is_read_back(folder):
    model = MountedModel(name="m", version="1", folder="/m")
    revision = Revision(number=2, models=(model,), variables={"A": "b"}, service_options={"x": [1]})
    written = record(current=2, tags={"a": "b"}).with_revision(revision)

    folder.write(written)

    assert folder.read() == written
    assert folder.read().serving.models == (model,)


def test_a_service_that_is_not_there_is_named(folder):
    with pytest.raises(ServiceError, match="no service digits in this workspace"):
        folder.read()
    assert folder.find() is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 2}', "\udcff"])
def test_a_record_that_cannot_be_used_is_named_with_its_file(folder, text):
    folder.path.mkdir()
    (folder.path / "service.json").write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(ServiceError, match=r"service\.json: "):
        folder.read()


def test_a_record_that_could_not_be_written_leaves_the_old_one(folder):
    folder.write(record(port=1))

    with pytest.raises(TypeError):
        folder.write(record(tags={"a": object()}))

    assert folder.read().port == 1
    assert [path.name for path in folder.path.iterdir()] == ["service.json"]


@pytest.mark.parametrize("name", ["ab", "A-b", "1ab", "a_b", "ab-", "a" * 33, "../x", ""])
def test_names_are_those_of_the_reference(tmp_path, name):
    with pytest.raises(ServiceError, match="expected a name of 3 to 32"):
        ServiceFolder(tmp_path, name)


def test_the_services_of_a_workspace_are_those_with_a_record(folder, tmp_path):
    folder.write(record())
    (tmp_path / "other").mkdir()

    assert service_names(tmp_path) == ["digits"]


def test_the_record_is_json_that_a_person_can_read(folder):
    folder.write(record(description="für Zahlen"))

    data = json.loads((folder.path / "service.json").read_text(encoding="utf-8"))
    assert (data["format"], data["name"], data["description"]) == (1, "digits", "für Zahlen")


def test_scoring_uri_says_localhost_and_the_port():
    assert record(port=6789).scoring_uri == "http://localhost:6789/score"
    assert record(bind="::1", port=1).scoring_uri == "http://[::1]:1/score"


def test_old_revisions_are_forgotten_but_for_what_serves_and_the_models_of_others(folder):
    copied = folder.revision(1) / "models" / "m" / "0"
    model = MountedModel(name="m", version="0", folder=str(copied))
    revisions = tuple(Revision(number=number, models=(model,)) for number in range(1, 7))
    for each in revisions:
        folder.code(each.number).mkdir(parents=True)
    copied.mkdir(parents=True)

    pruned = folder.prune(record(current=6, previous=3, revisions=revisions), keep=2)

    assert [each.number for each in pruned.revisions] == [3, 5, 6]
    assert folder.read() == pruned
    left = sorted(path.name for path in (folder.path / "revisions").iterdir())
    assert left == ["1", "3", "5", "6"]
    assert copied.is_dir()
    assert not folder.code(1).exists()
