"""What `service deploy --dry-run` prints: what would be served, as far as files tell."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scoredock.context import find_code
from scoredock.deployment import Deployment
from scoredock.output import note, print_json, print_table, warn
from scoredock.webservice.environment import plan_environment
from scoredock.webservice.lifecycle import Services
from scoredock.webservice.record import ServiceError
from scoredock.webservice.wanted import Code, LocalModel, Wanted
from scoredock.workspace import Workspace


@contextmanager
def scratch_folder(wanted: bool) -> Iterator[Path | None]:
    """Give a folder that is gone afterwards, where one is wanted."""
    if not wanted:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def plan_data(workspace: Workspace, name: str, wanted: Wanted) -> dict[str, Any]:
    """Return what would be served; what is None would stay as it is. Raises as a deployment."""
    is_there = name in Services(workspace.folder).names()
    if not is_there and not (wanted.environment and wanted.code.source):
        missing = "an entry script" if wanted.environment else "an environment"
        raise ServiceError(f"{name}: expected {missing} to deploy, found none")
    environment: dict[str, Any] | None = None
    if isinstance(wanted.environment, Deployment):
        env = plan_environment(wanted.environment, warn=warn, note=note).env
        environment = {
            "name": env.name,
            "spec": str(wanted.environment.spec),
            "python": env.python_version,
            "installer": env.installer,
        }
    return {
        "name": name,
        "action": "update" if is_there else "deploy",
        "environment": environment,
        "entry_script": _script(wanted.code),
        "models": None if wanted.models is None else [_model(each) for each in wanted.models],
        # Their values may be secrets.
        "variables": None if wanted.variables is None else sorted(wanted.variables),
        "bind": wanted.bind,
        "port": wanted.port,
        "start_period": wanted.start_period,
        "description": wanted.description,
        "tags": None if wanted.tags is None else dict(wanted.tags),
    }


def print_plan(data: dict[str, Any], as_json: bool) -> None:
    """Print it for a program or a person."""
    if as_json:
        print_json(data)
        return
    environment = data["environment"]
    shown = data | {
        "environment": " ".join(f"{key}={value}" for key, value in environment.items() if value)
        if environment
        else "",
        "models": ", ".join(data["models"] or ()),
        "variables": ", ".join(data["variables"] or ()),
        "tags": " ".join(f"{key}={value}" for key, value in (data["tags"] or {}).items()),
    }
    print_table([(key, str(value)) for key, value in shown.items() if value])


def _script(code: Code) -> str | None:
    if code.source is None:
        return code.entry_script or None
    found = find_code(code.source, code.entry_script or "score.py", name=code.source_name)
    return f"{found.source_name}/{found.entry_script}"


def _model(model: Any) -> str:
    if isinstance(model, LocalModel):
        return f"{model.name}:{model.version} ({model.path})"
    return str(model) if isinstance(model, Path) else f"{model.name}:{model.version}"
