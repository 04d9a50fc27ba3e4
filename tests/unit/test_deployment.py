import json

import pytest

from scoredock.deployment import Deployment, deployment, plan, reach
from scoredock.errors import SpecError
from scoredock.network import NETWORK_FILE
from scoredock.webservice.asked import to_be_made

from .builders import SPEC


@pytest.mark.parametrize(("image", "heard"), [("mine", False), ("${BASE_IMAGE}", True)])
def test_a_base_image_that_the_specs_own_dockerfile_does_not_take_is_noted(
    write_spec, digits, image, heard
):
    spec = write_spec(json.loads(SPEC) | {"docker": {"baseDockerfile": f"FROM {image}\n"}})
    wanted = Deployment(
        spec=spec, source=digits, entry_script="score.py", models=digits, base_image="other:1"
    )
    notes = []

    planned = plan(wanted, warn=notes.append, note=notes.append)

    lines = [line for line in notes if "--base-image (BASE_IMAGE) other:1 has no effect" in line]
    assert len(lines) == (0 if heard else 1)
    assert all("write FROM ${BASE_IMAGE} there" in line for line in lines)
    assert ("ARG BASE_IMAGE" in planned.rendered["Dockerfile"]) == heard


def test_waiting_for_a_debugger_needs_one_that_is_let_in(digits):
    options = {"spec": digits, "source": digits, "entry_script": "score.py", "models": digits}

    with pytest.raises(SpecError, match="--debug-wait: expected --debug with it, found none"):
        deployment(**options, debug=False, debug_wait=True)
    assert deployment(**options, debug=True, debug_wait=True).debug_wait


def test_network_settings_beside_the_environment_of_a_service_are_in_no_image(tmp_path):
    (tmp_path / "azureml_environment.json").write_text("{}")
    (tmp_path / NETWORK_FILE).write_text("http_proxy: http://p.example.com\n")

    made = reach(to_be_made(tmp_path))

    assert made.network.http_proxy == "http://p.example.com"
