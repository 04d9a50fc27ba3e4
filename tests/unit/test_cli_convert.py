import json

import pytest
from corpus.table import DATA, INSTALLERS, expected

from scoredock.canonical import canonical_files
from scoredock.formats import read
from scoredock.resolve import resolve

READABLE = [file for file, row in expected().items() if row["result"] in INSTALLERS]
SAVED = [
    file for file in READABLE if file.startswith("sdk-envs/") and file.endswith("environment.json")
]


def write(folder, files):
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    return folder


@pytest.mark.parametrize("file", READABLE)
def test_what_is_converted_means_the_same_and_is_written_again_byte_for_byte(tmp_path, file):
    reading = read(DATA / file)

    first, _ = canonical_files(reading.spec)
    again = read(write(tmp_path / "first", first))
    second, _ = canonical_files(again.spec)

    assert second == first
    assert resolve(again.spec)[0] == resolve(reading.spec)[0]


@pytest.mark.parametrize("file", SAVED)
def test_the_json_that_the_reference_sdk_saved_is_written_byte_for_byte(file):
    files, _ = canonical_files(read(DATA / file).spec)

    written = json.loads((DATA / file).read_text())
    # A credential is left out; a conda file of another name is beside by now.
    registry = written["docker"].get("baseImageRegistry") or {}
    registry.update(dict.fromkeys(registry.keys() & {"username", "password"}))
    written["python"]["condaDependenciesFile"] = None
    assert files["azureml_environment.json"] == json.dumps(written, indent=4)


def test_convert_writes_a_folder_that_is_converted_to_itself(run, tmp_path):
    (tmp_path / "conda.yaml").write_text("name: é\ndependencies: [python=3.8, {pip: [numpy]}]\n")

    first = run("convert", "conda.yaml", "--output", "one")
    second = run("convert", "one", "--output", "two")

    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == "one/azureml_environment.json\none/conda_dependencies.yml\n"
    assert second.returncode == 0
    for name in ("azureml_environment.json", "conda_dependencies.yml"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert (tmp_path / "one" / "azureml_environment.json").read_bytes() == (
        b'{\n    "name": "\\u00e9",\n    "python": {}\n}'
    )


def test_a_dockerfile_is_converted_with_the_files_that_it_takes(run, tmp_path):
    context = tmp_path / "docker"
    (context / "sub").mkdir(parents=True)
    (context / "Dockerfile").write_text("FROM python:3.8\nCOPY sub /sub\n")
    (context / "sub" / "a.txt").write_text("a")
    (tmp_path / "env.yml").write_text("name: e\nbuild: {path: docker}\n")

    result = run("convert", "env.yml", "--output", "out")

    assert result.returncode == 0
    assert (tmp_path / "out" / "BaseDockerfile").read_text() == "FROM python:3.8\nCOPY sub /sub\n"
    assert (tmp_path / "out" / "sub" / "a.txt").read_text() == "a"
    assert read(tmp_path / "out").build_context == tmp_path / "out"


def test_a_password_is_not_written(run, write_spec, tmp_path):
    registry = {"address": "r.example.com", "username": "robot7", "password": "s3cret"}
    folder = write_spec({"docker": {"baseImageRegistry": registry}}, "dependencies: [python=3.8]")

    result = run("convert", folder, "--output", "out")

    written = (tmp_path / "out" / "azureml_environment.json").read_text()
    assert "s3cret" not in f"{written}{result.stdout}{result.stderr}"
    assert json.loads(written)["docker"]["baseImageRegistry"]["password"] is None
    assert "docker.baseImageRegistry.password is left out: `docker login r.example.com`" in (
        result.stderr
    )


def test_what_an_environment_does_not_hold_is_noted(run, tmp_path):
    (tmp_path / "d.yml").write_text(
        "endpoint_name: e\nenvironment: {image: 'mine:1'}\n"
        "code_configuration: {code: src, scoring_script: main.py}\n"
    )

    result = run("convert", "d.yml", "--output", "out")

    assert "'main.py': pass it with --entry-script" in result.stderr
    assert "'src': pass it with --source" in result.stderr


def test_a_folder_that_holds_something_is_never_mixed_with_what_is_converted(run, write_spec):
    folder = write_spec({}, "dependencies: [python=3.8]")
    before = sorted(path.name for path in folder.iterdir())

    result = run("convert", folder, "--output", folder)

    assert result.returncode == 2
    assert "is not an empty folder" in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == before


def test_nothing_is_written_of_a_spec_that_is_refused(run, write_spec, tmp_path):
    result = run("convert", write_spec("{"), "--output", "out")

    assert result.returncode == 2
    assert not (tmp_path / "out").exists()
