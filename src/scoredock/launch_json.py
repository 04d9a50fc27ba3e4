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


def write_launch_json(configuration: dict[str, Any], workspace: Path, *, own: Path) -> Path:
    """Put the configuration into the workspace's launch.json; return the file that has it.

    That is `own` alone where the workspace's file has comments, or a person's configuration of this
    name, or cannot be written. `own` holds what was written last, which may be replaced.
    """
    file = workspace / ".vscode" / "launch.json"
    text = _with(configuration, file, replaceable=_read(own))
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(_text(_file_of(configuration)), encoding="utf-8")
    if text is None:
        return own
    try:
        file.parent.mkdir(exist_ok=True)
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
    except OSError:  # a folder that this user may only read
        return own
    return file


def _file_of(configuration: dict[str, Any]) -> dict[str, Any]:
    return {"version": _VERSION, "configurations": [configuration]}


def _read(own: Path) -> list[Any]:
    try:
        return list(json.loads(own.read_text(encoding="utf-8"))["configurations"])
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _with(configuration: dict[str, Any], file: Path, *, replaceable: list[Any]) -> str | None:
    """Return the file's text with the configuration in it; None where that is not to be had."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _text(_file_of(configuration))
    except (OSError, UnicodeDecodeError):
        return None
    try:
        data = json.loads(text)
    except ValueError:
        return None
    found = data.setdefault("configurations", []) if isinstance(data, dict) else None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        return None
    if configuration in found:
        return text
    data["configurations"] = [each for each in found if each not in replaceable]
    if any(each.get("name") == configuration["name"] for each in data["configurations"]):
        return None
    data["configurations"].append(configuration)
    return _text(data)


def _text(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=4, ensure_ascii=False) + "\n"
