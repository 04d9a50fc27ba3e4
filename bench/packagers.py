"""The packagers that are compared: each writes the Dockerfile that its users get from it."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIGITS = ROOT / "examples" / "digits"
MODEL = DIGITS / "models" / "sklearn_mnist" / "1" / "sklearn_mnist_model.pkl"
PACKAGES = ["joblib==1.5.2", "numpy>=2,<3", "scikit-learn==1.7.2"]


@dataclass
class Project:
    """What is built: `context` and `dockerfile` are set by the packager, below `folder`."""

    folder: Path
    base: str
    packages: list[str] = field(default_factory=lambda: list(PACKAGES))
    context: Path = Path()
    dockerfile: Path = Path()


class Packager:
    """Writes the build context of a project; `note` says what had to be changed for this bench."""

    name = ""
    requirements: tuple[str, ...] = ()
    note = ""
    code = ""  # the user's file, in the context

    def install(self, peers: Path) -> None:
        """Install the peer in a virtual environment of its own, unless it is there."""
        self.bin = peers / self.name.lower() / "bin"
        if self.requirements:
            install(self.bin.parent, self.requirements)

    def write(self, project: Project) -> None:
        """Write the context from nothing."""
        raise NotImplementedError

    def edit_code(self, project: Project) -> None:
        """Change a line of the user's code."""
        with (project.context / self.code).open("a") as file:
            file.write("# changed\n")

    def add_package(self, project: Project, requirement: str) -> None:
        """Add a package to what is required, and write again what is made from that."""
        project.packages.append(requirement)
        with (project.context / "requirements.txt").open("a") as file:
            file.write(requirement + "\n")


class Scoredock(Packager):
    """This kit: the context that `scoredock render --output` writes."""

    name = "scoredock"
    code = "code/score.py"

    def write(self, project: Project) -> None:
        project.context = project.folder / "context"
        project.dockerfile = project.context / "Dockerfile"
        self._render(project)

    def _render(self, project: Project) -> None:
        spec = project.folder / "spec"
        spec.mkdir(parents=True, exist_ok=True)
        pip = {"pip": ["azureml-defaults", *project.packages]}
        environment = {"name": "digits", "docker": {"baseImage": project.base}}
        (spec / "azureml_environment.json").write_text(json.dumps(environment))
        (spec / "conda_dependencies.yml").write_text(
            json.dumps({"dependencies": ["python=3.11", "pip", pip]})
        )
        command = [Path(sys.executable).parent / "scoredock", "render", "--spec", spec]
        command += ["--source", DIGITS, "--models", DIGITS / "models"]
        _run([str(word) for word in [*command, "--output", project.context]])

    def add_package(self, project: Project, requirement: str) -> None:
        edited = (project.context / self.code).read_text()
        project.packages.append(requirement)
        self._render(project)
        (project.context / self.code).write_text(edited)


class Mlflow(Packager):
    """`mlflow models generate-dockerfile` of a saved model with its code."""

    name = "MLflow"
    requirements = ("mlflow==3.17.2", *PACKAGES)
    note = "generate-dockerfile --env-manager local; FROM python:3.11.x-slim is the base instead."
    code = "model_dir/model/code/score.py"

    def write(self, project: Project) -> None:
        model = project.folder / "model"
        save = (
            "import joblib, mlflow, sys; mlflow.sklearn.save_model(joblib.load(sys.argv[1]),"
            " sys.argv[2], pip_requirements=['mlflow', *sys.argv[4:]], code_paths=[sys.argv[3]],"
            " serialization_format='cloudpickle')"
        )
        entry = DIGITS / "score.py"
        project.folder.mkdir(parents=True)
        _run([self.bin / "python", "-c", save, MODEL, model, entry, *PACKAGES])
        project.context = project.folder / "context"
        generate = [self.bin / "mlflow", "models", "generate-dockerfile", "--env-manager", "local"]
        _run([*generate, "-m", model, "-d", project.context])
        project.dockerfile = project.context / "Dockerfile"
        _replace_base(project)

    def add_package(self, project: Project, requirement: str) -> None:
        project.packages.append(requirement)
        model = project.context / "model_dir" / "model"
        with (model / "requirements.txt").open("a") as file:
            file.write("\n" + requirement + "\n")
        text = (model / "conda.yaml").read_text()
        (model / "conda.yaml").write_text(
            text.replace("  - mlflow", f"  - {requirement}\n  - mlflow", 1)
        )


class Bentoml(Packager):
    """`bentoml build` of a service with one API."""

    name = "BentoML"
    requirements = ("bentoml==1.4.40", *PACKAGES)
    note = "bentoml build, its env/docker/Dockerfile; FROM python:3.11-slim is the base instead."
    code = "src/service.py"

    SERVICE = """\
import bentoml, joblib, numpy as np
from pathlib import Path

image = bentoml.images.Image(python_version="3.11", distro="debian").python_packages({packages})

@bentoml.service(image=image)
class Digits:
    def __init__(self):
        self.model = joblib.load(Path(__file__).parent / "model.pkl")

    @bentoml.api
    def score(self, data: list) -> list:
        return self.model.predict(np.array(data)).tolist()
"""

    def write(self, project: Project) -> None:
        source = project.folder / "source"
        source.mkdir(parents=True, exist_ok=True)
        packages = ", ".join(map(repr, project.packages))
        (source / "service.py").write_text(self.SERVICE.format(packages=packages))
        shutil.copy(MODEL, source / "model.pkl")
        home = project.folder / f"home-{len(project.packages)}"
        variables = [f"BENTOML_HOME={home}", "BENTOML_DO_NOT_TRACK=True"]
        _run(["env", *variables, self.bin / "bentoml", "build", source])
        project.dockerfile = next(home.glob("bentos/digits/*/env/docker/Dockerfile"))
        project.context = project.dockerfile.parents[2]
        _replace_base(project)

    def add_package(self, project: Project, requirement: str) -> None:
        edited = (project.context / self.code).read_text()
        project.packages.append(requirement)
        self.write(project)
        code = (project.context / self.code).read_text()
        (project.context / self.code).write_text(code + edited[-len("# changed\n") :])


class Mlserver(Packager):
    """`mlserver dockerfile` of a folder with the scikit-learn runtime and a file of one's own."""

    name = "MLServer"
    requirements = ("mlserver==1.7.1", "mlserver-sklearn==1.7.1")
    note = (
        "mlserver dockerfile without its conda stage, which no file here asks for (its base image"
        " has no stand-in); FROM seldonio/mlserver:1.7.1-slim is the base with pip install"
        " mlserver mlserver-sklearn, and hack/build-env.sh the pip install that it does."
    )
    code = "score.py"

    def write(self, project: Project) -> None:
        project.context = project.folder / "context"
        project.context.mkdir(parents=True)
        shutil.copy(MODEL, project.context / "model.joblib")
        shutil.copy(DIGITS / "score.py", project.context)
        (project.context / "requirements.txt").write_text("\n".join(project.packages) + "\n")
        settings = {
            "name": "digits",
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": "./model.joblib"},
        }
        (project.context / "model-settings.json").write_text(json.dumps(settings))
        _run([self.bin / "mlserver", "dockerfile", project.context])
        project.dockerfile = project.context / "Dockerfile"
        self._adapt(project)

    def _adapt(self, project: Project) -> None:
        final = project.dockerfile.read_text().partition("\nFROM seldonio/")[2].partition("\n")[2]
        from_builder = re.compile(
            r"COPY \\\n\s+--chown=1000 \\\n\s+--from=env-builder(.|\n)*?base\.tar\.gz\n"
        )
        final = from_builder.sub("", final, count=1)
        final = final.replace("./hack/build-env.sh .", "pip install -r requirements.txt")
        server = f"RUN pip install {' '.join(self.requirements)}\nWORKDIR /opt/mlserver\n"
        project.dockerfile.write_text(f"FROM {project.base}\n{server}{final}")


def install(environment: Path, requirements: tuple[str, ...]) -> None:
    """Make a virtual environment of the requirements, unless it is there."""
    stamp = environment / "installed"
    if stamp.exists() and stamp.read_text() == "\n".join(requirements):
        return
    _run([sys.executable, "-m", "venv", "--clear", environment])
    _run([environment / "bin" / "python", "-m", "pip", "install", "-q", *requirements])
    stamp.write_text("\n".join(requirements))


def _replace_base(project: Project) -> None:
    text = project.dockerfile.read_text()
    replaced = re.sub(r"(?m)^FROM python:\S+", f"FROM {project.base}", text)
    if replaced == text:
        sys.exit(f"error: {project.dockerfile} has no FROM python: line any more:\n{text}")
    project.dockerfile.write_text(replaced)


def _run(command: list[object]) -> None:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stdout[-3000:]}{done.stderr[-3000:]}\nerror: {command} failed")


# The first is what the others are compared with.
PACKAGERS = [Scoredock(), Mlflow(), Bentoml(), Mlserver()]
