"""A service on this machine: deployed, updated, reloaded, asked for a score, deleted."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from scoredock.errors import ScoredockError
from scoredock.port import free_port
from scoredock.sdk.deployment import (
    LocalWebserviceDeploymentConfiguration,
    checked,
    configuration,
    to_serve,
)
from scoredock.sdk.errors import AzureMLException, WebserviceException, raised_as
from scoredock.sdk.inference_config import InferenceConfig
from scoredock.sdk.model import Models
from scoredock.sdk.only_in_the_cloud import OnlyInTheCloud
from scoredock.sdk.operations import Operation
from scoredock.sdk.scoring import score
from scoredock.sdk.settings import print_rest, told
from scoredock.sdk.states import allowed_in
from scoredock.sdk.webservice import Webservice
from scoredock.sdk.workspace import Workspace
from scoredock.webservice.editor import next_step
from scoredock.webservice.record import RuntimeName


class LocalWebservice(OnlyInTheCloud, Webservice):
    """A service, in Docker or as a process of this machine."""

    def __init__(self, workspace: Workspace, name: str, must_exist: bool = True) -> None:
        """Find a service; with `must_exist` False it may be one that is not there yet."""
        super().__init__(workspace, name)
        # What this object was asked to serve last; an update takes what it is not given from it.
        self._config: InferenceConfig | None = None
        self._models: Models | None = None
        self._runtime: RuntimeName = "docker"
        self._port = 0
        if must_exist:
            self.update_deployment_state(must_exist=True)

    @staticmethod
    def deploy_configuration(
        port: int | None = None, *, runtime: str | None = None
    ) -> LocalWebserviceDeploymentConfiguration:
        """Return a configuration: a port, None or 0 for any that is free; and the runtime.

        The runtime is `docker`, `process` or `auto`; without one RUNTIME says it, and then auto.
        """
        return configuration(port, runtime)

    @property
    def port(self) -> str | None:
        """Its port on this machine, as text; None before it is deployed."""
        return super().port or (str(self._port) if self._port else None)

    @property
    def scoring_uri(self) -> str | None:
        """Where to POST; None before it is deployed."""
        return super().scoring_uri or (
            f"http://localhost:{self._port}/score" if self._port else None
        )

    # --- what is served ---

    @allowed_in("deploying", "failed", "running", "unknown")
    def update(
        self,
        models: Models | None = None,
        image_config: Any = None,
        deployment_config: LocalWebserviceDeploymentConfiguration | None = None,
        wait: bool = False,
        inference_config: InferenceConfig | None = None,
    ) -> None:
        """Serve something else, and the entry script as it is now; what is None stays.

        The old one serves until the new one does, and further where that cannot be started.
        """
        if image_config is not None:
            raise WebserviceException("image_config: expected None: use inference_config")
        self._deploy(models, inference_config or self._config, deployment_config, is_update=True)
        if wait:
            self.wait_for_deployment()

    @allowed_in("deploying", "failed", "running")
    def reload(self, wait: bool = False) -> None:
        """Load the entry script anew; nothing is built, and no request is refused.

        A script that cannot be loaded is an error, and what served before still does.
        """
        self._settle()
        if self.state == "running":
            with raised_as(WebserviceException):
                self._services.reload(self.name)
            self._begin(None)
        else:
            self._deploy(None, self._config, None, is_update=True)
        if wait:
            self.wait_for_deployment()

    def wait_for_deployment(self, show_output: bool = False) -> None:
        """Return once the service takes requests; with `show_output` print what it logs meanwhile.

        Raises WebserviceException, with the service's log and how it ended, where it does not come
        to that in the time that init() may take: START_PERIOD, two minutes by default.
        """
        operation = self._operation
        if operation is None:
            self._refuse_unless_running()
            return
        if show_output:
            print("Checking container health...", flush=True)
        printed = 0
        while not operation.wait(0.3):
            printed += print_rest(self._starting_log(), printed) if show_output else 0
        operation.result()
        if show_output:
            print_rest(self._services.logs(self.name), printed)
            print(f"Local webservice is running at {self.scoring_uri}", flush=True)

    @allowed_in("deploying", "running")
    def run(self, input_data: Any) -> Any:
        """POST once and return what the answer holds: of JSON its value, else its text.

        Text and bytes are sent as they are, all else as JSON. Raises WebserviceException, with
        status and body, where the answer is not 200. Where the service has keys, the first is sent.
        """
        if self.state == "deploying":
            self.wait_for_deployment()
        record = self.record
        key_file = record.key_file if record else ""
        return score(self.scoring_uri or "", input_data, key_file=key_file)

    @allowed_in("deploying", "failed", "running")
    def get_logs(self, num_lines: int = 5000, raw: bool = False) -> str:  # noqa: ARG002
        """Return the last lines of the log, of what did not come to serve too."""
        with raised_as(WebserviceException):
            if self.state == "deploying":
                return self._starting_log()
            return self._services.logs(self.name, tail=num_lines) if self.record else ""

    @allowed_in("deploying", "failed", "running")
    def delete(
        self,
        delete_cache: bool = True,  # noqa: ARG002 - nothing is kept in one
        delete_image: bool = False,
        delete_volume: bool = True,  # noqa: ARG002 - nothing of a service is left
    ) -> None:
        """Stop the service and forget it; `delete_image` removes its image if no other needs it."""
        self._settle()
        with raised_as(WebserviceException):
            if self.record:
                self._services.delete(self.name, keep_image=not delete_image)
        self._begin(None)
        self._is_deleted = True

    @staticmethod
    def list(  # type: ignore[override] # the reference's own arguments
        workspace: Workspace,
        model_name: str | None = None,
        model_id: str | None = None,
        all: bool | None = None,  # noqa: A002
    ) -> Sequence[Webservice]:
        """Return the services that run, with `all` those too that do not."""
        found = Webservice.list(workspace, model_name=model_name, model_id=model_id)
        return [each for each in found if all or each.state == "running"]

    def update_deployment_state(self, must_exist: bool = False) -> None:
        """Look whether it is there still, with `must_exist`; the state is always looked up."""
        if must_exist and self.state in ("unknown", "deleted"):
            raise WebserviceException(
                f"WebserviceNotFound: No local container with name {self.name}",
                hint=f"there is {', '.join(self._services.names()) or 'no service'}",
            )

    # --- how ---

    def _deploy(
        self,
        models: Models | None,
        config: InferenceConfig | None,
        deployment_config: Any,
        *,
        show_output: bool = False,
        is_update: bool = False,
        debug_port: int | None = None,
    ) -> None:
        """Make the environment, and start in the background what is to be served."""
        target = checked(deployment_config)
        self._settle()
        record = self.record
        serving = record if is_update and record and record.current else None
        runtime = record.runtime if serving and record and not target.runtime else target.chosen()
        if models is None and serving is None:
            models = self._models or []
        self._port = target.port or (record.port if record else 0) or free_port()
        who = told(verbose=show_output)
        asked = to_serve(
            self.workspace,
            self.name,
            models=models,
            config=config,
            serving=serving,
            runtime=runtime,
            port=self._port,
            told=who,
            debug_port=debug_port,
        )
        self._config, self._runtime = config, runtime
        self._models = models if models is not None else self._models

        def work(copied: Callable[[], None]) -> None:
            with raised_as(WebserviceException):
                made = self._services.deploy(
                    self.name, asked, runtime=runtime, told=who, prepared=copied
                )
                if line := next_step(made, self.workspace.inner.folder):
                    who.note(line)

        operation = Operation(work, doing=f"deploying {self.name}")
        self._begin(operation)
        # The program may do with its files as it likes when this returns.
        operation.wait_for_mark()

    def _settle(self) -> None:
        """Wait for what goes on with this service; how it ends is of no interest any more."""
        if self._operation is not None:
            with suppress(AzureMLException):
                self._operation.result()

    def _refuse_unless_running(self) -> None:
        state = self.state
        if state != "running":
            why = f" {self.error}" if self.error else ""
            raise WebserviceException(
                f"Cannot call wait_for_deployment() when service is {state}.{why}"
            )

    def _starting_log(self) -> str:
        with suppress(ScoredockError):  # it is only shown: how it ends, the deployment says
            return self._services.starting_log(self.name, self._runtime)
        return ""
