"""What the installation itself needs: fetched by pip into a folder that is no part of the image."""

import importlib.util
import os
import subprocess
import sys
import tempfile

# By what they are imported or called as. The last PyYAML with a wheel that the pip of Python 3.6
# takes is 5.4.1.
REQUIREMENTS = {
    "rattler": "py-rattler>=0.28,<1",
    "uv": "uv>=0.8,<1",
    "yaml": "pyyaml==5.4.1" if sys.version_info < (3, 7) else "pyyaml>=6,<7",
}


def find_pip(scratch: str) -> str:
    """Return an interpreter that has pip: this one, or one that is made of it in `scratch`."""
    if importlib.util.find_spec("pip"):
        return sys.executable
    own = os.path.join(scratch, "pip")
    python = os.path.join(own, "bin", "python")
    if not os.path.exists(python) and subprocess.call([sys.executable, "-m", "venv", own]):
        sys.exit(
            "error: the interpreter {} has no pip and makes none, as the lines above tell: "
            "choose a base image whose Python has pip, or ensurepip".format(sys.executable)
        )
    return python


class Tools:
    """The tools, each fetched when it is first asked for, with the Python that runs this.

    In `cache`, where there is one, they stay until somebody empties it.
    """

    def __init__(self, environ: "dict", cache: str, scratch: str) -> None:
        self.environ = environ
        self.scratch = scratch
        version = "python{}.{}".format(*sys.version_info[:2])
        self.folder = os.path.join(cache or scratch, "tools", version)

    @property
    def pip(self) -> str:
        """An interpreter that has pip."""
        return find_pip(self.scratch)

    @property
    def uv(self) -> str:
        """The uv program."""
        return os.path.join(self._fetch("uv"), "bin", "uv")

    def module(self, name: str) -> str:
        """Return the folder that a module is imported from; empty where it is installed already."""
        return "" if importlib.util.find_spec(name) else self._fetch(name)

    def _fetch(self, name: str) -> str:
        folder = os.path.join(self.folder, REQUIREMENTS[name])
        if not os.path.isdir(folder):
            os.makedirs(self.folder, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
                target = os.path.join(scratch, name)
                command = [self.pip, "-m", "pip", "install", "--quiet", "--target", target]
                status = subprocess.call(command + [REQUIREMENTS[name]], env=self.environ)
                if status:
                    sys.exit(status)
                try:
                    os.rename(target, folder)
                except OSError:  # another build was faster
                    if not os.path.isdir(folder):
                        raise
        return folder
