"""What an editor needs to attach to a service that lets a debugger in."""

from pathlib import Path

from scoredock.development import prepare_editor
from scoredock.webservice.folder import ServiceFolder
from scoredock.webservice.process_runtime import process_app_root
from scoredock.webservice.record import ServiceRecord


def next_step(record: ServiceRecord, workspace: Path) -> str:
    """Write the launch.json for what serves, and return the next step; empty without a debugger."""
    serving = record.serving
    if not serving.debug_port:
        return ""
    # A debugger knows the script by the name that the server has for it, links and all.
    app_root = "/var/azureml-app"
    if record.runtime == "process":
        folder = ServiceFolder(workspace / "services", record.name)
        app_root = str(process_app_root(folder, record.current))
    # The folder of a program's single script holds a link to it.
    script = (Path(serving.source) / serving.entry_script).resolve()
    return prepare_editor(
        record.name,
        port=serving.debug_port,
        source=script.parents[len(Path(serving.entry_script).parts) - 1],
        remote=f"{app_root}/{serving.source_name}",
    )
