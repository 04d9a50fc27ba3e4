from pathlib import Path

import pytest

from scoredock.compose import compose_command, run_compose
from scoredock.errors import EngineError
from scoredock.paths import COMPOSE_FILE


def test_compose_is_called_with_the_shipped_file():
    command = compose_command("up", "--detach")

    assert command == ["docker", "compose", "--file", str(COMPOSE_FILE), "up", "--detach"]


def test_overlays_stand_after_it_and_are_there():
    command = compose_command("up", overlays=["debug", "watch"])

    files = [Path(each) for each in command[3::2][:3]]
    assert [file.name for file in files] == [
        "compose.yaml",
        "compose.debug.yaml",
        "compose.watch.yaml",
    ]
    assert all(file.is_file() for file in files)
    assert command[-1] == "up"


def test_variables_are_in_the_environment_of_the_command_and_win(monkeypatch, tmp_path):
    monkeypatch.setenv("PORT", "of the host")
    monkeypatch.setenv("OTHER", "of the host")
    written = tmp_path / "written"

    run_compose(["sh", "-c", f'echo "$PORT, $OTHER" >{written}'], {"PORT": "6789"})

    assert written.read_text() == "6789, of the host\n"


def test_a_command_that_fails_is_an_engine_error_with_its_last_words():
    command = ["sh", "-c", "seq 30; echo no such image >&2; exit 1"]

    with pytest.raises(EngineError) as caught:
        run_compose(command, {})

    assert caught.value.command == tuple(command)
    assert caught.value.log == (*map(str, range(12, 31)), "no such image")


def test_an_engine_without_gpus_is_told_from_other_failures():
    said = 'could not select device driver "nvidia" with capabilities: [[gpu]]'

    with pytest.raises(EngineError) as caught:
        run_compose(["sh", "-c", f"echo '{said}'; exit 1"], {})
    with pytest.raises(EngineError) as other:
        run_compose(["false"], {})

    assert "take docker.gpuSupport" in caught.value.hint
    assert "scoredock doctor" in other.value.hint
