from datetime import datetime
from pathlib import Path

import pytest

from scoredock.sdk import (
    Model,
    ModelNotFoundException,
    ModelPathNotFoundException,
    ResourceConfiguration,
    WebserviceException,
)


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "greeting.txt"
    path.write_text("hello")
    return path


@pytest.fixture
def model(workspace, file) -> Model:
    return Model.register(
        workspace, file, "greeting", tags={"area": "letters"}, properties={"by": "me"}
    )


@pytest.mark.calls("Model.register", "Model.version", "Model.id", "Model.name")
def test_each_registration_is_the_next_version(workspace, file):
    made = [
        Model.register(
            model_path=str(file),
            model_name="greeting",
            tags={"area": "letters"},
            description="how one begins",
            workspace=workspace,
        )
        for _ in range(2)
    ]

    assert [(each.name, each.version, each.id) for each in made] == [
        ("greeting", 1, "greeting:1"),
        ("greeting", 2, "greeting:2"),
    ]


@pytest.mark.calls(
    "Model.tags",
    "Model.properties",
    "Model.description",
    "Model.model_framework",
    "Model.model_framework_version",
    "Model.created_time",
    "Model.url",
    "Model.serialize",
    "Model.deserialize",
)
def test_a_model_tells_all_that_it_was_registered_with(workspace, file):
    made = Model.register(
        workspace,
        file,
        "greeting",
        tags={"area": "letters"},
        properties={"by": "me"},
        description="how one begins",
        model_framework=Model.Framework.SCIKITLEARN,
        model_framework_version="1.7",
    )

    again = Model.deserialize(workspace, made.serialize())

    for each in (made, again):
        assert (each.tags, each.properties) == ({"area": "letters"}, {"by": "me"})
        assert each.description == "how one begins"
        assert (each.model_framework, each.model_framework_version) == ("ScikitLearn", "1.7")
        assert isinstance(each.created_time, datetime)
        assert each.url.startswith("file://")
        assert each.serialize()["id"] == "greeting:1"


def test_what_the_cloud_alone_has_is_said_to_have_no_effect(workspace, file, capsys):
    configuration = ResourceConfiguration(cpu=1, memory_in_gb=0.5)

    Model.register(workspace, file, "greeting", resource_configuration=configuration)

    assert "resource_configuration has no effect" in capsys.readouterr().err


def test_a_path_that_is_not_there_is_a_file_not_found(workspace):
    with pytest.raises(FileNotFoundError, match="Path does not exist"):
        Model.register(workspace, "missing.pkl", "greeting")


def test_a_path_outside_the_working_directory_is_as_good_as_any(workspace, file, monkeypatch):
    monkeypatch.chdir(workspace.folder)

    assert Model.register(workspace, file, "greeting").version == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model_name": "-x"}, "expected the name of a model"),
        ({"child_paths": ["missing"]}, "missing"),
        ({"model_framework": "Keras"}, "expected a framework"),
        ({"model_framework_version": "1"}, "expected a framework with its version"),
    ],
)
def test_what_cannot_be_registered_is_a_webservice_exception(
    workspace, tmp_path, arguments, message
):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a.txt").write_text("a")

    with pytest.raises(WebserviceException, match=message):
        Model.register(workspace, folder, **{"model_name": "greeting"} | arguments)


@pytest.mark.calls("Model")
def test_a_model_is_found_by_name_id_version_and_tags(workspace, file, model):
    Model.register(workspace, file, "greeting", tags={"area": "speech"})

    assert Model(workspace, "greeting").version == 2
    assert Model(workspace, "greeting", version=1).version == 1
    assert Model(workspace, id="greeting:1").version == 1
    assert Model(workspace, "greeting", tags=[["area", "letters"]]).version == 1
    assert Model(workspace, "greeting", properties=["by"]).version == 1


@pytest.mark.parametrize(
    "arguments",
    [{"name": "other"}, {"name": "greeting", "version": 7}, {"id": "greeting:7"},
     {"name": "greeting", "tags": ["colour"]}, {"name": "greeting", "run_id": "x"}],
)  # fmt: skip
def test_a_model_that_is_not_there_is_said_so(workspace, model, arguments):
    with pytest.raises(ModelNotFoundException):
        Model(workspace, **arguments)


def test_neither_name_nor_id_is_refused(workspace):
    with pytest.raises(WebserviceException, match="expected a name or an id"):
        Model(workspace)


@pytest.mark.calls("Model.list")
def test_a_list_has_what_fits(workspace, file, model):
    Model.register(workspace, file, "greeting", tags={"area": "speech"})
    Model.register(workspace, file, "other", model_framework="Onnx")

    def listed(**arguments):
        return [each.id for each in Model.list(workspace, **arguments)]

    assert listed() == ["greeting:1", "greeting:2", "other:1"]
    assert listed(latest=True) == ["greeting:2", "other:1"]
    assert listed(name="greeting", tags=[["area", "speech"]]) == ["greeting:2"]
    assert listed(tags=["area"], properties=["by"]) == ["greeting:1"]
    assert listed(model_framework="Onnx") == ["other:1"]
    assert listed(run_id="x") == listed(dataset_id="x") == []
    with pytest.raises(WebserviceException, match=r"expected 'key' or \['key', 'value'\]"):
        listed(tags=[["a", "b", "c"]])


@pytest.mark.calls(
    "Model.update",
    "Model.add_tags",
    "Model.remove_tags",
    "Model.add_properties",
    "Model.update_tags_properties",
    "Model.add_dataset_references",
)
def test_tags_change_and_properties_are_only_added(workspace, model, capsys):
    model.add_tags({"colour": "blue"})
    model.remove_tags(["area", "never-there"])
    model.add_properties({"since": "today"})
    model.update_tags_properties(
        add_tags={"size": "small"}, remove_tags=["colour"], add_properties={"by": "me"}
    )

    again = Model(workspace, "greeting")
    assert again.tags == model.tags == {"size": "small"}
    assert again.properties == {"by": "me", "since": "today"}
    with pytest.raises(WebserviceException, match="properties do not change"):
        model.add_properties({"by": "you"})
    model.update(tags={"only": "this"}, description="new")
    assert Model(workspace, "greeting").tags == {"only": "this"}
    assert Model(workspace, "greeting").description == "new"
    model.add_dataset_references([("training", None)])
    assert "datasets has no effect" in capsys.readouterr().err


@pytest.mark.calls("Model.delete")
def test_a_deleted_version_is_gone_and_its_number_too(workspace, file, model):
    model.delete()

    with pytest.raises(ModelNotFoundException):
        Model(workspace, "greeting")
    assert Model.register(workspace, file, "greeting").version == 2


@pytest.mark.calls("Model.download", "Model.get_sas_urls")
def test_a_download_is_a_copy_and_replaces_only_when_asked(model, tmp_path):
    path = model.download(target_dir=tmp_path / "there")
    Path(path).write_text("changed")
    with pytest.raises(WebserviceException, match="File already exists"):
        model.download(tmp_path / "there")

    assert model.download(tmp_path / "there", exist_ok=True) == path
    assert Path(path).read_text() == "hello"
    assert list(model.get_sas_urls()) == ["greeting.txt"]
    with pytest.raises(WebserviceException, match="exists_ok is called exist_ok"):
        model.download(exists_ok=True)


@pytest.mark.calls("Model.get_model_path")
def test_a_model_path_is_below_the_root_the_newest_by_number(tmp_path, monkeypatch):
    for version in (2, 10):
        folder = tmp_path / "app" / "azureml-models" / "greeting" / str(version)
        folder.mkdir(parents=True)
        (folder / "greeting.txt").write_text("hello")
    monkeypatch.setenv("AML_APP_ROOT", str(tmp_path / "app"))

    newest = tmp_path / "app" / "azureml-models" / "greeting" / "10" / "greeting.txt"
    assert Model.get_model_path("greeting") == str(newest)
    assert Model.get_model_path("greeting", 2).endswith("/2/greeting.txt")


def test_a_wrong_version_is_an_error_whatever_lies_in_the_working_directory(file, tmp_path):
    (tmp_path / "greeting").write_text("unrelated")

    assert Model.get_model_path("greeting") == "greeting"
    with pytest.raises(ModelNotFoundException, match="version 1, not found"):
        Model.get_model_path("greeting", 1)
    with pytest.raises(WebserviceException, match="version should be an int"):
        Model.get_model_path("greeting", True)


def test_a_version_of_two_files_has_no_path(tmp_path):
    folder = tmp_path / "azureml-models" / "greeting" / "1"
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        (folder / name).write_text("")

    with pytest.raises(WebserviceException, match="can contain only 1 file or folder"):
        Model.get_model_path("greeting")


def test_with_a_workspace_a_model_path_is_a_download(workspace, model, tmp_path):
    path = Model.get_model_path("greeting", _workspace=workspace)

    assert path == "azureml-models/greeting/1/greeting.txt"
    assert (tmp_path / path).read_text() == "hello"


def test_a_model_that_is_nothing_at_all_names_both_that_it_could_be(workspace):
    from scoredock.sdk.deployment import models_to_mount

    with pytest.raises(ModelPathNotFoundException, match="neither a registered model nor a file"):
        models_to_mount(workspace, ["nothing"])
    with pytest.raises(NotImplementedError):
        models_to_mount(workspace, [3])
