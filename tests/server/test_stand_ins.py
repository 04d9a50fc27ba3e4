import json
import subprocess

import pytest

from interpreter import server_python, server_variables

PRELUDE = """
import json, os, sys
from scoredock_server import stand_ins
stand_ins.install()
"""
REQUEST = "azureml.contrib.services.aml_request"
M = "azureml-models/m"
EXTEND_PATH = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)"
NATIVE = "azureml_inference_server_http.api.aml_request"


def python(code, *, cwd=None, **variables):
    """Return what `code` prints as JSON, on the server's interpreter with the stand-ins."""
    process = subprocess.run(
        [server_python(), "-c", PRELUDE + code],
        cwd=cwd,
        env=server_variables() | variables,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(process.stdout)


def outcome(expression, imports, **settings):
    """Return what `expression` raises, its class and all bases first, or its value."""
    return python(
        f"{imports}\n"
        "try:\n"
        f"    found = {expression}\n"
        "except Exception as error:\n"
        "    names = [kind.__name__ for kind in type(error).__mro__]\n"
        "    found = [*names, str(error)]\n"
        "print(json.dumps(found))",
        **settings,
    )


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (f"import {REQUEST}", f"{REQUEST}.rawhttp"),
        (f"import {REQUEST} as m", "m.AMLRequest"),
        (f"from {REQUEST} import AMLRequest, rawhttp", "rawhttp"),
        (f"from {REQUEST} import *", "AMLRequest"),
        ("from azureml.contrib.services import aml_request", "aml_request.rawhttp"),
        ("from azureml.contrib.services import rawhttp", "rawhttp"),
        ("from azureml.contrib import services", "services.rawhttp"),
        ("import azureml.contrib.services", "azureml.contrib.services.rawhttp"),
        ("from azureml.contrib.services.aml_response import AMLResponse", "AMLResponse"),
        ("from azureml.contrib.services.aml_response import *", "AMLResponse"),
        ("from azureml.contrib.services import aml_response as r", "r.AMLResponse"),
        ("import azureml", "azureml.__path__"),
        ("import azureml_inference_server_http", "azureml_inference_server_http.__path__"),
        (f"import {NATIVE}", f"{NATIVE}.rawhttp"),
        (f"import {NATIVE} as m", "m.AMLRequest"),
        ("from azureml_inference_server_http.api import aml_request", "aml_request.rawhttp"),
        ("from azureml_inference_server_http.api.aml_response import *", "AMLResponse"),
        ("import azureml.core", "azureml.core.VERSION.lower"),
        ("from azureml.core import Model, Workspace, Run, Dataset, Environment", "Dataset.get"),
        ("from azureml.core import Experiment, Datastore, Keyvault, Webservice", "Datastore.get"),
        ("from azureml.core import *", "Model.get_model_path"),
        ("from azureml.core.model import Model, InferenceConfig", "Model.get_model_path"),
        ("import azureml.core.model as m", "m.Model"),
        ("from azureml.core.run import Run", "Run.get_context"),
        ("from azureml.core.workspace import Workspace", "Workspace.from_config"),
        ("from azureml.core.dataset import Dataset", "Dataset.Tabular.from_delimited_files"),
        ("from azureml.core.authentication import MsiAuthentication", "MsiAuthentication"),
        ("from azureml.core.webservice import AksWebservice", "AksWebservice"),
        ("from azureml.exceptions import WebserviceException", "WebserviceException"),
        ("from azureml.monitoring import ModelDataCollector", "ModelDataCollector"),
        ("import azureml.monitoring.modeldatacollector as m", "m.ModelDataCollector"),
        ("from azureml.ai.monitoring import Collector", "Collector"),
        ("from azureml.ai.monitoring.context import *", "BasicCorrelationContext().get_id"),
    ],
)
def test_every_spelling_of_an_import_works_without_azureml(statement, name):
    assert python(f"{statement}\nprint(json.dumps({name} is not None))")


def test_raw_http_works_through_the_stand_ins(serve):
    script = (
        f"import {REQUEST}\n"
        "from azureml.contrib.services.aml_response import AMLResponse\n"
        "def init(): pass\n"
        f"@{REQUEST}.rawhttp\n"
        "def run(request): return AMLResponse(request.get_data()[::-1], 203)"
    )

    answer = serve(script).wait_until_ready().score("abc")

    assert (answer.status_code, answer.text) == (203, "cba")


def test_installing_twice_adds_one_finder_and_it_is_the_last():
    code = (
        "before = list(sys.meta_path)\n"
        "stand_ins.install()\n"
        "print(json.dumps([sys.meta_path == before, sys.meta_path[-1] is stand_ins.StandInFinder]))"
    )

    assert python(code) == [True, True]


@pytest.mark.parametrize(
    "namespace",
    [
        {},
        {"code/azureml/__init__.py": EXTEND_PATH},
    ],
    ids=["PEP 420", "pkgutil"],
)
def test_an_installed_module_wins_and_what_it_lacks_is_still_there(serve, namespace):
    script = (
        "import azureml.core, azureml.contrib.services.aml_request as request\n"
        "from azureml.core.model import Model\n"
        "from azureml.contrib.services import aml_response\n"
        "from azureml.ai.monitoring import Collector\n"
        "def init(): pass\n"
        "def run(raw_data):\n"
        "    modules = [sys.modules[each.__module__] for each in (Model, Collector)]\n"
        "    return [azureml.core.REAL, 'code' in list(azureml.__path__)[0]] + [\n"
        "        'stand_ins' in each.__file__\n"
        "        for each in [azureml.core, request, aml_response, *modules]]\n"
        "import sys"
    )
    files = {"code/azureml/core/__init__.py": "REAL = 'real'", **namespace}

    answer = serve(script, files=files).wait_until_ready().score()

    assert answer.json() == ["real", True, False, True, True, True, True]


@pytest.mark.parametrize(
    ("script", "module", "package"),
    [
        ("import azureml.automl.core.shared", "azureml.automl", "azureml-train-automl-runtime"),
        (
            "from azureml.telemetry import INSTRUMENTATION_KEY",
            "azureml.telemetry",
            "azureml-telemetry",
        ),
        ("import azureml.core.compute", "azureml.core.compute", "azureml-core"),
        ("import azureml.unheard_of", "azureml.unheard_of", "PACKAGE"),
    ],
)
def test_a_module_that_we_do_not_offer_is_explained_in_one_line(serve, script, module, package):
    server = serve(script)

    assert server.exit_code() == 3
    (line,) = [line for line in server.log().splitlines() if "--keep" in line]
    assert module in line
    assert f"--keep {package} " in line


def test_a_name_that_a_stand_in_lacks_is_explained_too():
    code = (
        "try:\n"
        "    from azureml.core import NoSuchClass\n"
        "except ImportError as error:\n"
        "    print(json.dumps([sys.version_info >= (3, 7), stand_ins.explain(error)]))"
    )

    named, line = python(code)  # Python 3.6 does not name the module

    assert not named or ("NoSuchClass" in line and "--keep azureml-core" in line)


@pytest.mark.parametrize("module", ["json.absent", "absent_package", "azureml_else"])
def test_other_modules_are_not_explained(module):
    code = (
        f"try:\n    import {module}\n"
        "except ImportError as error:\n    print(json.dumps(stand_ins.explain(error)))"
    )

    assert python(code) is None


def test_asking_for_a_module_that_we_do_not_offer_is_no_error(serve):
    script = (
        "import importlib.util\n"
        "try:\n    from azureml.telemetry import log\n"
        "except ImportError:\n    log = None\n"
        "def init(): pass\n"
        "def run(raw_data): return [log, importlib.util.find_spec('azureml.telemetry')]"
    )

    assert serve(script).wait_until_ready().score().json() == [None, None]


# Where the model lies, what is asked for, AML_APP_ROOT, and the path (from the working directory).
@pytest.mark.parametrize(
    ("files", "asked", "app_root", "path"),
    [
        ([f"{M}/1/a.pkl"], "'m'", "", f"{M}/1/a.pkl"),
        ([f"{M}/1/folder/x"], "'m'", "", f"{M}/1/folder"),
        ([f"{M}/2/a", f"{M}/10/b"], "'m'", "", f"{M}/10/b"),
        ([f"{M}/2/a", f"{M}/10/b"], "'m', 2", "", f"{M}/2/a"),
        ([f"{M}/1/a", f"{M}/2/b"], "'m', version=1, _workspace=None", "", f"{M}/1/a"),
        ([f"{M}/1/a", f"{M}/latest/b"], "'m'", "", f"{M}/1/a"),
        ([f"{M}/1/a", f"{M}/.x/b"], "'m'", "", f"{M}/1/a"),
        ([f"{M}/1/a", f"{M}/1/.gitkeep"], "'m'", "", f"{M}/1/a"),
        ([f"{M}/1/.hidden"], "'m'", "", f"{M}/1/.hidden"),
        (["m"], "'m'", "", "m"),
        (["m/a"], "'m'", "", "m"),
        (["m", f"{M}/1/a"], "'m'", "", f"{M}/1/a"),
        (["m", f"{M}/1/a"], "'m', 2", "", "m"),
        ([f"app/{M}/1/a"], "'m'", "CWD/app", f"CWD/app/{M}/1/a"),
        ([f"app/{M}/1/a"], "'m'", "app", f"app/{M}/1/a"),
        (["app/x", f"{M}/1/a"], "'m'", "CWD/app", f"{M}/1/a"),
        ([f"app/{M}/1/a", "m"], "'m'", "CWD/app", f"CWD/app/{M}/1/a"),
        (["m", f"{M}/1/a"], "'m'", "CWD/app", "m"),
    ],
)
def test_a_model_is_found_where_azureml_core_finds_it(tmp_path, files, asked, app_root, path):
    lay(tmp_path, files)

    found = outcome(
        f"Model.get_model_path({asked})",
        "from azureml.core.model import Model",
        cwd=tmp_path,
        AML_APP_ROOT=app_root.replace("CWD", str(tmp_path)),
    )

    assert found == path.replace("CWD", str(tmp_path))


@pytest.mark.parametrize(
    ("files", "asked", "kinds", "words"),
    [
        ([], "'m'", ["ModelNotFoundException"], ["no model m"]),
        (["azureml-models/a/1/x"], "'m'", ["ModelNotFoundException"], ["holds a"]),
        # What azureml-core documents, and what it raises.
        (
            [f"{M}/2/a", f"{M}/10/b"],
            "'m', 3",
            ["ModelNotFoundException", "WebserviceException"],
            ["version 3", "2, 10"],
        ),
        ([f"{M}/new/a"], "'m'", ["ModelNotFoundException"], ["no folder named by a number"]),
        (
            [f"{M}/1/a", f"{M}/1/b"],
            "'m'",
            ["WebserviceException"],
            ["a, b"],
        ),
        ([f"{M}/1/"], "'m'", ["WebserviceException"], ["nothing"]),
        ([], "'m', '1'", ["WebserviceException"], ["int", "'1'"]),
        ([], "None", ["WebserviceException"], ["model_name"]),
    ],
)
def test_a_model_that_is_not_there_is_told_with_what_is(tmp_path, files, asked, kinds, words):
    lay(tmp_path, files)

    *raised, message = outcome(
        f"Model.get_model_path({asked})", "from azureml.core.model import Model", cwd=tmp_path
    )

    assert {*kinds, "AzureMLException"} <= set(raised)
    assert all(word in message for word in words)


def lay(folder, files):
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            (folder / name).mkdir()
        else:
            (folder / name).touch()


def test_a_script_finds_its_model_in_the_volume(serve):
    script = (
        "from azureml.core.model import Model\n"
        "def init(): global text; text = open(Model.get_model_path('m')).read()\n"
        "def run(raw_data): return text"
    )
    server = serve(script, models={"m/1/a.txt": "old", "m/2/a.txt": "new"}).wait_until_ready()

    assert server.score().json() == "new"


@pytest.mark.parametrize(
    ("use", "name"),
    [
        ("Workspace.from_config()", "Workspace.from_config()"),
        ("Workspace('id', 'group', 'name')", "Workspace()"),
        ("Model(None, 'm')", "Model()"),
        ("Model.deploy(None, 'x', [])", "Model.deploy()"),
        ("Dataset.Tabular.from_delimited_files('x')", "Dataset.Tabular.from_delimited_files()"),
        ("Run(None, 'x')", "Run()"),
        ("get_run(None, 'x')", "get_run()"),
        ("type('Mine', (Datastore,), {})()", "Mine()"),
    ],
)
def test_what_needs_azure_says_so_when_it_is_used(use, name):
    *raised, message = outcome(use, "from azureml.core import *")

    assert {"UserErrorException", "AzureMLException"} <= set(raised)
    assert name in message
    assert "AZUREML_MODEL_DIR" in message
    assert "--keep azureml-core" in message


def test_what_needs_azure_can_be_named_without_being_used():
    code = (
        "from typing import List, Optional\n"
        "from azureml.core import Workspace\n"
        "def connect(name: Optional[Workspace] = None) -> List[Workspace]: pass\n"
        "connect_later = Workspace.from_config\n"
        "print(json.dumps([isinstance(1, Workspace), hasattr(Workspace, '__origin__')]))"
    )

    assert python(code) == [False, False]


def test_a_run_outside_of_azure_takes_metrics_and_has_no_experiment():
    code = (
        "from azureml.core import Run\n"
        "run = Run.get_context()\n"
        "run.log('accuracy', 0.5)\n"
        "with run.child_run() as child: child.tag('a', value='b')\n"
        "print(json.dumps([run.id.split('_')[0], hasattr(run, 'experiment')]))"
    )

    assert python(code) == ["OfflineRun", False]
    raised = outcome("Run.get_context(allow_offline=False)", "from azureml.core import Run")
    assert "RunEnvironmentException" in raised


def test_an_exception_has_its_message_and_the_common_base():
    found = outcome(
        "[str(e), e.message, e.inner_exception, isinstance(e, AzureMLException)]",
        "from azureml.exceptions import *\nfrom azureml.exceptions import ModelNotFoundException\n"
        "e = ModelNotFoundException('gone', inner_exception='why', target='x')",
    )

    assert found == ["gone", "gone", "why", True]
