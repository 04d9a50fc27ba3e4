import pytest

from scoredock import registry
from scoredock.errors import ScoredockError, WorkspaceError
from scoredock.model_folders import describe, import_folder
from scoredock.workspace import init_workspace

MLMODEL = """\
artifact_path: model
run_id: 4f7c
mlflow_version: 2.9.2
flavors:
  python_function: {loader_module: mlflow.sklearn, env: conda.yaml, python_version: 3.9.18}
"""
SKLEARN = "  sklearn: {pickled_model: model.pkl, sklearn_version: 1.2.2}\n"
ONNX = "  onnx: {onnx_version: 1.15.0}\n"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "my model"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    ("flavors", "framework", "version"),
    [
        (SKLEARN, "ScikitLearn", "1.2.2"),
        (ONNX, "Onnx", "1.15.0"),
        ("  keras: {keras_version: 2.15}\n", "TfKeras", "2.15"),
        ("  pytorch: {pytorch_version: 2.1.0}\n", "PyTorch", "2.1.0"),
        ("  tensorflow: {saved_model_dir: x}\n", "TensorFlow", ""),
        ("  xgboost: {xgb_version: 2.0}\n", "Custom", ""),
        (SKLEARN + ONNX, "Multi", ""),
    ],
)
def test_the_flavors_of_an_mlflow_model_tell_its_framework(folder, flavors, framework, version):
    (folder / "MLmodel").write_text(MLMODEL + flavors)

    found = describe(folder)

    assert (found.framework, found.framework_version) == (framework, version)
    assert found.properties == {"mlflow.run_id": "4f7c", "mlflow.mlflow_version": "2.9.2"}


@pytest.mark.parametrize(
    ("name", "framework"),
    [
        ("a.onnx", "Onnx"),
        ("deep/b.PT", "PyTorch"),
        ("c.keras", "TfKeras"),
        ("saved_model.pb", "TensorFlow"),
        ("d.pkl", "Custom"),
    ],
)
def test_a_suffix_that_one_framework_has_tells_it(folder, name, framework):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")

    assert describe(folder).framework == framework


def test_a_folder_is_registered_under_its_own_name_or_another(folder, tmp_path):
    workspace = init_workspace(tmp_path / "workspace")
    (folder / "MLmodel").write_text(MLMODEL + SKLEARN)

    own = import_folder(workspace, folder)
    other = import_folder(workspace, folder, name="other")

    assert (own.id, other.id) == ("my-model:1", "other:1")
    assert own.path.name == "my model"
    assert registry.find(workspace, "other").framework == "ScikitLearn"


@pytest.mark.parametrize("text", ["{", "[]", "a: b", "flavors: {}", "flavors: x"])
def test_an_mlmodel_that_is_none_is_refused_with_its_path(folder, text):
    (folder / "MLmodel").write_text(text)

    with pytest.raises(ScoredockError, match=r"MLmodel") as caught:
        describe(folder)

    assert caught.value.exit_code == 2


def test_what_is_no_folder_is_refused(tmp_path):
    with pytest.raises(WorkspaceError, match="absent: no such folder"):
        describe(tmp_path / "absent")
