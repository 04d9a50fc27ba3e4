"""An environment of this machine without a server in it: a score, or a shell."""

import hashlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from scoredock import virtualenv
from scoredock.app_root import make_link, model_dir
from scoredock.context import check_models
from scoredock.deployment import Deployment, Plan, Report
from scoredock.errors import EngineError, ScoredockError
from scoredock.lock import Lock
from scoredock.paths import CONTEXT, state
from scoredock.process import script_variables
from scoredock.service import only_in_containers
from scoredock.webservice.lifecycle import Services

_ENTRYPOINT = ["sh", str(CONTEXT / "entrypoint.sh")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An environment, and where its entry script and its models are; `what` says it in words."""

    what: str
    app_root: Path
    variables: Mapping[str, str]

    @property
    def prefix(self) -> Path:
        """The environment's folder."""
        return Path(self.variables["AZUREML_CONDA_ENVIRONMENT_PATH"])


def prepare(
    deployment: Deployment, planned: Plan, *, report: Report, lock: Lock | None = None
) -> Prepared:
    """Make the environment where it is not there yet, and the folder that its script sees.

    Raises SpecError where the models are not laid out as a container has them.
    """
    check_models(deployment.models)
    for what in only_in_containers(planned.env):
        report(f"without a container {what} has no effect")
    prefix = virtualenv.prepare_planned(
        deployment, planned, report=report, locked=lock.packages if lock else ""
    )
    code = planned.code
    source, models = deployment.source.resolve(), deployment.models.resolve()
    key = hashlib.sha256(f"{code.source_name}\0{source}\0{models}".encode()).hexdigest()[:16]
    app_root = state("direct", key)
    make_link(app_root / code.source_name, source)
    make_link(app_root / "azureml-models", models)
    variables = script_variables(code, planned.env, prefix, app_root=app_root)
    models_seen = {"AZUREML_MODEL_DIR": str(model_dir(app_root / "azureml-models"))}
    return Prepared(
        what=f"{planned.env.name} with {code.source_name}/{code.entry_script}",
        app_root=app_root,
        variables=models_seen | variables,
    )


def of_service(workspace: Path, name: str) -> Prepared:
    """Return what a service without Docker runs in. Raises ServiceError where there is none."""
    app_root, variables = Services(workspace).on_this_machine(name)
    return Prepared(what=f"the environment of {name}", app_root=app_root, variables=variables)


def score(prepared: Prepared, files: Sequence[str]) -> None:
    """Print what the script answers to each file, `-` is standard input; no port is opened.

    Raises ScoredockError where an answer is none of 2xx, EngineError where the script cannot be
    loaded or its init() fails; the log, on standard error, says why.
    """
    names = [name if name == "-" else str(Path(name).absolute()) for name in files]
    command = [*_ENTRYPOINT, "--score", *names]
    done = subprocess.run(command, env=dict(prepared.variables), cwd=prepared.app_root, check=False)
    if done.returncode == 1:
        raise ScoredockError(
            f"{prepared.variables['AZUREML_ENTRY_SCRIPT']} did not answer with 2xx",
            hint="the lines above name the request and say why",
        )
    if done.returncode:
        raise EngineError(
            f"{prepared.variables['AZUREML_ENTRY_SCRIPT']} ended with exit code {done.returncode}",
            hint="the lines above are its log; mend the entry script or the models",
        )


def become(prepared: Prepared, command: Sequence[str]) -> NoReturn:
    """Let this process become a command in the environment, in the folder that it is in."""
    own = "VIRTUAL_ENV" if (prepared.prefix / "pyvenv.cfg").exists() else "CONDA_PREFIX"
    variables = {**prepared.variables, own: str(prepared.prefix)}
    here = ["env", f"--chdir={Path.cwd()}"]  # what runs before it expects the app root
    os.chdir(prepared.app_root)
    os.execvpe(_ENTRYPOINT[0], [*_ENTRYPOINT, *here, *command], variables)  # noqa: S606
