"""The settings of those who run a service: who may ask it, and what it tells of itself."""

from typing import List

from scoredock_server.setting_kinds import Setting, choice, switch, text

ACCESS: List[Setting] = [
    Setting("Access", "published_on", "SCOREDOCK_PUBLISHED_ON", text, "",
            "The address at which a container's port is published. Where it, or without it the"
            " address of SCOREDOCK_BIND, is not loopback, the server warns at its start that it has"
            " no keys or no TLS."),
    Setting("Access", "key_file", "SCOREDOCK_KEY_FILE", text, "",
            "A file with one key, or two, a line for each: all but the health routes answer only"
            " `Authorization: Bearer KEY`. It is read again when it changes. Empty: no key is asked"
            " for."),
    Setting("Access", "tls_certificate_file", "SCOREDOCK_TLS_CERTIFICATE_FILE", text, "",
            "The certificate in PEM, with the authorities in between: the server speaks TLS alone."
            " A renewed one counts for the connections that follow."),
    Setting("Access", "tls_key_file", "SCOREDOCK_TLS_KEY_FILE", text, "",
            "The certificate's key in PEM, without a password. Empty: it is in the certificate's"
            " file."),
]  # fmt: skip

OBSERVATION: List[Setting] = [
    Setting("Logging", "log_format", "SCOREDOCK_LOG_FORMAT", choice("text", "json"), "text",
            "`text` writes the reference server's lines, `json` an object a line: one for each"
            " request, with its ids, status, times and sizes, and one for each record."),
    Setting("Logging", "log_queries", "SCOREDOCK_LOG_QUERIES", switch, "true",
            "Write the query strings of requests, as the reference server does; they may hold what"
            " nobody should read. Bodies are never written.", improved="false"),
    Setting("Monitoring", "metrics", "SCOREDOCK_METRICS", switch, "false",
            "Answer /metrics for Prometheus, where the package prometheus-client is installed.",
            improved="true"),
    Setting("Monitoring", "otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", text, "",
            "Where to send a span for each request, as http://collector:4318, where OpenTelemetry's"
            " SDK and its exporter for OTLP over HTTP are installed; its other OTEL_ variables"
            " count as well. Empty: no span, and nothing of it is imported."),
]  # fmt: skip
