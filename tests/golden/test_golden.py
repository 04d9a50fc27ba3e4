import json
from pathlib import Path

import pytest
import yaml

from scoredock.formats import read, read_spec
from scoredock.paths import CONTEXT
from scoredock.render import ScoringCode, render
from scoredock.resolve import resolve
from scoredock.templates import OUTPUTS, load_templates

HERE = Path(__file__).parent
GOLDEN = sorted(path.parent for path in HERE.glob("*/azureml_environment.json"))
CODE = ScoringCode(source_name="digits", entry_script="score.py")


def rendered(folder):
    reading = read(folder)
    env, _ = resolve(reading.spec)
    return render(env, CODE, load_templates(), files=reading.file_names)


def test_every_folder_is_a_case():
    folders = [path for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__"]

    assert folders
    assert sorted(folders) == GOLDEN


@pytest.mark.parametrize("name", OUTPUTS.values())
@pytest.mark.parametrize("folder", [*GOLDEN, CONTEXT], ids=lambda folder: folder.name)
def test_a_fresh_render_is_what_is_committed(folder, name):
    fresh = rendered(folder)[name]

    # After a change of a template or a spec: scripts/render --spec tests/golden/<case>
    assert (folder / name).read_text(encoding="utf-8") == fresh


@pytest.mark.parametrize("folder", [*GOLDEN, CONTEXT], ids=lambda folder: folder.name)
def test_the_committed_conda_file_holds_what_the_spec_asks_for(folder):
    written = json.loads((folder / "azureml_environment.json").read_text(encoding="utf-8"))
    env, _ = resolve(read_spec(folder)[0])

    conda = yaml.safe_load((folder / "conda_dependencies.yml").read_text(encoding="utf-8"))

    installed = [package.requirement for package in env.pip_packages if not package.replaced]
    assert conda["name"] == written["name"]
    assert conda["dependencies"][:-1] == list(env.conda_packages)
    assert conda["dependencies"][-1] == {"pip": installed or None}
