"""Services of a workspace, as a program sees them: what they are, and in which state."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from scoredock.sdk.errors import WebserviceException, raised_as
from scoredock.sdk.filters import Filters
from scoredock.sdk.operations import Operation
from scoredock.sdk.workspace import Workspace
from scoredock.webservice.lifecycle import Services
from scoredock.webservice.record import ServiceRecord, check_name

_COMPUTE: Final = "Local"
# What goes on in this program, by workspace and service: every object of a service knows of it.
_going_on: dict[tuple[Path, str], Operation] = {}


class Webservice:
    """A service. Whatever is asked of it is looked up then: nothing here is a memory."""

    compute_type = _COMPUTE

    def __new__(cls, *_: Any, **__: Any) -> "Webservice":
        """Make the one kind that there is."""
        from scoredock.sdk.local_webservice import LocalWebservice

        return super().__new__(LocalWebservice if cls is Webservice else cls)

    def __init__(self, workspace: Workspace, name: str) -> None:
        """Find a service by its name. Raises WebserviceException where there is none."""
        with raised_as(WebserviceException):
            self.name = check_name(name)
        self.workspace = workspace
        self._services = Services(workspace.folder)
        self._is_deleted = False
        self._was_there = self.record is not None or self._operation is not None

    # --- what is known of it ---

    @property
    def record(self) -> ServiceRecord | None:
        """What the workspace has of it, or None where it has nothing."""
        if self.name not in self._services.names():
            return None
        with raised_as(WebserviceException):
            return self._services.get(self.name)

    @property
    def state(self) -> str:
        """`running`, `failed`, `deploying`, `deleted`, or `unknown` where it has never been."""
        if self._is_deleted:
            return "deleted"
        operation = self._operation
        if operation and operation.is_running:
            return "deploying"
        if self.record is None:
            if operation and operation.has_failed:
                return "failed"
            return "deleted" if self._was_there else "unknown"
        with raised_as(WebserviceException):
            return self._services.state(self.name)

    @property
    def error(self) -> str | None:
        """Why the last deployment or update did not come to serve."""
        record, operation = self.record, self._operation
        if record and record.error:
            return record.error
        return operation.error if operation else None

    @property
    def port(self) -> str | None:
        """Its port on this machine, as text; None before there is one."""
        record = self.record
        return str(record.port) if record else None

    @property
    def scoring_uri(self) -> str | None:
        """Where to POST; None before there is such a place."""
        record = self.record
        return record.scoring_uri if record else None

    @property
    def swagger_uri(self) -> str | None:
        """Where the service describes itself."""
        uri = self.scoring_uri
        return uri.removesuffix("/score") + "/swagger.json" if uri else None

    @property
    def tags(self) -> dict[str, str]:
        """The service's tags, as a copy."""
        record = self.record
        return dict(record.tags) if record else {}

    @property
    def properties(self) -> dict[str, str]:
        """None: services have tags."""
        return {}

    @property
    def description(self) -> str:
        """A sentence about it."""
        record = self.record
        return record.description if record else ""

    @property
    def created_time(self) -> datetime | None:
        """When it was first deployed."""
        record = self.record
        return datetime.fromisoformat(record.created) if record else None

    @property
    def updated_time(self) -> datetime | None:
        """When that began which serves now."""
        record = self.record
        serving = record and record.current and record.serving
        return datetime.fromisoformat(serving.created) if serving else self.created_time

    @property
    def image_id(self) -> str | None:
        """The image that serves, or the environment's folder."""
        record = self.record
        return record.serving.environment if record and record.current else None

    @property
    def models(self) -> list[str]:
        """What is served, as NAME:VERSION; version 0 is not registered."""
        record = self.record
        serving = record.serving.models if record and record.current else ()
        return [f"{model.name}:{model.version}" for model in serving]

    def serialize(self) -> dict[str, Any]:
        """Return all that is known of it, by the reference's keys."""
        created, updated = self.created_time, self.updated_time
        return {
            "name": self.name,
            "tags": self.tags,
            "properties": self.properties,
            "state": self.state,
            "createdTime": created.isoformat() if created else None,
            "updatedTime": updated.isoformat() if updated else None,
            "error": self.error,
            "computeType": self.compute_type,
            "workspaceName": self.workspace.name,
            "imageId": self.image_id,
            "scoringUri": self.scoring_uri,
            "swaggerUri": self.swagger_uri,
            "port": self.port,
        }

    @staticmethod
    def list(
        workspace: Workspace,
        compute_type: str | None = None,
        image_name: str | None = None,
        image_id: str | None = None,
        model_name: str | None = None,
        model_id: str | None = None,
        tags: Filters = None,
        properties: Filters = None,
    ) -> "Sequence[Webservice]":
        """Return the services that fit, by name, in whatever state they are."""
        if (compute_type or _COMPUTE).lower() != _COMPUTE.lower() or image_name or properties:
            return []  # all are local, no image is in a registry, and no service has properties
        found = [Webservice(workspace, name) for name in Services(workspace.folder).names()]
        return [
            each
            for each in found
            if each._serves(model_name, model_id)
            and image_id in (None, each.image_id)
            and all(each._has(tag) for tag in tags or ())
        ]

    def _serves(self, model_name: str | None, model_id: str | None) -> bool:
        names = [model.split(":")[0] for model in self.models]
        return (model_name is None or model_name in names) and (
            model_id is None or model_id in self.models
        )

    def _has(self, tag: str | Sequence[str]) -> bool:
        key, *value = [tag] if isinstance(tag, str) else tag
        return key in self.tags and value in ([], [self.tags[key]])

    @property
    def _operation(self) -> Operation | None:
        return _going_on.get(self._key)

    @property
    def _key(self) -> tuple[Path, str]:
        return (self.workspace.folder, self.name)

    def _begin(self, operation: Operation | None) -> None:
        """Let every object of this service know of what goes on with it."""
        self._was_there = True
        if operation is None:
            _going_on.pop(self._key, None)
        else:
            _going_on[self._key] = operation

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, state={self.state!r})"
