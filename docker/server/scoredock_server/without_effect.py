"""What the reference server takes and we accept without effect: it needs a cloud account."""

# The names of its settings, and of their flags.
WITHOUT_EFFECT = {
    "AML_APP_INSIGHTS_ENABLED": "--appinsights-instrumentation-key",
    "AML_APP_INSIGHTS_KEY": "",
    "APP_INSIGHTS_LOG_RESPONSE_ENABLED": "",
    "AML_MDC_STORAGE_ENABLED": "",
    "AML_MODEL_DC_STORAGE_ENABLED": "",
    "AML_DBG_MODEL_INFO": "",
    "AML_DBG_RESOURCE_INFO": "",
    "WORKSPACE_NAME": "",
    "TRANSPORT_PROTOCOL": "--rest",
}
