"""What the reference has for services of the cloud, and refuses for local ones as we do."""

from typing import Any

_NO_KEYS = "the cloud makes keys: those of a service on this machine are in its key file"


class OnlyInTheCloud:
    """Keys, tokens, and the cloud itself."""

    def deploy_to_cloud(self, *_: Any, **__: Any) -> None:
        """Refuse: there is no cloud."""
        raise NotImplementedError("there is no cloud to deploy to")

    def get_keys(self) -> None:
        """Refuse: what keys a service on this machine has, its key file says."""
        raise NotImplementedError(_NO_KEYS)

    def regen_key(self, key: Any) -> None:
        """Refuse: what keys a service on this machine has, its key file says."""
        raise NotImplementedError(_NO_KEYS)

    def get_token(self) -> None:
        """Refuse: a service on this machine has no tokens."""
        raise NotImplementedError("tokens are of the cloud: a service on this machine has none")

    @classmethod
    def deserialize(cls, *_: Any, **__: Any) -> None:
        """Refuse, as the reference does: find a service by its name."""
        raise NotImplementedError("Webservice(workspace, name) finds a service")
