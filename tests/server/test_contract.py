import ast

import pytest

from serving import EVALUATE, covers, running
from support import ROOT

PLACES = """
import os, sys
import helper, shared

def init():
    global words
    words = open("data/words.txt").read()

def run(raw_data):
    names = ("AML_APP_ROOT", "AZUREML_ENTRY_SCRIPT", "AZUREML_MODEL_DIR")
    return {
        "cwd": os.getcwd(),
        "words": words,
        "helper": helper.name,
        "shared": shared.name,
        "variables": [os.environ[name] for name in names],
        "path": sys.path,
    }
"""


@covers("AML_APP_ROOT", "AZUREML_ENTRY_SCRIPT", "AZUREML_SOURCE_DIRECTORY", "AZUREML_MODEL_DIR")
def test_a_script_deep_in_the_source_folder_finds_its_files_modules_and_model(tmp_path):
    root = tmp_path / "azureml-app"
    files = {
        "src/x/y/score.py": PLACES,
        "src/x/y/helper.py": "name = 'beside'",
        "src/shared.py": "name = 'source'",
        "data/words.txt": "opened from the working directory",
        "azureml-models/digits/3/model.pkl": "",
    }
    names = {"AZUREML_SOURCE_DIRECTORY": "src", "AZUREML_ENTRY_SCRIPT": "src/x/y/score.py"}
    with running(tmp_path, "", files=files, **names) as server:
        answer = server.wait_until_ready().score().json()

    path = answer.pop("path")
    assert answer == {
        "cwd": str(root),
        "words": "opened from the working directory",
        "helper": "beside",
        "shared": "source",
        "variables": [str(root), "src/x/y/score.py", f"{root}/azureml-models/digits/3"],
    }
    assert {str(root), f"{root}/src"} < set(path)


@covers("AML_APP_ROOT")
def test_without_a_root_it_is_the_working_directory(tmp_path):
    names = {"AML_APP_ROOT": "", "AZUREML_SOURCE_DIRECTORY": ""}
    flags = ["--entry-script", "code/score.py"]
    with running(tmp_path, EVALUATE, *flags, **names) as server:
        found = server.wait_until_ready().score("[os.environ['AML_APP_ROOT'], sys.path]").json()

    assert found[0] == str(tmp_path / "azureml-app")
    assert found[0] in found[1]


@covers("AML_APP_ROOT", "AZUREML_ENTRY_SCRIPT")
def test_the_root_need_not_be_the_working_directory(tmp_path):
    root = tmp_path / "elsewhere"
    root.mkdir()
    (root / "score.py").write_text(EVALUATE)
    names = {
        "AML_APP_ROOT": str(root),
        "AZUREML_ENTRY_SCRIPT": "score.py",
        "AZUREML_SOURCE_DIRECTORY": "",
    }
    with running(tmp_path, "", **names) as server:
        found = server.wait_until_ready().score("[os.getcwd(), os.environ['AML_APP_ROOT']]").json()

    assert found == [str(tmp_path / "azureml-app"), str(root)]


@covers("AZUREML_MODEL_DIR")
@pytest.mark.parametrize(
    ("files", "variables", "expected"),
    [
        (["a/2/f", "a/10/f", "a/latest/f", ".hidden/1/f"], {}, "{}/azureml-models/a/10"),
        (["a/1/f", "b/1/f"], {}, "{}/azureml-models"),
        (["a/f"], {}, "{}/azureml-models"),
        ([], {}, "{}/azureml-models"),
        (["a/1/f"], {"AZUREML_MODEL_DIR": "azureml-models/a"}, "azureml-models/a"),
        (["a/1/f"], {"AZUREML_MODEL_DIR": ""}, "{}/azureml-models/a/1"),
    ],
    ids=["newest", "several", "no-version", "none", "given-as-it-is", "empty"],
)
def test_the_model_folder_is_the_newest_version_of_one_model_or_the_volume(
    tmp_path, files, variables, expected
):
    models = {f"azureml-models/{name}": "" for name in files}
    with running(tmp_path, EVALUATE, files=models, **variables) as server:
        answer = server.wait_until_ready().score("os.environ['AZUREML_MODEL_DIR']")

    assert answer.json() == expected.format(tmp_path / "azureml-app")


def test_the_script_sees_what_the_reference_server_puts_into_the_environment(tmp_path, port):
    variables = {"WORKER_COUNT": "2", "SCOREDOCK_BIND": f"127.0.0.1:{port}"}
    with running(tmp_path, EVALUATE, **variables) as server:
        found = server.wait_until_ready().score("dict(os.environ)").json()

    expected = {
        "SERVER_PORT": str(port),
        "HEALTH_PORT": "5000",
        "WORKER_COUNT": "2",
        "AZUREML_ENTRY_SCRIPT": "code/score.py",
    }
    assert expected.items() <= found.items()
    assert found["SERVER_SOFTWARE"].startswith("gunicorn")


def test_a_variable_that_no_shell_could_use_reaches_the_script(tmp_path):
    variables = {"a.b": "1", "c-d": "two\nlines", "挨拶": "こんにちは", "LC_ALL": "C.UTF-8"}
    with running(tmp_path, EVALUATE, **variables) as server:
        found = server.wait_until_ready().score("dict(os.environ)").json()

    assert variables.items() <= found.items()
    assert "UNUSABLE_VARIABLES" not in found


def test_hooks_run_before_the_server_in_the_order_of_their_names(serve):
    script = "import os\ndef init(): pass\ndef run(raw_data): return os.environ['HOOKS']"
    hooks = {
        "code/entrypoint.d/20-second.sh": 'export HOOKS="$HOOKS second"',
        "code/entrypoint.d/10-first.sh": 'export HOOKS="first"',
        "code/entrypoint.d/30-third": "exit 1",
    }
    server = serve(script, files=hooks)

    answer = server.wait_until_ready().score()

    assert answer.json() == "first second"
    assert "30-third is left out: its name does not end in .sh" in server.log()


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "docker").rglob("*.py")),
    ids=lambda path: str(path.relative_to(ROOT / "docker")),
)
def test_what_runs_in_the_image_is_python_3_6(path):
    tree = ast.parse(path.read_text(), feature_version=(3, 6))

    assert not [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
