import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from serving import EVALUATE, covers, running, wait_for_log, wait_until

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = f"00-{TRACE}-{PARENT}-01"
PACKAGES = ["opentelemetry"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("plain"), EVALUATE) as server:
        yield server.wait_until_ready()


@pytest.mark.parametrize(
    "traceparent", [SENT, f"01-{TRACE}-{PARENT}-00-more", f"cc-{TRACE}-{PARENT}-01"]
)
@pytest.mark.parametrize("body", ["1", "1/0"])
def test_the_answer_carries_the_traceparent_of_the_request(server, traceparent, body):
    answer = server.score(body, headers={"traceparent": traceparent})

    assert answer.headers["traceparent"] == traceparent


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        "x",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-0",
        f"01-{TRACE}-{PARENT}-012",
    ],
)
def test_one_that_breaks_the_rules_counts_as_none(server, traceparent):
    answer = server.score("1", headers={} if traceparent is None else {"traceparent": traceparent})

    assert (answer.status_code, "traceparent" in answer.headers) == (200, False)


def test_nothing_of_opentelemetry_is_imported(server):
    loaded = server.score("[name for name in sys.modules if 'opentelemetry' in name]")

    assert loaded.json() == []


@pytest.fixture
def collector():
    """An OTLP collector on loopback: its address, and the requests that it got."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, self.headers, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    collecting = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=collecting.serve_forever, args=[0.01], daemon=True).start()
    yield f"http://127.0.0.1:{collecting.server_port}", got
    collecting.shutdown()
    collecting.server_close()


def spans(got):
    """Return the spans that were sent, decoded."""
    decoder = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    import gzip

    found = []
    for path, headers, body in got:
        assert path == "/v1/traces"
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        message = decoder.ExportTraceServiceRequest.FromString(body)
        for resource in message.resource_spans:
            named = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                found += [(named["service.name"], span) for span in scope.spans]
    return found


def attributes(span):
    values = {each.key: each.value for each in span.attributes}
    return {key: getattr(each, each.WhichOneof("value")) for key, each in values.items()}


@pytest.mark.needs(*PACKAGES)
@covers("OTEL_EXPORTER_OTLP_ENDPOINT")
@pytest.mark.parametrize("preload", ["false", "true"])
def test_each_request_is_a_span_below_its_callers(tmp_path, collector, preload):
    address, got = collector
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": address,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "SERVICE_NAME": "digits",
        "WORKER_PRELOAD": preload,
    }
    with running(tmp_path, EVALUATE, **variables) as server:
        server.wait_until_ready()
        headers = {"traceparent": SENT, "x-request-id": "one"}
        inside = server.score(
            "format(__import__('opentelemetry.trace').trace.get_current_span()"
            ".get_span_context().span_id, '016x')",
            headers=headers,
        )
        failed = server.score("1/0", headers={"x-request-id": "two"})
        requests.get(server.url, timeout=20)
        wait_until(lambda: len(spans(got)) >= 2)

        (service, first), (_, second) = spans(got)
        assert service == "digits"
        version, trace, span_id, flags = inside.headers["traceparent"].split("-")
        assert (version, trace, flags) == ("00", TRACE, "01")
        assert first.trace_id.hex() == TRACE
        assert first.parent_span_id.hex() == PARENT
        assert first.span_id.hex() == span_id == inside.json()
        assert first.name == "POST /score"
        assert first.end_time_unix_nano > first.start_time_unix_nano
        told = attributes(first)
        assert told.pop("scoredock.run_ms") > 0
        assert told == {
            "http.request.method": "POST",
            "url.path": "/score",
            "http.response.status_code": 200,
            "scoredock.request_id": "one",
        }
        assert attributes(second)["http.response.status_code"] == 500
        assert second.status.code == 2
        assert second.parent_span_id == b""
        assert failed.headers["traceparent"].split("-")[1] == second.trace_id.hex() != TRACE


@pytest.mark.needs(*PACKAGES)
def test_spans_that_wait_are_sent_at_the_end(tmp_path, collector):
    address, got = collector
    with running(tmp_path, EVALUATE, OTEL_EXPORTER_OTLP_ENDPOINT=address) as server:
        server.wait_until_ready().score("1")
        assert got == []
        server.process.terminate()
        server.process.wait()

    assert len(spans(got)) == 1


@pytest.mark.needs(*PACKAGES)
def test_a_collector_that_is_not_there_costs_no_request(tmp_path, port):
    address = f"http://127.0.0.1:{port}"
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with running(tmp_path, EVALUATE, **variables) as server:
        server.wait_until_ready()

        answers = [server.score("1").status_code for _ in range(20)]

        assert answers == [200] * 20


def test_without_the_packages_one_line_says_why_there_is_no_span(tmp_path):
    files = {"code/sitecustomize.py": "import sys\nsys.modules['opentelemetry'] = None\n"}
    script = "import sys\nsys.modules['opentelemetry'] = None\n" + EVALUATE
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    with running(tmp_path, script, files=files, **variables) as server:
        answer = server.wait_until_ready().score("1", headers={"traceparent": SENT})

        assert (answer.status_code, answer.headers["traceparent"]) == (200, SENT)
        wait_for_log(server, "W .* OTEL_EXPORTER_OTLP_ENDPOINT is set, and no span is exported: ")
        assert server.log().count("no span is exported") == 1
