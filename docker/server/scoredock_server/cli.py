"""The command `scoredock-server`."""

import argparse
import os
import sys
from typing import Any, List, MutableMapping, NoReturn, Optional

from scoredock_server import __version__
from scoredock_server.service import read_all_settings
from scoredock_server.setting_kinds import SettingError, port_number
from scoredock_server.settings import SETTINGS, read_settings

_EXAMPLES = """\
examples:
  scoredock-server --entry-script score.py --model-dir models/digits/1
  scoredock-server --entry-script score.py --check
  scoredock-server --entry-script score.py --score request.json
  WORKER_COUNT=2 scoredock-server --entry-script score.py --port 8080

Each flag has a variable, and there are more variables than flags: --settings lists them.
Flags win over variables, variables over the configuration file. The flags of azmlinfsrv work
as well, with underscores or dashes.
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, "{}: error: {}\n".format(self.prog, message))  # 1: as the reference server


def main(arguments: Optional[List[str]] = None) -> None:
    """Serve an entry script, check it, or list the settings. Raises SystemExit."""
    parser = _make_parser()
    spelled = [_with_dashes(argument) for argument in arguments or sys.argv[1:]]
    options = vars(parser.parse_args(spelled))
    if options["settings"]:
        from scoredock_server.setting_table import settings_table

        sys.stdout.write(settings_table())
        return
    environ = os.environ
    try:
        _set_variables(options, environ)
        # From a copy: a worker reads the file and looks for the newest model again on a reload.
        seen = dict(environ)
        settings = read_all_settings(seen)
    except SettingError as error:
        sys.stderr.write("scoredock-server: error: {}\n".format(error))
        sys.exit(error.status)
    if not seen.get("AZUREML_ENTRY_SCRIPT") and not settings.config_file:
        parser.error("no entry script: name it with --entry-script, or a --config-file that does")
    if options["check"]:
        from scoredock_server.check import check

        sys.exit(check(environ))
    if options["score"]:
        from scoredock_server.score_files import score_files

        sys.exit(score_files(options["score"], environ))
    from scoredock_server.gunicorn_server import serve

    serve(settings)


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="scoredock-server",
        description="Serve the run() of an Azure Machine Learning entry script at /score.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for row in SETTINGS:
        if row.flag:
            name, metavar = row.flag.split()
            parser.add_argument(
                name, metavar=metavar, dest=row.name, help=_help(row.meaning, row.name)
            )
    parser.add_argument(
        "--port", metavar="N", help="The port, where --bind names none. [default: 5001]"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="Load the script, run init(), print what was found, and stop.",
    )
    parser.add_argument(
        "--score",
        nargs="+",
        metavar="FILE",
        help="Print what is answered to the request in each FILE (-: standard input), and stop.",
    )
    parser.add_argument("--settings", action="store_true", help="List every setting as Markdown.")
    parser.add_argument("--version", action="version", version=__version__)
    # Flags of the reference server that mean nothing without a cloud account.
    parser.add_argument("--appinsights-instrumentation-key", help=argparse.SUPPRESS)
    parser.add_argument("--rest", action="store_true", help=argparse.SUPPRESS)
    return parser


def _with_dashes(argument: str) -> str:
    """Return a flag in our spelling: the reference server's have underscores."""
    if not argument.startswith("--"):
        return argument
    flag, equals, value = argument.partition("=")
    return flag.replace("_", "-") + equals + value


def _help(meaning: str, variable: str) -> str:
    return "{} [{}]".format(meaning.replace("%", "%%"), variable)


def _set_variables(options: "dict[str, Any]", environ: MutableMapping[str, str]) -> None:
    """Put the flags into `environ`, from which each worker reads them. Raises SettingError."""
    for row in SETTINGS:
        value = options.get(row.name)
        if value is None:
            continue
        if row.attribute == "entry_script":
            value = os.path.realpath(value)
        elif row.attribute == "config_file":
            value = os.path.abspath(value)
        environ[row.name] = value
        if not row.name.startswith("SCOREDOCK_"):
            environ.pop("SCOREDOCK_" + row.name, None)  # it would win over the flag
    if options["port"] is not None:
        environ["SCOREDOCK_BIND"] = _with_port(read_settings(environ).bind, options["port"])
    if options["appinsights_instrumentation_key"]:
        environ["AML_APP_INSIGHTS_KEY"] = ""
    if options["rest"]:
        environ["TRANSPORT_PROTOCOL"] = "rest"


def _with_port(bind: str, port: str) -> str:
    """Return the address with another port. Raises SettingError."""
    if bind.startswith(("unix:", "fd:")):
        raise SettingError("--port {}: {} has no port".format(port, bind), status=1)
    try:
        number = port_number.read(port)
    except ValueError as error:
        raise SettingError("--port {}: {}".format(port, error), status=1) from None
    return "{}:{}".format(bind.rpartition(":")[0], number)
