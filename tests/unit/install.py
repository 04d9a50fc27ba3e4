"""The modules of docker/install, as the programs there import them: each by its bare name."""

import importlib
import sys

from support import ROOT

sys.path.append(str(ROOT / "docker" / "install"))

bytecode = importlib.import_module("bytecode")
conda_packages = importlib.import_module("conda_packages")
lock = importlib.import_module("lock")
network = importlib.import_module("network")
parts = importlib.import_module("parts")
requirements = importlib.import_module("requirements")
tools = importlib.import_module("tools")
trim = importlib.import_module("trim")
