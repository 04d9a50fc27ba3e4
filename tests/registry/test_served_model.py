"""A registered model where the container contract puts it."""

import os

import docker
import pytest

from scoredock import registry
from scoredock.workspace import init_workspace
from serving import ECHO, check_script
from support import base_image


def mount(model, app_root):
    """Put a version and its manifest where the server looks for them."""
    volume = app_root / "azureml-models" / model.name
    manifests = app_root / "model-manifests" / model.name
    volume.mkdir(parents=True)
    manifests.mkdir(parents=True)
    (volume / str(model.version)).symlink_to(model.files_folder)
    (manifests / f"{model.version}.json").symlink_to(model.manifest_file)


def test_the_server_checks_a_model_against_the_manifest_of_the_registry(workspace, model, tmp_path):
    (model / "empty").mkdir()
    made = registry.register(workspace, model, name="parts")
    mount(made, tmp_path / "app")
    asked = {"AML_APP_ROOT": str(tmp_path / "app"), "SCOREDOCK_VERIFY_MODELS": "true"}

    good = check_script(tmp_path, ECHO, **asked)
    (made.path / "part-0" / "0.bin").write_bytes(b"other")
    bad = check_script(tmp_path, ECHO, **asked)

    assert good.returncode == 0, good.stderr
    assert "model parts:1 is as it was registered: 6 files" in good.stderr
    assert bad.returncode == 3
    assert "parts:1: model/part-0/0.bin has 5 bytes, 10000 were registered" in bad.stderr


@pytest.mark.docker
def test_a_container_that_runs_as_another_user_reads_a_model_of_a_private_workspace(
    engine, model, tmp_path
):
    before = os.umask(0o077)
    try:
        for path in model.rglob("*"):
            path.chmod(0o700)
        workspace = init_workspace(tmp_path / "private")
        workspace.folder.chmod(0o700)
        made = registry.register(workspace, model, name="parts")
    finally:
        os.umask(before)
    app = "/var/azureml-app"
    mounted = {
        f"{app}/azureml-models/parts/1": made.files_folder,
        f"{app}/model-manifests/parts/1.json": made.manifest_file,
    }
    mounts = [
        docker.types.Mount(target, str(source), "bind", read_only=True)
        for target, source in mounted.items()
    ]
    script = (
        "import json, hashlib, pathlib\n"
        f"app = pathlib.Path('{app}')\n"
        "files = json.loads((app / 'model-manifests/parts/1.json').read_text())['files']\n"
        "for file in files:\n"
        "    content = (app / 'azureml-models/parts/1' / file['path']).read_bytes()\n"
        "    assert hashlib.sha256(content).hexdigest() == file['sha256']\n"
        "print(len(files))"
    )

    read = engine.containers.run(
        base_image("3.11"),
        ["python", "-c", script],
        user="1000:1000",
        mounts=mounts,
        network_mode="none",
        remove=True,
    )

    assert read == b"6\n"
