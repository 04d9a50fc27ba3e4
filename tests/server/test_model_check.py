import hashlib
import json

import pytest

from serving import ECHO, check_script, covers, running, write_files

# Loading the script already shows that it was not checked first.
SCRIPT = "open('loaded', 'w').close()\n" + ECHO
FILES = {"digits/7/model/weights.bin": "weights", "digits/7/model/labels.txt": "labels"}


def manifest(files):
    """Return a manifest as a workspace keeps it."""
    listed = [
        {"path": path, "size": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
        for path, text in files.items()
    ]
    return json.dumps({"name": "digits", "version": 7, "files": listed})


def mounted(models, manifests):
    """Return the files of an application's folder, by path."""
    volume = {f"azureml-models/{path}": text for path, text in models.items()}
    return volume | {f"model-manifests/{path}": text for path, text in manifests.items()}


def registered(files):
    """Return the manifests of models whose every file has NAME/VERSION first."""
    versions = {"/".join(path.split("/")[:2]) for path in files}
    return {
        f"{version}.json": manifest(
            {
                path[len(version) + 1 :]: text
                for path, text in files.items()
                if path.startswith(f"{version}/")
            }
        )
        for version in versions
    }


def check(folder, models, manifests, **variables):
    write_files(folder, mounted(models, manifests))
    asked = {"SCOREDOCK_VERIFY_MODELS": "true"} | variables
    return check_script(folder, SCRIPT, AML_APP_ROOT=str(folder), **asked)


def complaints(checked):
    return [line for line in checked.stderr.splitlines() if "SCOREDOCK_VERIFY_MODELS" in line]


@covers("SCOREDOCK_VERIFY_MODELS", "SCOREDOCK_MODEL_MANIFESTS")
def test_models_that_are_as_they_were_registered_are_said_to_be_and_served(tmp_path):
    models = FILES | {"other/1/a.onnx": "a"}

    checked = check(tmp_path, models, registered(models))

    assert checked.returncode == 0, checked.stderr
    assert "model digits:7 is as it was registered: 2 files" in checked.stderr
    assert "model other:1 is as it was registered: 1 file" in checked.stderr


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (
            {"digits/7/model/weights.bin": "WEIGHTS"},
            [
                "digits:7: model/weights.bin has the sha256 "
                f"{hashlib.sha256(b'WEIGHTS').hexdigest()}, "
                f"{hashlib.sha256(b'weights').hexdigest()} was registered"
            ],
        ),
        (
            {"digits/7/model/weights.bin": "shorter", "digits/7/model/labels.txt": "more labels"},
            [
                "digits:7: model/labels.txt has 11 bytes, 6 were registered",
                "digits:7: model/weights.bin has the sha256 ",
            ],
        ),
        ({"digits/7/model/new.bin": ""}, ["digits:7: model/new.bin is not in the manifest"]),
        ({"digits/7/loose.bin": ""}, ["digits:7: loose.bin is not in the manifest"]),
        ({"digits/8/model/weights.bin": ""}, ["digits:8: no manifest of it can be read at "]),
        ({"foreign/latest/a.bin": ""}, ["azureml-models/foreign/latest: of no registered model"]),
        ({"foreign.bin": ""}, ["azureml-models/foreign.bin: of no registered model"]),
    ],
)
def test_each_file_that_differs_has_a_line_and_the_script_is_not_even_loaded(
    tmp_path, change, lines
):
    checked = check(tmp_path, FILES | change, registered(FILES))

    found = complaints(checked)
    assert checked.returncode == 3
    assert len(found) == len(lines)
    assert all(line in text for line, text in zip(lines, found, strict=True))
    assert "the models are not what was registered" in checked.stderr
    assert "Traceback" not in checked.stderr
    assert not (tmp_path / "loaded").exists()


def test_a_file_that_is_missing_and_one_that_has_become_a_link_are_named(tmp_path):
    models = FILES | {"digits/7/model/third.bin": "3"}
    write_files(tmp_path, {f"azureml-models/{path}": text for path, text in FILES.items()})
    folder = tmp_path / "azureml-models" / "digits" / "7" / "model"
    (folder / "weights.bin").rename(tmp_path / "weights.bin")
    (folder / "weights.bin").symlink_to(tmp_path / "weights.bin")

    checked = check(tmp_path, {}, registered(models))

    missing, link = complaints(checked)
    assert checked.returncode == 3
    assert "digits:7: model/third.bin is missing" in missing
    assert "digits:7: model/weights.bin is not a file" in link


@pytest.mark.parametrize("text", ["{", "[]", '{"files": [{"path": "a"}]}', '{"files": {"a": 1}}'])
def test_a_manifest_that_cannot_be_read_is_as_good_as_none(tmp_path, text):
    checked = check(tmp_path, FILES, {"digits/7.json": text})

    [line] = complaints(checked)
    assert checked.returncode == 3
    assert f"no manifest of it can be read at {tmp_path}/model-manifests/digits/7.json" in line


@covers("SCOREDOCK_MODEL_MANIFESTS")
def test_the_manifests_can_be_elsewhere(tmp_path):
    write_files(tmp_path, {f"elsewhere/{n}": text for n, text in registered(FILES).items()})

    here = check(tmp_path, FILES, {})
    there = check(tmp_path, FILES, {}, SCOREDOCK_MODEL_MANIFESTS=str(tmp_path / "elsewhere"))

    assert (here.returncode, there.returncode) == (3, 0)


def test_a_model_folder_that_cannot_be_checked_is_not_passed_over(tmp_path):
    write_files(tmp_path, {"mine/model.bin": ""})

    checked = check(tmp_path, FILES, registered(FILES), AZUREML_MODEL_DIR=str(tmp_path / "mine"))

    [line] = complaints(checked)
    assert checked.returncode == 3
    assert f"AZUREML_MODEL_DIR={tmp_path}/mine: not in {tmp_path}/azureml-models" in line


def test_models_are_not_checked_unasked(tmp_path):
    checked = check(tmp_path, FILES, {}, SCOREDOCK_VERIFY_MODELS="false")

    assert checked.returncode == 0
    assert "registered" not in checked.stderr


@pytest.mark.parametrize("preload", ["false", "true"])
def test_the_server_ends_with_3_as_for_an_init_that_fails(tmp_path, preload):
    files = mounted(FILES | {"digits/7/model/labels.txt": "LABELS"}, registered(FILES))
    variables = {"SCOREDOCK_VERIFY_MODELS": "true", "WORKER_PRELOAD": preload}

    with running(tmp_path, SCRIPT, files=files, **variables) as server:
        assert server.exit_code() == 3

    assert "digits:7: model/labels.txt has the sha256" in server.log()


def test_the_volume_may_lie_outside_of_the_root_where_the_model_folder_does(tmp_path):
    write_files(tmp_path, mounted(FILES, registered(FILES)))
    root = tmp_path / "code"
    root.mkdir()
    model = tmp_path / "azureml-models" / "digits" / "7"
    asked = {
        "SCOREDOCK_VERIFY_MODELS": "true",
        "SCOREDOCK_MODEL_MANIFESTS": str(tmp_path / "model-manifests"),
        "AZUREML_MODEL_DIR": str(model),
    }

    whole = check_script(root, SCRIPT, AML_APP_ROOT=str(root), **asked)
    (model / "model" / "labels.txt").write_text("changed")
    changed = check_script(root, SCRIPT, AML_APP_ROOT=str(root), **asked)

    assert whole.returncode == 0, whole.stderr
    assert "model digits:7 is as it was registered: 2 files" in whole.stderr
    assert changed.returncode == 3
    assert "digits:7: model/labels.txt has 7 bytes, 6 were registered" in changed.stderr
