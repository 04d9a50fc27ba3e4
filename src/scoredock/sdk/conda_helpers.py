"""Helpers that the reference has beside the lists themselves."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Final

from scoredock.sdk.package_lines import merged, of_core

_TENSORFLOW: Final = "2.2.0"
_CNTK: Final = "2.7"


class ReferenceHelpers(ABC):
    """Packages by what they are for."""

    @abstractmethod
    def add_pip_package(self, pip_package: str) -> None:
        """Add a package; see CondaDependencies."""

    @abstractmethod
    def add_conda_package(self, conda_package: str) -> None:
        """Add a package; see CondaDependencies."""

    def add_tensorflow_pip_package(
        self, core_type: str = "cpu", version: str | None = None
    ) -> None:
        """Add TensorFlow of the Python index."""
        self.add_pip_package(f"{of_core('tensorflow', core_type)}=={version or _TENSORFLOW}")

    def add_tensorflow_conda_package(
        self, core_type: str = "cpu", version: str | None = None
    ) -> None:
        """Add TensorFlow of a conda channel."""
        self.add_conda_package(f"{of_core('tensorflow', core_type)}={version or _TENSORFLOW}")

    def add_cntk_package(self, core_type: str = "cpu") -> None:
        """Add CNTK of the Python index."""
        self.add_pip_package(f"{of_core('cntk', core_type)}=={_CNTK}")

    @staticmethod
    def merge_requirements(requirements: Iterable[str]) -> list[str]:
        """Return requirements with those of one name made one, all of whose conditions hold."""
        return merged(requirements)

    @staticmethod
    def sdk_origin_url() -> str:
        """Return where the cloud's SDK comes from: nowhere, since none is installed."""
        return ""
