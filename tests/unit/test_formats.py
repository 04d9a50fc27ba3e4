"""Each form of an environment, read into the one spec."""

import json

import pytest

from scoredock.errors import SpecError
from scoredock.formats import read
from scoredock.resolve import resolve

CONDA = "name: x\nchannels: [conda-forge]\ndependencies:\n- python=3.8\n- pip:\n  - numpy==1.21.0\n"
INLINE = {"dependencies": ["python=3.8", {"pip": ["numpy==1.21.0"]}]}
V1 = {"name": "mine", "python": {"condaDependencies": INLINE}, "docker": {"baseImage": "mine:1"}}


@pytest.fixture
def write(tmp_path):
    """Write files below one folder, a mapping as JSON, and return the path of the first."""

    def files(**contents):
        for name, content in contents.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return tmp_path / next(iter(contents))

    return files


def packages(spec):
    env, _ = resolve(spec)
    return env.python_version, [package.requirement for package in env.pip_packages]


PYTHON_2 = {"dependencies": ["python=2.7"]}
MLMODEL = "flavors: {python_function: {env: %s}}\n"
INFERENCE = {"entryScript": "a.py", "runtime": "python", "condaFile": "c.yml"}
RUN = "environment: {python: {condaDependenciesFile: %s}}\n"
RUN_OF_2017 = 'ArgumentVector: ["$file"]\nTarget: local\nCondaDependenciesFile: aml_config/c.yml\n'
V2 = "$schema: https://x/environment.schema.json\nname: e\nversion: 1.10\nimage: mine:1\n"
DEPLOYMENT = """\
$schema: https://x/managedOnlineDeployment.schema.json
name: blue
endpoint_name: e
model: {path: ../model/}
code_configuration: {code: ../src, scoring_script: score.py}
environment:
  conda_file: conda.yml
  image: mine:1
environment_variables: {A: 0.50, B: true}
request_settings: {request_timeout_ms: 90000}
"""
FORMS = [
    ("saved environment", {"azureml_environment.json": V1}),
    ("environment in JSON", {"envdef.json": V1}),
    ("inference configuration", {"i.json": {"entryScript": "a.py", "environment": V1}}),
    ("inference configuration", {"inferenceConfig.json": INFERENCE, "c.yml": CONDA}),
    ("run configuration", {"a.runconfig": {"script": "train.py", "environment": V1}}),
    (
        "run configuration",
        {".azureml/a.runconfig": RUN % ".azureml/c.yml", ".azureml/c.yml": CONDA},
    ),
    ("run configuration", {"runs/a.runconfig": RUN % "../c.yml", "c.yml": CONDA}),
    ("run configuration", {"aml_config/a.runconfig": RUN_OF_2017, "aml_config/c.yml": CONDA}),
    ("run configuration", {"definition.json": {"Script": "train.py", "Environment": V1}}),
    ("run configuration", {"details.json": {"runDefinition": {"environment": V1}}}),
    ("v2 environment", {"env.yml": V2 + "conda_file: conda.yml\n", "conda.yml": CONDA}),
    ("v2 environment", {"env.yml": V2 + f"conda_file: {json.dumps(INLINE)}\n"}),
    (
        "v2 environment",
        {"rest.json": {"name": "e", "properties": {"image": "mine:1", "condaFile": CONDA}}},
    ),
    (
        "v2 environment",
        {"preview.yml": "docker: {image: mine:1}\nconda_file: 'file:c.yml'\n", "c.yml": CONDA},
    ),
    ("v2 deployment", {"deployment.yml": DEPLOYMENT, "conda.yml": CONDA}),
    ("conda file", {"conda.yaml": CONDA}),
    (
        "MLflow model",
        {
            "MLmodel": MLMODEL % "{conda: conda.yaml, virtualenv: python_env.yaml}",
            "conda.yaml": CONDA,
            "python_env.yaml": "python: 3.9\ndependencies: [scipy]\n",
            "requirements.txt": "scipy\n",
        },
    ),
    (
        "MLflow model",
        {
            "MLmodel": MLMODEL % "conda.yaml, python_version: 3.9.1",
            "python_env.yaml": "python: 3.8.5\ndependencies:\n- -r requirements.txt\n",
            "requirements.txt": "numpy==1.21.0\n",
        },
    ),
    (
        "MLflow Python environment",
        {"python_env.yaml": "python: 3.8\ndependencies: [numpy==1.21.0]\n"},
    ),
]


@pytest.mark.parametrize(("form", "files"), FORMS)
def test_each_form_is_told_and_means_the_same(write, form, files):
    reading = read(write(**files))

    assert reading.form == form
    assert reading.reason
    assert packages(reading.spec) == ("3.8", ["numpy==1.21.0"])


@pytest.mark.parametrize(("form", "files"), FORMS)
def test_the_folder_of_one_spec_is_enough_to_name(write, form, files):
    path = write(**files)

    reading = read(path.parent)

    assert (reading.form, reading.files[0]) == (form, path)


def test_every_file_that_was_read_is_told(write):
    path = write(**{"deployment.yml": DEPLOYMENT, "conda.yml": CONDA})

    assert read(path).files == (path, path.parent / "conda.yml")


def test_a_requirements_file_is_read_without_a_python(write):
    text = "# comment\nnumpy==1.21.0  # for arrays\n\nscipy \\\n  >=1.7\n-i https://x/simple\n"

    reading = read(write(**{"requirements.txt": text}))

    assert reading.form == "requirements file"
    env, notes = resolve(reading.spec)
    assert [each.requirement for each in env.pip_packages] == [
        "numpy==1.21.0", "scipy   >=1.7", "-i https://x/simple",
    ]  # fmt: skip
    assert "names no version of Python" in notes[0]


def test_requirements_that_name_others_are_taken_along_with_their_places(write):
    files = {"requirements.txt": "a\n-r sub/more.txt\n", "sub/more.txt": "b\n-rlast.txt\n"}

    path = write(**files, **{"sub/last.txt": "c\n\n[d\n"})

    with pytest.raises(SpecError) as caught:
        read(path)
    assert caught.value.path == "sub/last.txt:3"
    (path.parent / "sub" / "last.txt").write_text("c\n")
    assert packages(read(path).spec)[1] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-r no.txt", "names 'no.txt', which is not there"),
        ("--requirement=no.txt", "names 'no.txt', which is not there"),
        ("-e .", "a package on this machine cannot be taken along, found '-e .'"),
        ("./wheels/a.whl", "a package on this machine cannot be taken along"),
        ("a-1.0-py3-none-any.whl", "a package on this machine cannot be taken along"),
        ("file:///tmp/a.whl", "a package on this machine cannot be taken along"),
        ("--find-links wheels", "a folder on this machine cannot be taken along, found 'wheels'"),
        ("-f ./wheels/", "a folder on this machine cannot be taken along, found './wheels/'"),
        ("numpy 1.2", "expected a requirement or an option of pip, found 'numpy 1.2'"),
    ],
)
def test_what_the_image_could_not_have_is_refused_where_it_stands(write, line, message):
    conda = json.dumps({"dependencies": ["python=3.8", {"pip": ["scipy", line]}]})

    with pytest.raises(SpecError) as caught:
        read(write(**{"conda.yaml": conda}))

    assert str(caught.value).startswith(f"conda.yaml: dependencies[1].pip[1]: {message}")


@pytest.mark.parametrize(
    "line",
    [
        "git+https://github.com/apple/coremltools@v2.1",
        "-e git+https://github.com/x/y#egg=y",
        "https://x/torch-1.1.0-cp36-cp36m-linux_x86_64.whl?sv=2016&sig=a%2Fb",
        "httpx==0.24.0",
        "azureml-dataset-runtime[pandas,fuse]~=1.34.0",
        "certifi >= 2023.07.22",
        "pkg @ https://x/pkg.zip",
        'numpy; python_version < "3.9"',
        "--extra-index-url=https://x/",
        "-r https://x/requirements.txt",
        "-c https://x/constraints.txt",
        "--find-links /wheels",
        "-f https://x/wheels",
        "-i ${INDEX}",
        "numpy  # a comment",
        "# only a comment",
        "",
    ],
)
def test_what_pip_reads_is_left_as_it_is(write, line):
    conda = json.dumps({"dependencies": [{"pip": [line]}]})

    spec = read(write(**{"conda.yaml": conda})).spec

    assert spec.python.conda_dependencies.dependencies[0].pip == (line,)


@pytest.mark.parametrize(
    ("line", "way"),
    [("./a-1.0-py3-none-any.whl", "COPY wheels /wheels"), ("-e .", "`pip wheel`")],
)
def test_a_package_of_this_machine_is_refused_with_a_way_to_bring_it(write, line, way):
    with pytest.raises(SpecError) as caught:
        read(write(**{"requirements.txt": f"{line}\n"}))

    assert way in caught.value.hint


def test_lines_that_end_in_a_backslash_are_joined_as_pip_does(write):
    pip = ["numpy==1.0 \\", "    --hash=sha256:aa", "scipy"]

    spec = read(write(**{"conda.yaml": json.dumps({"dependencies": [{"pip": pip}]})})).spec

    assert spec.python.conda_dependencies.dependencies[0].pip == (
        "numpy==1.0     --hash=sha256:aa", "scipy",
    )  # fmt: skip


def test_a_requirements_file_that_names_itself_is_refused(write):
    with pytest.raises(SpecError, match="names itself"):
        read(write(**{"requirements.txt": "-r requirements.txt\n"}))


def test_a_requirements_file_that_names_itself_in_another_way_is_refused_too(write):
    path = write(**{"requirements.txt": "-r sub/../requirements.txt\n", "sub/x": ""})

    with pytest.raises(SpecError, match="names itself"):
        read(path)


def test_files_that_unfold_without_an_end_are_refused(write):
    files = {f"{number}.txt": f"-r {number + 1}.txt\n" * 2 for number in range(20)}

    with pytest.raises(SpecError, match="names more than 100 files"):
        read(write(**files, **{"20.txt": "numpy\n"}))


def test_an_unknown_key_that_is_nested_without_an_end_is_refused(write):
    with pytest.raises(SpecError, match="nested too deep"):
        read(write(**{"envdef.json": '{"x": ' + "[" * 300 + "]" * 300 + "}"}))


def test_other_spellings_of_keys_are_read_with_one_warning(write):
    environment = {
        "Name": "x",
        "EnvironmentVariables": {"Some_Name": "v"},
        "python": {"CondaDependencies": INLINE},
        "Docker": {"BaseImage": "mine:1", "BaseImageRegistry": {"Address": "r"}},
    }

    reading = read(write(**{"azureml_environment.json": environment}))

    assert reading.spec.name == "x"
    assert reading.spec.environment_variables == {"Some_Name": "v"}
    assert reading.spec.docker.base_image == "mine:1"
    assert reading.spec.docker.base_image_registry.address == "r"
    assert reading.warnings == (
        "azureml_environment.json: read Name as name, EnvironmentVariables as "
        "environmentVariables, CondaDependencies as condaDependencies and 4 more: "
        "the reference SDK ignores keys in another spelling",
    )


def test_a_place_is_told_in_the_spelling_of_the_file(write):
    environment = {"Python": {"CondaDependencies": {"dependencies": [3]}}}

    with pytest.raises(SpecError) as caught:
        read(write(**{"azureml_environment.json": environment}))

    assert caught.value.path == (
        "azureml_environment.json: Python.CondaDependencies.dependencies[0]"
    )


def test_of_two_spellings_the_canonical_one_counts(write):
    environment = {"Name": "other", **V1}

    reading = read(write(**{"azureml_environment.json": environment}))

    assert reading.spec.name == "mine"
    assert [line for line in reading.warnings if "Name: unknown key" in line]


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"inferenceconfig.json": {"entryScript": "a", "environment": V1 | {"version": "a\nb"}}},
         "inferenceconfig.json: environment.version"),
        ({"env.yml": 'image: "a b"\nconda_file: {dependencies: [python=3.8]}\n'}, "env.yml: image"),
        ({"d.yml": "endpoint_name: e\nenvironment: {image: 'a b'}\n"}, "d.yml: environment.image"),
        ({"d.yml": 'endpoint_name: e\nenvironment: {image: a}\nenvironment_variables: {"A B": 1}'},
         "d.yml: environment_variables.A B"),
        ({"a.runconfig": {"environment": {"python": {"condaDependencies": PYTHON_2}}}},
         "a.runconfig: environment.python.condaDependencies.dependencies[0]"),
        ({"env.yml": "image: a\nconda_file: {dependencies: [python=2.7]}\n"},
         "env.yml: conda_file.dependencies[0]"),
    ],
)  # fmt: skip
def test_what_resolve_refuses_is_placed_in_the_users_file(write, files, place):
    spec = read(write(**files)).spec

    with pytest.raises(SpecError) as caught:
        resolve(spec)

    assert caught.value.path == place


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"e.yml": "$schema: x/managedOnlineEndpoint.schema.json\nname: e\nauth_mode: key\n"},
         "e.yml: an endpoint, which has no environment"),
        ({"d.yml": "endpoint_name: e\nenvironment: azureml:AzureML-x:21\n"},
         "d.yml: environment: names 'azureml:AzureML-x:21', an environment of the cloud"),
        ({"d.yml": "endpoint_name: e\nenvironment: {name: x, version: 1}\n"},
         "d.yml: environment: names 'x', an environment of the cloud"),
        ({"d.yml": "endpoint_name: e\nmodel: azureml:m:1\n"},
         "d.yml: environment: expected an environment, found none"),
        ({"d.yml": "deployments: [{name: a}, {name: b}]\n"},
         "d.yml: deployments: expected one deployment, found 2"),
        ({"e.yml": "image: a\nbuild: {path: .}\n"},
         "e.yml: build: stands beside image, and only one of the two can be"),
        ({"e.yml": "build: {path: https://github.com/x/y.git}\n"},
         "e.yml: build: a build context elsewhere is not fetched"),
        ({"e.yml": "image: a\nos_type: Windows\n"},
         "e.yml: os_type: expected linux, found 'Windows'"),
        ({"e.yml": 'name: "{{asset.name}}"\nimage: a\n'},
         "e.yml: name: the placeholder {{asset.name}} is not filled in"),
        ({"e.yml": "image: [a]\n"}, "e.yml: image: expected str, found list"),
        ({"e.yml": "$schema: environment.schema.json\nname: e\n"},
         "e.yml: expected image, conda_file or build, found none of them"),
        ({"i.json": {"entryScript": "a.py", "extraDockerfileSteps": "x", "condaFile": "c"}},
         "i.json: extraDockerfileSteps: names 'x', which is not there"),
        ({"i.json": {"entryScript": "a.py", "runtime": "spark-py", "condaFile": "c"}},
         "i.json: runtime: expected python, found 'spark-py'"),
        ({"i.json": {"entryScript": "a.py", "condaFile": "c.yml"}},
         "i.json: condaFile: names 'c.yml', which is not there"),
        ({"i.json": {"entryScript": "a.py"}}, "i.json: expected an environment or condaFile"),
        ({"MLmodel": "flavors: {crate: {}}\n"},
         "MLmodel: flavors: expected the flavor python_function, found crate"),
        ({"MLmodel": "flavors: {python_function: {env: conda.yaml}}\n"},
         "MLmodel: flavors.python_function.env: names the environment conda.yaml, which is not"),
        ({"a.runconfig": "script: train.py\n"}, "a.runconfig: expected an environment, found none"),
        ({"azureml_environment.json": {"name": "AzureML-Minimal", "version": "7"}},
         "azureml_environment.json: holds no more than a name, of an environment of the cloud"),
        ({"a.runconfig": "environment: {name: AzureML-Minimal}\n"},
         "a.runconfig: environment: holds no more than a name, of an environment of the cloud"),
        ({"i.json": {"entryScript": "a.py", "environment": {"name": "x", "version": "1"}}},
         "i.json: environment: holds no more than a name, of an environment of the cloud"),
        ({"x.json": {"a": 1, "b": 2}}, "x.json: not a form of an environment: found a, b"),
        ({"x.yml": "just text\n"}, "x.yml: expected an environment, found text"),
        ({"x.yml": ""}, "x.yml: expected an environment, found nothing"),
    ],
)  # fmt: skip
def test_what_is_no_environment_is_refused_in_one_line(write, files, message):
    with pytest.raises(SpecError) as caught:
        read(write(**files))

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,}', "not JSON: "),
        ('{"name": "{{NAME}}", "a": {{B}}}', "the placeholder {{NAME}} is not filled in"),
        ('{"a": 1\n<<<<<<< HEAD\n=======\n>>>>>>> x\n}', "a merge conflict that is not resolved"),
    ],
)
def test_a_json_file_that_does_not_parse_has_one_clear_line(write, text, message):
    path = write(**{"azureml_environment.json": text})

    with pytest.raises(SpecError, match=r"azureml_environment\.json:\d+") as caught:
        read(path)

    assert message in str(caught.value)


def test_a_tab_in_yaml_is_named_as_such(write):
    with pytest.raises(SpecError, match="not YAML") as caught:
        read(write(**{"conda.yaml": "name: x\ndependencies:\n\t- python\n"}))

    assert caught.value.hint == "indent with blanks, not with tabs"


def test_a_folder_of_data_is_searched_past_its_large_files(write):
    path = write(**{"conda.yaml": CONDA, "data.json": {"dependencies": ["x" * 200_000]}})

    assert read(path.parent).files == (path,)


def test_a_comma_too_many_is_named_as_such(write):
    path = write(**{"azureml_environment.json": '{"docker": {"arguments": [],\n}}'})

    with pytest.raises(SpecError) as caught:
        read(path)

    assert "comma" in caught.value.hint


def test_a_placeholder_that_breaks_yaml_is_named_with_its_line(write):
    path = write(**{"d.yml": "endpoint_name: x\nimage: {{ACR_NAME}}.azurecr.io/a\n"})

    with pytest.raises(SpecError) as caught:
        read(path)

    assert str(caught.value) == f"{path}:2: the placeholder {{{{ACR_NAME}}}} is not filled in"


def test_a_key_that_stands_twice_is_a_warning_and_the_last_counts(write):
    path = write(**{"conda.yaml": "name: a\nname: b\ndependencies: [python=3.8]\n"})

    reading = read(path)

    assert reading.spec.name == "b"
    assert reading.warnings == ("conda.yaml: name: stands there twice, the last one is read",)


def test_in_a_folder_the_saved_environment_wins_over_everything(write):
    path = write(**{"azureml_environment.json": V1, "MLmodel": "flavors: {}", "conda.yaml": CONDA})

    assert read(path.parent).form == "saved environment"


def test_an_mlflow_model_wins_over_the_files_beside_it(write):
    path = write(
        MLmodel="flavors: {python_function: {env: conda.yaml}}",
        **{"conda.yaml": CONDA, "requirements.txt": "a\n", "input_example.json": {"columns": []}},
    )

    assert read(path.parent).form == "MLflow model"


def test_two_candidates_are_an_error_that_lists_them(write):
    path = write(**{"conda.yaml": CONDA, "requirements.txt": "a\n", "data.json": {"data": [1]}})

    with pytest.raises(SpecError) as caught:
        read(path.parent)

    assert str(caught.value).endswith("expected one spec, found conda.yaml, requirements.txt")
    assert caught.value.hint == "name the file itself, not the folder"


def test_a_file_that_another_one_names_is_no_candidate(write):
    conda = "dependencies: [python=3.8, {pip: [-r requirements.txt]}]\n"
    path = write(
        **{"conda.yaml": conda, "requirements.txt": "a\n", "sample-request.json": {"data": []}}
    )

    assert packages(read(path.parent).spec) == ("3.8", ["a"])


def test_what_render_wrote_is_no_candidate(write):
    generated = "# GENERATED by `scoredock render` from x\ndependencies: [python=3.7]\n"
    path = write(**{"mine.yaml": CONDA, "conda_dependencies.yml": generated})

    assert read(path.parent).files == (path,)


def test_a_file_that_is_named_almost_right_is_hinted_at(write):
    files = {"azureml_environment.json": {"python": {}}, "conda_dependencies (1).yml": CONDA}

    with pytest.raises(SpecError) as caught:
        read(write(**files))

    assert "'conda_dependencies (1).yml'" in caught.value.hint


def test_what_a_deployment_tells_beside_its_environment_comes_along(write):
    path = write(**{"deploy/deployment.yml": DEPLOYMENT, "deploy/conda.yml": CONDA})

    reading = read(path)

    assert reading.told.entry_script == "score.py"
    assert reading.told.source == str(path.parent / "../src")
    assert reading.told.model == str(path.parent / "../model")
    assert reading.told.settings == {"request timeout in ms (SCORING_TIMEOUT_MS)": "90000"}
    assert reading.spec.environment_variables == {"A": "0.50", "B": True}


def test_an_entry_script_that_the_variables_name_comes_along(write):
    variables = {"AZUREML_ENTRY_SCRIPT": "src/score.py"}

    reading = read(write(**{"azureml_environment.json": V1 | {"environmentVariables": variables}}))

    assert reading.told.entry_script == "src/score.py"


@pytest.mark.parametrize("extra", ["mini_batch_size: 10\n", "settings: {mini_batch_size: 2}\n"])
def test_a_batch_deployment_is_read_with_a_warning(write, extra):
    reading = read(write(**{"d.yml": DEPLOYMENT + extra, "conda.yml": CONDA}))

    assert [line for line in reading.warnings if "a batch deployment" in line]


def test_an_image_with_a_server_of_its_own_is_a_warning(write):
    text = (
        "endpoint_name: e\nenvironment:\n  image: a\n  inference_config:\n"
        "    scoring_route: {port: 8501, path: /v1:predict}\n"
    )

    reading = read(write(**{"d.yml": text}))

    assert [line for line in reading.warnings if "a server of its own" in line]
    assert reading.told.settings == {"scoring route": ":8501/v1:predict"}


def test_the_python_that_a_model_was_logged_with_fills_the_gap(write):
    files = {
        "MLmodel": "flavors: {python_function: {env: conda.yaml, python_version: 3.9.1}}",
        "conda.yaml": "dependencies: [python-dateutil, pip, {pip: [numpy]}]\n",
    }

    spec = read(write(**files)).spec

    assert spec.python.conda_dependencies.dependencies[-1] == "python=3.9.1"


def test_a_named_conda_file_is_read_where_nothing_else_says_what_to_install(write):
    files = {
        "azureml_environment.json": {"python": {"condaDependenciesFile": "envs/mine.yml"}},
        "envs/mine.yml": CONDA,
    }

    reading = read(write(**files))

    assert packages(reading.spec) == ("3.8", ["numpy==1.21.0"])
    assert reading.files[-1].name == "mine.yml"


def test_a_build_context_on_this_machine_is_read_with_its_dockerfile(write):
    path = write(**{"env.yml": "build: {path: docker, dockerfile_path: My.Dockerfile}\n"},
                 **{"docker/My.Dockerfile": "FROM python:3.8\nCOPY a /a\n"})  # fmt: skip

    reading = read(path)

    assert reading.build_context == path.parent / "docker"
    assert reading.spec.docker.base_dockerfile == "FROM python:3.8\nCOPY a /a\n"
    assert reading.spec.python.user_managed_dependencies


def test_a_path_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(SpecError, match="not found"):
        read(tmp_path / "no.yml")
