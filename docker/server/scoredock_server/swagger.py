"""The Swagger documents of the service: generated from the schema, or the user's own files."""

import copy
import json
import os
from typing import Any, Dict, List, NamedTuple, Optional

from scoredock_server.schema import ALL_VERSIONS, Schema
from scoredock_server.setting_kinds import SettingError
from scoredock_server.settings import Settings

# What a client may ask for, and which document that is.
_ASKED = {"2": "2", "2.0": "2", "3": "3", "3.0": "3", "3.1": "3.1"}
_VERSIONS = ["2", "3", "3.1"]
_OWN_FILES = {
    "2": ["swagger.json", "swagger2.json"],
    "3": ["swagger3.json"],
    "3.1": ["swagger3.1.json"],
}
_ANYTHING: Dict[str, Any] = {"type": "object", "example": {}}
_BEARER = {
    "Bearer": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "description": "For a gateway that checks it: the server itself does not. Bearer abc123",
    }
}
_SECURITY: List[Dict[str, List[str]]] = [{"Bearer": []}]


class SwaggerVersionError(Exception):
    """There is no document of the version that was asked for; the message is the answer."""


class Swagger(NamedTuple):
    """The documents by version (2, 3, 3.1), as JSON text."""

    documents: Dict[str, str]

    @property
    def versions(self) -> List[str]:
        """The versions that there are, in order."""
        return [version for version in _VERSIONS if version in self.documents]

    def document(self, asked: str) -> str:
        """Return the document of a version. Raises SwaggerVersionError."""
        if asked not in _ASKED:
            raise SwaggerVersionError(
                "Swagger version [{}] is not valid. Supported versions: [{}].".format(
                    asked, ", ".join(self.versions)
                )
            )
        if _ASKED[asked] not in self.documents:
            raise SwaggerVersionError(
                "Swagger version [{}] is not supported for the scoring script."
                " Supported swagger versions: [{}].".format(asked, ", ".join(self.versions))
            )
        return self.documents[_ASKED[asked]]


def prepare_swagger(schema: Optional[Schema], settings: Settings) -> Swagger:
    """Return the documents of a service. Raises SettingError for a file that is not JSON."""
    supported = schema.versions if schema else ALL_VERSIONS
    documents = {}
    for version in _VERSIONS:
        own = _own_document(version, settings.app_root)
        if own:
            documents[version] = json.dumps(own)
        elif any(_ASKED[name] == version for name in supported):
            make = _version_2 if version == "2" else _version_3
            documents[version] = json.dumps(make(version, schema, settings))
    return Swagger(documents)


def _own_document(version: str, app_root: str) -> Any:
    for name in _OWN_FILES[version]:
        path = os.path.join(app_root, name)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                content = file.read()
            try:
                return json.loads(content)
            except ValueError as error:
                raise SettingError("{}: not JSON: {}".format(path, error)) from None
    return None


def _info(settings: Settings) -> Dict[str, str]:
    return {
        "title": settings.service_name,
        "description": "How to use the scoring service {}".format(settings.service_name),
        "version": settings.service_version,
    }


def _schemas(schema: Optional[Schema]) -> Dict[str, Any]:
    given, returned = (schema.input, schema.output) if schema else (_ANYTHING, _ANYTHING)
    return {
        "ServiceInput": copy.deepcopy(given),
        "ServiceOutput": copy.deepcopy(returned),
        "ErrorResponse": {"type": "object", "properties": {"message": {"type": "string"}}},
    }


def _version_2(_version: str, schema: Optional[Schema], settings: Settings) -> Dict[str, Any]:
    def answers(body: Dict[str, Any]) -> Dict[str, Any]:
        error = {"$ref": "#/definitions/ErrorResponse"}
        return {
            "200": dict(body, description="The answer"),
            "default": {"description": "What went wrong", "schema": error},
        }

    healthy = {"schema": {"type": "string"}, "examples": {"application/json": "Healthy"}}
    payload = {
        "in": "body",
        "name": "serviceInputPayload",
        "description": "The input of run()",
        "schema": {"$ref": "#/definitions/ServiceInput"},
    }
    version = {
        "in": "query",
        "name": "version",
        "required": False,
        "type": "integer",
        "enum": [2, 3],
    }
    return {
        "swagger": "2.0",
        "info": _info(settings),
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": _BEARER,
        "paths": _paths(
            settings,
            health={"responses": answers(healthy)},
            score={
                "parameters": [payload],
                "responses": answers({"schema": {"$ref": "#/definitions/ServiceOutput"}}),
            },
            document={
                "parameters": [version],
                "responses": answers({"schema": {"type": "string"}}),
            },
        ),
        "definitions": _schemas(schema),
    }


def _version_3(version: str, schema: Optional[Schema], settings: Settings) -> Dict[str, Any]:
    def content(kind: str, body: Dict[str, Any]) -> Dict[str, Any]:
        return {"content": {kind: {"schema": body}}}

    def answers(kind: str, body: Dict[str, Any]) -> Dict[str, Any]:
        error = content("application/json", {"$ref": "#/components/schemas/ErrorResponse"})
        return {
            "200": dict(content(kind, body), description="The answer"),
            "default": dict(error, description="What went wrong"),
        }

    given = content("application/json", {"$ref": "#/components/schemas/ServiceInput"})
    given["description"] = "The input of run()"
    returned = {"$ref": "#/components/schemas/ServiceOutput"}
    which = {
        "in": "query",
        "name": "version",
        "required": False,
        "schema": {"type": "integer", "enum": [2, 3]},
    }
    return {
        "openapi": "3.1.0" if version == "3.1" else "3.0.3",
        "info": _info(settings),
        "security": _SECURITY,
        "paths": _paths(
            settings,
            health={"responses": answers("text/plain", {"type": "string", "example": "Healthy"})},
            score={"requestBody": given, "responses": answers("application/json", returned)},
            document={
                "parameters": [which],
                "responses": answers("text/plain", {"type": "string"}),
            },
        ),
        "components": {"schemas": _schemas(schema), "securitySchemes": _BEARER},
    }


def _paths(
    settings: Settings, *, health: Dict[str, Any], score: Dict[str, Any], document: Dict[str, Any]
) -> Dict[str, Any]:
    prefix = settings.service_path_prefix.strip("/")
    start = "/" + prefix if prefix else ""
    return {
        start + "/": {"get": _operation("ServiceHealthCheck", "Is the service alive?", health)},
        start + "/score": {
            "post": dict(_operation("RunMLService", "Run the model", score), security=_SECURITY)
        },
        start + "/swagger.json": {
            "get": _operation("GetSwaggerSpec", "This document, or another version of it", document)
        },
    }


def _operation(name: str, description: str, parts: Dict[str, Any]) -> Dict[str, Any]:
    return dict(parts, operationId=name, description=description)
