"""What an editor needs to attach to a service that lets a debugger in."""

from pathlib import Path

from scoredock.development import prepare_editor
from scoredock.webservice.record import ServiceFolder, ServiceRecord


def next_step(record: ServiceRecord, workspace: Path) -> str:
    """Write the launch.json for what serves, and return the next step; empty without a debugger."""
    serving = record.serving
    if not serving.debug_port:
        return ""
    code = ServiceFolder(workspace / "services", record.name).code(record.current)
    # The folder of a program's single script holds a link to it.
    script = (Path(serving.source) / serving.entry_script).resolve()
    return prepare_editor(
        record.name,
        port=serving.debug_port,
        source=script.parents[len(Path(serving.entry_script).parts) - 1],
        remote=f"/var/azureml-app/{serving.source_name}"
        if record.runtime == "docker"
        else str(code.resolve()),
    )
