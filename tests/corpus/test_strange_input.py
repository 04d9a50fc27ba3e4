"""Whatever a file holds: it is read, or refused by SpecError in one line, and quickly."""

import json
import os
import time
from pathlib import Path

import pytest
import yaml
from corpus.table import DATA, FILES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoredock.canonical import canonical_files
from scoredock.errors import SpecError
from scoredock.formats import read
from scoredock.inspection import Inspection, inspection_data, inspection_lines
from scoredock.render import ScoringCode, render
from scoredock.resolve import resolve
from scoredock.templates import load_templates

CODE = ScoringCode(source_name="code", entry_script="score.py")
TEMPLATES = load_templates()
NAMES = (
    "azureml_environment.json", "inferenceconfig.json", "x.runconfig", "conda.yaml", "env.yml",
    "MLmodel", "requirements.txt", "python_env.yaml",
)  # fmt: skip
# One of each form, and small: what is changed in them.
SEEDS = [
    "sdk-envs/01-default/azureml_environment.json",
    "sdk-envs/22-r/azureml_environment.json",
    "sdk-envs/13-build-context-storage/azureml_environment.json",
    "env-json/Azure+azureml-examples@59faca56ep/v1/python-sdk/tutorials/deploy-local/inferenceconfig.json",
    "env-json/microsoft+MLOps@b473564d/examples/MLOps_GitHubActions/Code/inferenceconfig.json",
    "env-json/MicrosoftDocs+pipelines-azureml/examples/runconfigs/pytorch-singlenode.yml",
    "deploy/Azure+azureml-examples@ef47987c3p/cli/endpoints/online/custom-container/tfserving-endpoint.yml",
    "env-yaml/Azure+azureml-assets/test/resources/update/in-place/expected/spec.yaml",
    "conda/Azure+azureml-examples/cli/endpoints/batch/deploy-models/openai-embeddings/model/python_env.yaml",
    "conda/Azure+MLOps-TDSP-Template/conda_dependencies.yml",
    "env-yaml/Azure+mlops-project-template/cv/aml-cli-v2/data-science/environment/requirements.txt",
]
SEED_DATA = [
    json.loads((DATA / name).read_text()) if name.endswith("json") else
    yaml.safe_load((DATA / name).read_text())
    for name in SEEDS if not name.endswith("txt")
]  # fmt: skip
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["python=3.8", "{{x}}", "-r x", "../y", "azureml:z:1", "\ud800", "FROM a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=4)
            | st.sampled_from(["pip", "conda", "python", "docker", "environment", "name", "image"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def everything(path: Path) -> str:
    """Do with a file all that the kit does without an engine; return what was refused."""
    try:
        reading = read(path)
        env, notes = resolve(reading.spec)
    except SpecError as error:
        refused = f"{error}{error.hint}"
    else:
        refused = ""
    if refused:
        assert "\n" not in refused
        return refused
    render(env, CODE, TEMPLATES)
    found = Inspection(path=path, reading=reading, env=env, notes=tuple(notes))
    json.dumps(inspection_data(found))
    assert list(inspection_lines(inspection_data(found)))
    canonical_files(reading.spec)
    return ""


@st.composite
def changed_data(draw):
    """Take a real file's data, and put something else in one or two places."""
    data = json.loads(json.dumps(draw(st.sampled_from(SEED_DATA)), default=str))
    for _ in range(draw(st.integers(1, 2))):
        places = list(_places(data))
        holder, key = draw(st.sampled_from(places))
        if draw(st.booleans()):
            holder[key] = draw(JUNK)
        elif isinstance(holder, dict):
            value = holder.pop(key)
            holder[draw(st.sampled_from([str(key).title(), str(key).upper(), "x"]))] = value
        if not data:
            break
    return data


def _places(data):
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in list(items):
        yield data, key
        if isinstance(value, dict | list):
            yield from _places(value)


BYTES = (
    b"\t", b"\r\n", b"\xff", b"\x00", b"{", b"]", b": ", b"- ", b"&a ", b"*a", b"\\",
    b"<<<<<<< x\n",
    b"#", b"'", b"!!x ", b"\xef\xbb\xbf", b"{{x}}",
)  # fmt: skip

STRANGE = settings(
    max_examples=int(os.environ.get("FUZZ_SPECS", "300")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@STRANGE
@given(data=changed_data(), name=st.sampled_from(NAMES))
def test_a_real_file_with_something_else_in_it_is_read_or_refused(tmp_path, data, name):
    path = tmp_path / name
    path.write_text(json.dumps(data), encoding="utf-8")

    everything(path)


@STRANGE
@given(data=JUNK, name=st.sampled_from(NAMES))
def test_any_value_is_read_or_refused(tmp_path, data, name):
    path = tmp_path / name
    path.write_text(json.dumps(data), encoding="utf-8")

    everything(path)


@STRANGE
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_a_real_file_with_bytes_changed_is_read_or_refused(tmp_path, data, name):
    content = bytearray((DATA / data.draw(st.sampled_from(SEEDS))).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["cut", "put", "repeat"]))
        if kind == "cut":
            del content[place : place + data.draw(st.integers(1, 200))]
        elif kind == "put":
            content[place:place] = data.draw(st.sampled_from(BYTES))
        else:
            content[place:place] = content[place : place + 50]
        if not content:
            break
    path = tmp_path / name
    path.write_bytes(bytes(content))

    everything(path)


@STRANGE
@given(text=st.text(max_size=200), name=st.sampled_from(NAMES))
def test_any_text_is_read_or_refused(tmp_path, text, name):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")

    everything(path)


LINES = (
    "FROM a AS base\n", "FROM base\n", "from b as code\n", "FROM\n", "ARG X\n", "# c\n", "\n",
    "COPY a b\n", "COPY\n", "COPY --from=base a b\n", 'ADD ["a", "b"]\n', "USER \ud800\n",
    "RUN x \\\n", "RUN <<E\n", "E\n", "RUN --mount=type=bind,target=/x y\n", "  y\n", "\\\n",
)  # fmt: skip
ARGUMENTS = (
    "--gpus", "all", "-v", "/a:/b", "--shm-size=2g", "-e", "A=b", "--privileged", "--ulimit",
    "memlock=-1", "=", "-", "--", "", " ", "--env=", "-it", "--cpus 2", "\n", "--memory", "-m4g",
)  # fmt: skip


@STRANGE
@given(lines=st.lists(st.sampled_from(LINES), max_size=8))
def test_any_dockerfile_is_read_or_refused(tmp_path, lines):
    path = tmp_path / "azureml_environment.json"
    docker = {"baseDockerfile": "".join(lines)}
    path.write_text(json.dumps({"python": {"userManagedDependencies": True}, "docker": docker}))

    everything(path)


@STRANGE
@given(words=st.lists(st.sampled_from(ARGUMENTS) | st.text(max_size=5), max_size=6))
def test_any_arguments_of_docker_run_are_read_or_refused(tmp_path, words):
    path = tmp_path / "azureml_environment.json"
    docker = {"baseImage": "x", "arguments": words}
    path.write_text(json.dumps({"python": {"userManagedDependencies": True}, "docker": docker}))

    everything(path)


BOMB = "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9) if before else '1'}]\n"
    for before, name in zip(["", *"abcdefgh"], "abcdefghi", strict=True)
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(BOMB, id="aliases that unfold into millions"),
        pytest.param("a: &a [*a]\n", id="a list that holds itself"),
        pytest.param("- " * 50_000, id="lists nested block by block"),
        pytest.param("[" * 50_000, id="lists nested in brackets"),
        pytest.param('{"a":' * 50_000, id="objects nested in braces"),
        pytest.param("x" * 3_000_000, id="one long word"),
        pytest.param("a: 1\n" * 300_000, id="one key many times"),
        pytest.param("{" + '"a":1,' * 80_000 + '"b":1}', id="one key many times, in braces"),
        pytest.param("[" + '"a",' * 100_000 + "1]", id="a list without an end"),
        pytest.param("numpy\n" * 20_000, id="a line many times"),
        pytest.param("9" * 10_000, id="a number of thousands of digits"),
        pytest.param("-r x.txt\n" * 10, id="files that are not there"),
        pytest.param("\\\n" * 10_000, id="a line that never ends"),
    ],
)
def test_a_bomb_is_refused_before_it_goes_off(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    begin = time.process_time()

    everything(path)

    # Far above what reading takes on a slow machine, and far below what a bomb would.
    assert time.process_time() - begin < 60


@pytest.mark.parametrize("file", FILES[::7])
def test_line_breaks_and_byte_order_marks_change_nothing(tmp_path, file):
    source = DATA / file
    plain, strange = tmp_path / "plain", tmp_path / "strange"
    for folder in (plain, strange):
        folder.mkdir()
        for other in source.parent.iterdir():
            if other.is_file():
                text = other.read_bytes().replace(b"\r\n", b"\n")
                if folder == strange:
                    text = b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n")
                (folder / other.name).write_bytes(text)

    def found(folder):
        refused = everything(folder / source.name)
        if refused:
            return refused.replace(str(folder), "")
        return read(folder / source.name).spec.model_dump()

    assert found(plain) == found(strange)
