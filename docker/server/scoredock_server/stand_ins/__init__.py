"""Stand-ins for the azureml packages: what entry scripts import of them, without the packages.

A stand-in is an ordinary file that lies below this folder where its name says:
`azureml/core/model.py` is `azureml.core.model`. It imports what else it needs by those names too.
"""

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any, Optional

from scoredock_server.stand_ins.packages import explain, is_stood_in_for

__all__ = ["StandInFinder", "explain", "install"]

_FOLDER = os.path.dirname(os.path.abspath(__file__))


class StandInFinder:
    """Finds the stand-ins. It stands last on sys.meta_path, so an installed module wins.

    It wins module by module: where `azureml` is installed, but `azureml.contrib.services` is not,
    the latter is still found here.
    """

    @classmethod
    def find_spec(
        cls,
        fullname: str,
        path: Optional[Any] = None,  # noqa: ARG003 - the protocol's
        target: Optional[Any] = None,  # noqa: ARG003
    ) -> Optional[ModuleSpec]:
        """Return where the stand-in for the module `fullname` is, or None if there is none."""
        if not is_stood_in_for(fullname):
            return None
        parents = fullname.split(".")[:-1]
        spec = PathFinder.find_spec(fullname, [os.path.join(_FOLDER, *parents)])
        # A folder without __init__.py, as __pycache__, would be a namespace package.
        return spec if spec is not None and spec.loader is not None else None


def install() -> None:
    """Let the import statement find the stand-ins from now on; once is enough."""
    if StandInFinder not in sys.meta_path:
        sys.meta_path.append(StandInFinder)
