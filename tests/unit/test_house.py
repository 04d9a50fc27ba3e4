import ast

import pytest

from scoredock.paths import CONTEXT, KIT

PACKAGE = KIT / "src" / "scoredock"

# DESIGN: a module imports only what stands before it.
ORDER = [
    "masking",
    "errors",
    "paths",
    "problems",
    "defaults",
    "conda",
    "conda_names",
    "spec",
    "schema",
    "formats",
    "numpy_one",
    "pip_packages",
    "packages",
    "remarks",
    "dockerfile_text",
    "dockerfile",
    "dockerfile_images",
    "runtime_options",
    "resolve",
    "inspection",
    "header",
    "lock",
    "apt",
    "network",
    "network_hints",
    "logins",
    "network_settings",
    "host_pip",
    "reach",
    "templates",
    "sources",
    "render",
    "blocks",
    "names",
    "dockerignore",
    "context",
    "canonical",
    "storage",
    "versions",
    "workspace",
    "meter",
    "manifest",
    "tree",
    "models",
    "registry",
    "stored",
    "exchange",
    "model_folders",
    "environments",
    "edits",
    "deployment",
    "engine",
    "build_progress",
    "image",
    "archive",
    "port",
    "compose",
    "debugger",
    "launch_json",
    "virtualenv",
    "app_root",
    "process",
    "keys",
    "client",
    "settings",
    "development",
    "service",
    "following",
    "locking",
    "verify",
    "network_check",
    "webservice",
    "direct",
    "doctor",
    "options",
    "output",
    "completion",
    "sdk",
    "commands",
    "cli",
    "__main__",
]
PURE = [
    "problems",
    "defaults",
    "conda",
    "conda_names",
    "numpy_one",
    "masking",
    "pip_packages",
    "packages",
    "remarks",
    "dockerfile_text",
    "dockerfile",
    "dockerfile_images",
    "runtime_options",
    "resolve",
    "header",
    "apt",
    "network",
    "network_hints",
    "sources",
    "render",
]
# What knows the clock, the host or the process environment.
WORLDLY = {
    "datetime",
    "getpass",
    "os",
    "platform",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "sys",
    "tempfile",
    "time",
    "uuid",
}


def imports(path):
    """Return every module that a file imports, in full; a name that is imported counts as one."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imports_of_module(module):
    """Return what a module imports, or all modules of a package together."""
    single = PACKAGE / f"{module}.py"
    paths = [single] if single.is_file() else list((PACKAGE / module).glob("*.py"))
    return set().union(*map(imports, paths))


def packages(names):
    return {name.split(".")[0] for name in names}


def test_every_module_has_its_place_in_the_order():
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

    assert sorted(ORDER) == sorted(modules | packages)


@pytest.mark.parametrize("module", ORDER)
def test_a_module_imports_only_what_comes_before_it(module):
    # The modules of a package may import one another.
    own = {f"scoredock.{name}" for name in ORDER} - {f"scoredock.{module}"}

    imported = imports_of_module(module) & own

    assert imported <= {f"scoredock.{name}" for name in ORDER[: ORDER.index(module)]}


@pytest.mark.parametrize("module", PURE)
def test_a_pure_stage_knows_neither_clock_nor_host(module):
    assert packages(imports_of_module(module)) & WORLDLY == set()


@pytest.mark.parametrize("module", ORDER)
def test_the_kit_does_not_import_the_server(module):
    assert "scoredock_server" not in packages(imports_of_module(module))


@pytest.mark.parametrize("path", sorted(CONTEXT.rglob("*.py")), ids=lambda path: path.name)
def test_the_server_does_not_import_the_kit(path):
    assert "scoredock" not in packages(imports(path))


def test_the_context_folder_is_no_package_that_would_hide_the_docker_library():
    assert (CONTEXT / "server").is_dir()
    assert not (CONTEXT / "__init__.py").exists()
