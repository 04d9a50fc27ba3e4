"""An environment on this machine, made from the same files as the image's environment."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from scoredock.deployment import Deployment, Plan
from scoredock.errors import EngineError, LockError
from scoredock.paths import CONTEXT, state
from scoredock.reach import authorities_file
from scoredock.resolve import ResolvedEnvironment

# Of what the installers say: the steps, and what pip, uv and conda do that takes long.
_WORTH_TELLING = ("==> ", "Collecting", "Downloading", "Installing", "Resolved")


def find_interpreter(python_version: str) -> str | None:
    """Return an interpreter of version X.Y: on PATH, under pyenv, or the one that runs the kit."""
    if not python_version or python_version == "{}.{}".format(*sys.version_info):
        return sys._base_executable  # type: ignore[attr-defined,no-any-return] # not the venv's own
    if (found := shutil.which(f"python{python_version}")) and _runs(found):
        return found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    names = sorted(pyenv.glob(f"{python_version}.*/bin/python"), key=_natural)
    return str(names[-1]) if names else None


def _runs(interpreter: str) -> bool:
    """Tell it from one of pyenv's shims whose version is not chosen."""
    return not subprocess.run([interpreter, "-c", ""], capture_output=True, check=False).returncode


def _natural(path: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", str(path))]


def environment_command(
    prefix: Path,
    *,
    env: ResolvedEnvironment,
    interpreter: str,
    python_version: str,
    conda_file: Path,
    locked: Path | None = None,
    ca_file: Path | None = None,
    pip_config: Path | None = None,
    network: bool = False,
) -> list[str]:
    """Return the command that makes the environment: what docker/Dockerfile runs in an image."""
    command = [sys.executable, str(CONTEXT / "install" / "create_environment.py")]
    command += ["--prefix", str(prefix), "--interpreter", interpreter]
    command += ["--python-version", python_version, "--installer", env.installer]
    command += ["--pip", env.pip_requirement, "--conda-file", str(conda_file)]
    command += ["--server", str(CONTEXT / "server")]
    for name in env.keep:
        command += ["--keep", name]
    if locked:
        command += ["--locked", str(locked)]
    if ca_file:
        command += ["--ca-file", str(ca_file)]
    if pip_config:
        command += ["--pip-config", str(pip_config)]
    if network:
        # From standard input, because it may hold credentials.
        command += ["--network", "/dev/stdin"]
    return command


def prepare_planned(
    deployment: Deployment, planned: Plan, *, report: Callable[[str], None], locked: str = ""
) -> Path:
    """Return the folder of a deployment's environment; see prepare()."""
    with authorities_file(deployment.ca_file, deployment.network.ca) as ca_file:
        return prepare(
            planned.env,
            planned.rendered["conda_dependencies.yml"],
            report=report,
            ca_file=ca_file,
            pip_config=deployment.pip_config,
            network=deployment.network.secret(),
            locked=locked,
        )


def prepare(
    env: ResolvedEnvironment,
    conda_text: str,
    *,
    report: Callable[[str], None],
    ca_file: Path | None = None,
    pip_config: Path | None = None,
    network: str = "",
    locked: str = "",
) -> Path:
    """Return the environment's folder; it is made at the first call and whenever it changes.

    `locked` are the exact packages of a lock. Raises LockError where this machine does not have
    their Python, and EngineError with the last lines of the installer. A folder that is not whole
    is removed.
    """
    interpreter, python_version = _choose_interpreter(env, report)
    if locked and python_version != env.python_version:
        raise LockError(
            f"the lock is for Python {env.python_version}, which this machine does not have",
            hint=f"install python{env.python_version}, use --runtime docker, or leave out --locked",
        )
    prefix = state("environments", _key(conda_text + locked, interpreter, env))
    finished = prefix / ".finished"
    if finished.exists():
        return prefix
    prefix.parent.mkdir(parents=True, exist_ok=True)
    conda_file = prefix.with_suffix(".yml")
    conda_file.write_text(conda_text, encoding="utf-8")
    lock_file = prefix.with_suffix(".json")
    if locked:
        lock_file.write_text(locked, encoding="utf-8")
    command = environment_command(
        prefix,
        env=env,
        interpreter=interpreter,
        python_version=python_version,
        conda_file=conda_file,
        locked=lock_file if locked else None,
        ca_file=ca_file,
        pip_config=pip_config,
        network=bool(network),
    )
    kind = "a conda environment" if env.installer == "conda" else "a virtual environment"
    report(f"making {kind} in {prefix}")
    shutil.rmtree(prefix, ignore_errors=True)
    try:
        _run_installer(command, report, network)
        finished.touch()
    except BaseException:
        shutil.rmtree(prefix, ignore_errors=True)
        conda_file.unlink(missing_ok=True)
        lock_file.unlink(missing_ok=True)
        raise
    return prefix


def _choose_interpreter(env: ResolvedEnvironment, report: Callable[[str], None]) -> tuple[str, str]:
    if env.installer == "none":
        return env.interpreter, ""
    if env.installer == "conda":  # brings its own
        return sys.executable, env.python_version
    interpreter = find_interpreter(env.python_version)
    if interpreter:
        return interpreter, env.python_version
    here = "{}.{}".format(*sys.version_info)
    report(
        f"the spec asks for Python {env.python_version}, which this machine does not have: using "
        f"{here}; install python{env.python_version}, or use Docker, for the spec's own"
    )
    return find_interpreter("") or sys.executable, here


def _key(conda_text: str, interpreter: str, env: ResolvedEnvironment) -> str:
    made_from = [interpreter, env.installer, env.pip_requirement, *env.keep, conda_text]
    digest = hashlib.sha256("\0".join(made_from).encode())
    for folder in ("server", "install"):
        for path in sorted((CONTEXT / folder).rglob("*")):
            if path.suffix in (".py", ".toml"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _run_installer(command: list[str], report: Callable[[str], None], given: str) -> None:
    lines: list[str] = []
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    with process:
        try:
            # One that has ended already says why in its output.
            with suppress(BrokenPipeError), process.stdin:  # type: ignore[union-attr] # it is a pipe
                process.stdin.write(given)  # type: ignore[union-attr]
            for line in process.stdout or ():
                lines.append(line.rstrip())
                if line.startswith(_WORTH_TELLING):
                    report(line.removeprefix("==> ").split(" (from ")[0].rstrip()[:100])
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise EngineError("the environment could not be made", command=command, log=lines[-20:])
