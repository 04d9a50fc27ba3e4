"""Let a debugger in: debugpy listens for one, or connects to one that listens."""

import os
import socket
import sys
import time
from typing import Any, Tuple

from scoredock_server import log
from scoredock_server.setting_kinds import SettingError
from scoredock_server.settings import Settings


def connect(settings: Settings) -> None:
    """Connect to the debugger at AZUREML_DEBUG_PORT, and wait for it. Raises SettingError."""
    if not settings.debug_port:
        return
    what = "AZUREML_DEBUG_PORT={}".format(settings.debug_port)
    debugpy = _import(settings, what)
    log.server.info("Waiting for the debugger at port %s", settings.debug_port)
    try:
        debugpy.connect(("127.0.0.1", settings.debug_port))
    except OSError as error:
        raise SettingError("{}: no debugger listens there: {}".format(what, error)) from None
    debugpy.wait_for_client()


def listen(settings: Settings) -> None:
    """Listen for a debugger at SCOREDOCK_DEBUG_BIND. Raises SettingError.

    With SCOREDOCK_DEBUG_WAIT this returns once one has come.
    """
    if not settings.debug_bind:
        return
    what = "SCOREDOCK_DEBUG_BIND={}".format(settings.debug_bind)
    host, _, port = settings.debug_bind.rpartition(":")
    address = (host.strip("[]"), int(port) if port.isdigit() else 0)
    if not address[1]:
        raise SettingError("{}: expected HOST:PORT".format(what))
    debugpy = _import(settings, what)
    _wait_until_free(address)
    # The processes that a script starts are not debugged: they would wait for a debugger, too.
    debugpy.configure(subProcess=False)
    try:
        debugpy.listen(address)
    except Exception as error:  # of several kinds, by version
        raise SettingError("{}: cannot listen there: {}".format(what, error)) from None
    log.server.info("A debugger can attach to port %s", address[1])
    if settings.debug_wait:
        log.server.info("Waiting for the debugger before the script is loaded")
        debugpy.wait_for_client()


def _import(settings: Settings, what: str) -> Any:
    if settings.debugpy and settings.debugpy not in sys.path:
        sys.path.append(settings.debugpy)  # last: what the environment has is taken
    # It would warn of modules of the standard library that it cannot see into.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    try:
        import debugpy
    except ImportError:
        raise SettingError(
            "{}: the package debugpy is not installed: add it to the environment spec, or name"
            " the folder that holds it with SCOREDOCK_DEBUGPY".format(what)
        ) from None
    return debugpy


def _wait_until_free(address: Tuple[str, int]) -> None:
    """Return once nobody listens there: a server that this one replaces may stand at a breakpoint.

    debugpy cannot try twice: its second call in a process fails.
    """
    told = False
    while True:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
                probe.listen(1)
            except OSError as error:
                if not told:
                    log.server.info("Waiting for the debugger's port %s: %s", address[1], error)
                told = True
            else:
                return
        time.sleep(0.1)
