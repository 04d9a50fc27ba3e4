"""What the reference has for services of the cloud, and refuses for local ones as we do."""

from typing import Any

_ONLY_CLOUD = "of the cloud: a service on this machine has none"


class OnlyInTheCloud:
    """Keys, tokens, and the cloud itself."""

    def deploy_to_cloud(self, *_: Any, **__: Any) -> None:
        """Refuse: there is no cloud."""
        raise NotImplementedError("there is no cloud to deploy to")

    def get_keys(self) -> None:
        """Refuse: a service on this machine has no keys."""
        raise NotImplementedError(f"keys are {_ONLY_CLOUD}")

    def regen_key(self, key: Any) -> None:
        """Refuse: a service on this machine has no keys."""
        raise NotImplementedError(f"keys are {_ONLY_CLOUD}")

    def get_token(self) -> None:
        """Refuse: a service on this machine has no tokens."""
        raise NotImplementedError(f"tokens are {_ONLY_CLOUD}")

    @classmethod
    def deserialize(cls, *_: Any, **__: Any) -> None:
        """Refuse, as the reference does: find a service by its name."""
        raise NotImplementedError("Webservice(workspace, name) finds a service")
