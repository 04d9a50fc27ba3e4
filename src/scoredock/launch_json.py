"""The attach configuration of VS Code for a service: .vscode/launch.json."""

import json
from pathlib import Path
from typing import Any

_VERSION = "0.2.0"


def attach_configuration(
    name: str, *, port: int, source: Path, remote: str, workspace: Path
) -> dict[str, Any]:
    """Return the configuration; `source` is served as the folder `remote`.

    Pure. Where `source` lies in the workspace, its path holds for everybody who has a copy of it.
    """
    local = str(source)
    if source.is_relative_to(workspace):
        inside = source.relative_to(workspace).as_posix()
        local = "${workspaceFolder}" + ("" if inside == "." else f"/{inside}")
    return {
        "name": f"scoredock: {name}",
        "type": "debugpy",
        "request": "attach",
        "connect": {"host": "127.0.0.1", "port": port},
        "pathMappings": [{"localRoot": local, "remoteRoot": remote}],
        # After an edit that is loaded anew, attach to the new server.
        "restart": True,
    }


def write_launch_json(configuration: dict[str, Any], workspace: Path, *, instead: Path) -> Path:
    """Put the configuration into the workspace's launch.json; return the file that has it.

    That is `instead` where the workspace's file has comments, or a configuration of this name that
    says something else, or cannot be written: a person's own file is never changed but by an
    addition.
    """
    file = workspace / ".vscode" / "launch.json"
    text = _with(configuration, file)
    if text is not None:
        try:
            file.parent.mkdir(exist_ok=True)
            if not file.is_file() or file.read_text(encoding="utf-8") != text:
                file.write_text(text, encoding="utf-8")
        except OSError:  # a folder that this user may only read
            pass
        else:
            return file
    instead.parent.mkdir(parents=True, exist_ok=True)
    instead.write_text(_text({"version": _VERSION, "configurations": [configuration]}))
    return instead


def _with(configuration: dict[str, Any], file: Path) -> str | None:
    """Return the file's text with the configuration in it; None where that is not to be had."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _text({"version": _VERSION, "configurations": [configuration]})
    except (OSError, UnicodeDecodeError):
        return None
    try:
        data = json.loads(text)
    except ValueError:
        return None
    found = data.setdefault("configurations", []) if isinstance(data, dict) else None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        return None
    named = [each for each in found if each.get("name") == configuration["name"]]
    if named:
        return text if configuration in named else None
    found.append(configuration)
    return _text(data)


def _text(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=4, ensure_ascii=False) + "\n"
