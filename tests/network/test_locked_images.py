"""The images that a Dockerfile of the spec's own names, locked at a mirror and built from it."""

import json
import uuid

import pytest
import yaml

from support import base_image

from .registry import push, serve_images

PASSWORD = f"s3cr3t-{uuid.uuid4().hex}"

pytestmark = pytest.mark.docker


def test_every_image_of_a_dockerfile_is_locked_and_built_from_whatever_the_mirror_has_by_then(
    scoredock, source, plain_spec, tmp_path, engine
):
    image = "registry.invalid/moving:1"
    (plain_spec / "BaseDockerfile").write_text(
        "ARG NAME=moving\nFROM registry.invalid/${NAME}:1 AS one\nFROM one\n"
        f"COPY --from={image} /usr/local/bin/python3 /opt/copied/\n"
        f"RUN --mount=from={image},target=/mounted ls /mounted/usr/local/bin/python3\n"
    )
    written = {"name": f"test-{uuid.uuid4()}"}
    (plain_spec / "azureml_environment.json").write_text(json.dumps(written))
    [bridge] = engine.networks.get("bridge").attrs["IPAM"]["Config"]
    folder = tmp_path / "registry"
    folder.mkdir()
    with serve_images(folder, bridge["Gateway"], f"user:{PASSWORD}") as (registry, docker):

        def run(command, *options):
            places = ["--spec", plain_spec, "--source", source]
            variables = {"NETWORK_REGISTRY_MIRRORS": f"registry.invalid={registry}/hub"}
            return scoredock(command, *places, *options, **variables, DOCKER_CONFIG=str(docker))

        push(engine, base_image("3.11"), f"{registry}/hub/moving:1", docker)
        locked = run("lock")

        assert locked.returncode == 0, locked.stderr
        assert "what RUN and ADD of the spec's own Dockerfile fetch is not locked" in locked.stderr
        text = (plain_spec / "scoredock.lock").read_text()
        images = yaml.safe_load(text)["images"]
        assert {name: found["found_in"] for name, found in images.items()} == {image: "registry"}
        assert registry not in text
        assert PASSWORD not in text + locked.stderr

        # Another Python than the spec asks for: it could not be built from.
        push(engine, base_image("3.8"), f"{registry}/hub/moving:1", docker)
        built = run("build", "--locked")

        assert built.returncode == 0, built.stderr
