"""Where a service's code lies, from one revision to the next."""

from types import SimpleNamespace

import pytest

from scoredock.webservice.environment import MadeEnvironment, Told
from scoredock.webservice.folder import ServiceFolder
from scoredock.webservice.record import Revision, ServiceRecord
from scoredock.webservice.stack import contract_variables, served_variables
from scoredock.webservice.switch import Switch
from scoredock.webservice.wanted import Code, Wanted, fill, next_revision

TOLD = Told(warn=print, note=print, report=print)


@pytest.fixture
def revised(tmp_path):
    """Return what next_revision makes of the codes, one after the other."""
    source = tmp_path / "code"
    (source / "models").mkdir(parents=True)
    (source / "models" / "of_the_package.py").write_text("")
    (source / "score.py").write_text("")
    folder = ServiceFolder(tmp_path / "services", "digits")
    env = SimpleNamespace(name="plain", variables=())

    def revised(*codes):
        record = ServiceRecord(
            name="digits", runtime="process", bind="127.0.0.1", port=1, created=""
        )
        for number, code in enumerate(codes, start=1):
            wanted = Wanted(environment=MadeEnvironment(place="/env", env=env), code=code)
            record, revision = next_revision(
                folder, record, wanted, TOLD, leave_out=tmp_path / "services"
            )
            record = ServiceRecord(
                **{name: getattr(record, name) for name in record.__slots__} | {"current": number}
            )
        names = {path.name for path in folder.code(revision.number).iterdir()}
        return revision, names

    revised.source = source
    return revised


def test_the_layout_of_v2_stays_through_an_update_of_the_source(revised):
    first = Code(source=revised.source, entry_script="score.py", is_root=True)

    revision, names = revised(first, Code(source=revised.source))

    assert revision.source_is_root
    assert names == {"models", "score.py"}


def test_the_models_beside_a_script_are_no_code_but_in_v2(revised):
    revision, names = revised(Code(source=revised.source))

    assert not revision.source_is_root
    assert names == {"score.py"}


def test_variables_win_over_the_contract_in_v2_alone():
    given = {"AZUREML_MODEL_DIR": "/elsewhere"}
    v1 = Revision(number=1, source_name="code", entry_script="a/score.py", variables=given)
    v2 = Revision(
        number=1, source_name="code", entry_script="a/score.py", variables=given,
        source_is_root=True,
    )  # fmt: skip

    assert served_variables(v1, app_root="/app")["AZUREML_MODEL_DIR"] == "/app/azureml-models"
    assert served_variables(v2, app_root="/app")["AZUREML_MODEL_DIR"] == "/elsewhere"
    assert contract_variables(v2, app_root="/app") == {
        "AML_APP_ROOT": "/app/code/a",
        "AZUREML_SOURCE_DIRECTORY": "",
        "AZUREML_ENTRY_SCRIPT": "score.py",
        "AZUREML_MODEL_DIR": "/app/azureml-models",
        "SCOREDOCK_MODEL_MANIFESTS": "/app/model-manifests",
    }


def test_code_is_filled_anew_in_the_folders_that_a_server_may_stand_in(tmp_path):
    source, folder = tmp_path / "source", tmp_path / "folder"
    for name in ("scoring", "gone"):
        (source / name).mkdir(parents=True)
        (source / name / "old.py").write_text("")
    fill(folder, source, leave_out=tmp_path / "none")
    before = (folder / "scoring").stat().st_ino
    (source / "scoring" / "old.py").rename(source / "scoring" / "new.py")
    (source / "gone" / "old.py").unlink()
    (source / "gone").rmdir()

    fill(folder, source, leave_out=tmp_path / "none")

    assert (folder / "scoring").stat().st_ino == before
    assert [path.name for path in sorted(folder.rglob("*"))] == ["scoring", "new.py"]


class Running:
    """A runtime that notes which servers are started, and which load other code."""

    def __init__(self):
        self.done = []

    def serves(self, _record):
        return True

    def reload(self, record):
        self.done.append(("reload", record.server))

    def start(self, record, revision):
        self.done.append(("start", revision.number, bool(record.key_file)))


@pytest.mark.parametrize(
    ("has_keys", "key_file", "done"),
    [
        (False, "", ("reload", 1)),
        (True, "/keys", ("reload", 1)),
        (False, "/keys", ("start", 2, True)),
    ],
)
def test_a_server_that_asks_for_no_key_is_not_one_for_a_service_with_keys(
    tmp_path, has_keys, key_file, done
):
    folder, runtime = ServiceFolder(tmp_path / "services", "digits"), Running()
    for path in (folder.code(1), folder.code(2), folder.live(1)):
        path.mkdir(parents=True)
    record = ServiceRecord(
        name="digits", runtime="process", bind="127.0.0.1", port=1, created="", current=1,
        key_file=key_file, revisions=(Revision(number=1, has_keys=has_keys),),
    )  # fmt: skip

    served = Switch(folder, runtime, tmp_path).serve(record, Revision(number=2), TOLD)

    assert runtime.done == [done]
    assert served.has_keys is bool(key_file)
