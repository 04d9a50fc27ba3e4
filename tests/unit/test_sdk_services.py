"""What of services needs none that runs."""

import pytest

from scoredock.errors import EngineError, NotFoundError, ScoredockError
from scoredock.sdk import (
    LocalWebservice,
    LocalWebserviceDeploymentConfiguration,
    ModelNotFoundException,
    ModelPathNotFoundException,
    ResourceConfiguration,
    UserErrorException,
    WebserviceException,
)
from scoredock.sdk.errors import FolderExistsException, raised_as
from scoredock.sdk.operations import Operation
from scoredock.sdk.profile import figures


@pytest.mark.calls("LocalWebservice.deploy_configuration")
@pytest.mark.parametrize("port", [1, 6789, 65535])
def test_a_port_is_taken_as_it_is(port):
    assert LocalWebservice.deploy_configuration(port=port).port == port


@pytest.mark.calls("LocalWebserviceDeploymentConfiguration")
def test_a_configuration_has_a_port_and_a_runtime():
    configuration = LocalWebserviceDeploymentConfiguration(port=80, runtime="process")

    assert configuration.chosen() == "process"


@pytest.mark.parametrize("port", [None, 0])
def test_no_port_is_any_that_is_free(port):
    assert LocalWebservice.deploy_configuration(port=port).port == 0


@pytest.mark.parametrize("port", [-1, 65536, "6789", True, 1.5])
def test_what_is_no_port_is_refused(port):
    with pytest.raises(WebserviceException, match=r"port must be an integer in range \[1, 65535\]"):
        LocalWebservice.deploy_configuration(port=port)


def test_a_runtime_that_is_not_there_is_refused():
    with pytest.raises(UserErrorException, match="runtime: expected auto, docker, process"):
        LocalWebservice.deploy_configuration(runtime="swarm").chosen()


@pytest.mark.calls("ResourceConfiguration")
@pytest.mark.parametrize("given", [{"cpu": 0}, {"memory_in_gb": -1}])
def test_no_resources_are_refused(given):
    with pytest.raises(WebserviceException, match="expected more than 0"):
        ResourceConfiguration(**given)


@pytest.mark.parametrize(
    ("kind", "also"),
    [
        (ModelNotFoundException, NotFoundError),
        (ModelPathNotFoundException, FileNotFoundError),
        (FolderExistsException, FileExistsError),
        (UserErrorException, ScoredockError),
    ],
)
def test_an_error_is_caught_as_both_of_what_it_is(kind, also):
    with pytest.raises(also, match="not here") as caught:
        raise kind("not here", hint="look elsewhere")

    assert caught.value.message == "not here"
    assert str(caught.value) == "not here\n hint: look elsewhere"


def test_an_error_of_the_engine_keeps_log_hint_and_exit_code():
    with pytest.raises(WebserviceException) as caught, raised_as(WebserviceException):
        raise EngineError("it ended with exit code 3", log=["KeyError: 'x'"], hint="mend it")

    assert str(caught.value) == "it ended with exit code 3\n  | KeyError: 'x'\n hint: mend it"
    assert caught.value.exit_code == 4


def test_an_operation_raises_its_error_whenever_it_is_asked():
    def fail(_mark):
        raise ValueError("no")

    operation = Operation(fail, doing="failing")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            operation.result()
    assert operation.has_failed
    assert operation.error == "no"


def test_the_figures_of_a_profile():
    details = figures([float(each) for each in range(1, 101)], 100, seconds=10)

    assert details["totalQueries"] == 200
    assert details["successRate"] == 50
    assert details["averageLatencyInMs"] == 50.5
    assert details["measuredQueriesPerSecond"] == 20
    assert details["latencyPercentile50InMs"] == 51
    assert details["latencyPercentile99InMs"] == 100


def test_a_profile_without_an_answer_has_no_latency():
    details = figures([], 3, seconds=1)

    assert details["successRate"] == 0
    assert details["latencyPercentile99InMs"] is None
